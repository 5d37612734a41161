"""A name or a path, as every command accepts it."""

from __future__ import annotations

import os
from pathlib import Path

from t7convert.fetch.known import UnknownNameError, catalogue, find_entry
from t7convert.fetch.limits import Progress, no_progress
from t7convert.fetch.obtaining import Wish, obtain
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
        raise UnknownNameError(f"{text}: no such file")
    return find_entry(text, entries)


def obtain_or_path(
    name_or_path: str | os.PathLike[str],
    wish: Wish | None = None,
    *,
    extra_catalogue: str | os.PathLike[str] | None = None,
) -> Path:
    """Return the path of a file: the one given, or the checkpoint of that name, obtained first.

    Raises:
        DownloadError: if it is neither, or can't be downloaded.
    """
    entry = entry_for(name_or_path, extra_catalogue=extra_catalogue)
    return Path(name_or_path) if entry is None else obtain(entry, wish)


def resolve(
    name_or_path: str | os.PathLike[str],
    *,
    offline: bool = False,
    cache_dir: str | os.PathLike[str] | None = None,
    resource_key: str | None = None,
    extra_catalogue: str | os.PathLike[str] | None = None,
    progress: Progress = no_progress,
) -> Path:
    """Return the path of a file: the one given, or the released checkpoint of that name.

    An existing path beats a name. A name is taken from the cache, or downloaded into it first.

    Args:
        name_or_path: a path, or a name that ``t7convert download --list`` shows.
        offline: use the cache only.
        cache_dir: instead of ``$T7CONVERT_HOME`` and the like.
        resource_key: for an old file on Google Drive.
        extra_catalogue: a TOML file of own entries.
        progress: called with (bytes so far, bytes in all or None).

    Raises:
        DownloadError: if it is neither, or can't be downloaded.
    """
    wish = Wish(offline=offline, cache_dir=cache_dir, resource_key=resource_key, progress=progress)
    return obtain_or_path(name_or_path, wish, extra_catalogue=extra_catalogue)
