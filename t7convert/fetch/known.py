"""All entries by name: those that come with the package and a user's own."""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping
from functools import cache

from t7convert.errors import DownloadError
from t7convert.fetch.entries import classifiers, fb_resnet, other, sharesnet
from t7convert.fetch.schema import Entry
from t7convert.fetch.user_catalogue import read_catalogue


class UnknownNameError(DownloadError):
    """Neither a file nor a name in the catalogue: a mistake in the call."""

    exit_code = 2


_FAMILIES = (sharesnet, fb_resnet, classifiers, other)


@cache
def builtin_catalogue() -> Mapping[str, Entry]:
    """Return the entries that come with the package, in the order in which they are listed."""
    entries: dict[str, Entry] = {}
    for family in _FAMILIES:
        for entry in family.ENTRIES:
            if entry.name in entries:
                raise ValueError(f"{entry.name} stands twice in the catalogue")
            entries[entry.name] = entry
    return entries


def catalogue(extra: str | os.PathLike[str] | None = None) -> Mapping[str, Entry]:
    """Return the entries of the package and those of the user's file ``extra``, which win.

    Raises:
        DownloadError: if ``extra`` can't be read; the message names the entry and the field.
    """
    entries = dict(builtin_catalogue())
    if extra is not None:
        entries.update(read_catalogue(extra))
    return entries


def find_entry(name: str, entries: Mapping[str, Entry] | None = None) -> Entry:
    """Return the entry called ``name``.

    Raises:
        UnknownNameError: if there is none; the message names similar ones.
    """
    known = builtin_catalogue() if entries is None else entries
    if name in known:
        return known[name]
    near = difflib.get_close_matches(name, known, n=3)
    hint = f"; did you mean {' or '.join(near)}?" if near else ""
    raise UnknownNameError(
        f"{name!r} is neither a file nor a name in the catalogue{hint} "
        "(t7convert download --list shows all)"
    )
