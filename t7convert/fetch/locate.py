"""A name or a path, as every command accepts it."""

from __future__ import annotations

import os
from pathlib import Path

from t7convert.errors import DownloadError
from t7convert.fetch.catalogue import catalogue, find_entry
from t7convert.fetch.obtain import Wish, obtain
from t7convert.fetch.schema import Entry


def entry_for(
    name_or_path: str | os.PathLike[str],
    *,
    extra_catalogue: str | os.PathLike[str] | None = None,
) -> Entry | None:
    """Return the catalogue's entry of that name, None if it is the path of something that exists.

    Raises:
        DownloadError: if it is neither.
    """
    if Path(name_or_path).exists():
        return None
    text = os.fspath(name_or_path)
    entries = catalogue(extra_catalogue)
    if text not in entries and (os.sep in text or text.endswith((".t7", ".pt", ".pth", ".net"))):
        raise DownloadError(f"{text}: no such file")
    return find_entry(text, entries)


def resolve(
    name_or_path: str | os.PathLike[str],
    *,
    extra_catalogue: str | os.PathLike[str] | None = None,
    wish: Wish | None = None,
) -> Path:
    """Return the path of a file: the one given, or the checkpoint of that name, downloaded first.

    An existing path beats a name.

    Raises:
        DownloadError: if it is neither, or can't be downloaded.
    """
    entry = entry_for(name_or_path, extra_catalogue=extra_catalogue)
    return Path(name_or_path) if entry is None else obtain(entry, wish)
