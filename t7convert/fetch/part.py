"""The unfinished download: bytes, and a note of how many of them can be trusted.

After a crash of the machine a file may be longer than what reached the disk. So the note says how
many bytes were synchronised, and their digest; a later run goes on from there or not at all.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import asdict, replace
from typing import BinaryIO

from t7convert.errors import DownloadError
from t7convert.fetch.cache import Slot
from t7convert.fetch.decision import PartNote
from t7convert.files import FULL, replace_text

_BLOCK = 1 << 20


class PartWriter:
    """Appends to the part, and marks how far it can be trusted."""

    def __init__(self, slot: Slot, note: PartNote, checkpoint: int) -> None:
        self._slot, self._note, self._checkpoint = slot, note, checkpoint
        self._digest = hashlib.sha256()
        self._unmarked = 0
        self.done = 0
        self._file: BinaryIO | None = None

    def open(self) -> None:
        """Begin: a new part, or after the note's kept bytes."""
        if self._note.kept:
            self._digest = _digest_of_prefix(self._slot, self._note.kept)
            self.done = self._note.kept
            self._file = self._slot.part.open("r+b")
            self._file.truncate(self.done)
            self._file.seek(self.done)
        else:
            self._file = self._slot.part.open("wb")
            self.mark()

    def write(self, chunk: bytes) -> None:
        """Append."""
        assert self._file is not None
        self._file.write(chunk)
        self._digest.update(chunk)
        self.done += len(chunk)
        self._unmarked += len(chunk)
        if self._unmarked >= self._checkpoint:
            self.mark()

    def mark(self) -> None:
        """Bring the bytes to the disk, then say so in the note."""
        assert self._file is not None
        flush(self._file)
        note = replace(self._note, kept=self.done, kept_sha256=self._digest.hexdigest())
        replace_text(self._slot.part_note, json.dumps(asdict(note)) + "\n", force=True)
        self._unmarked = 0

    def close(self) -> None:
        """Close the file; a second time does nothing."""
        if self._file is not None:
            self._file.close()
            self._file = None


def read_note(slot: Slot, url: str) -> PartNote | None:
    """Return the note of a part of ``url`` that may be continued, else None."""
    try:
        note = PartNote(**json.loads(slot.part_note.read_text(encoding="utf-8")))
        size = slot.part.stat().st_size
        usable = (
            note.url == url
            and bool(note.validator)
            and note.total is not None
            and 0 < note.kept <= min(size, note.total)
        )
    except (OSError, ValueError, TypeError):
        return None
    if not usable or _digest_of_prefix(slot, note.kept).hexdigest() != note.kept_sha256:
        return None
    return note


def flush(file: BinaryIO) -> None:
    """Bring what was written to the disk."""
    file.flush()
    os.fsync(file.fileno())


@contextlib.contextmanager
def full_disk_named(slot: Slot) -> Iterator[None]:
    """Turn a full disk into a message, and leave no part that fills it."""
    try:
        yield
    except OSError as error:
        if error.errno not in FULL:
            raise
        size = slot.part.stat().st_size if slot.part.exists() else 0
        slot.discard_part()
        raise DownloadError(
            f"{slot.folder}: no space left on the disk after {size:,} bytes; "
            "the unfinished download was removed"
        ) from error


def check_space(slot: Slot, needed: int) -> None:
    """Refuse to begin what can't end.

    Raises:
        DownloadError: if the disk has less than ``needed`` bytes free.
    """
    free = shutil.disk_usage(slot.folder).free
    if needed > free:
        raise DownloadError(
            f"{slot.folder}: no space left on the disk: "
            f"{needed:,} bytes are needed, {free:,} are free"
        )


def _digest_of_prefix(slot: Slot, length: int) -> hashlib._Hash:
    digest, left = hashlib.sha256(), length
    with slot.part.open("rb") as file:
        while left and (block := file.read(min(left, _BLOCK))):
            digest.update(block)
            left -= len(block)
    return digest
