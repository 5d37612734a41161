"""Outputs that appear whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from t7convert.errors import OutputError


def check_output(target: Path, *, force: bool, sources: Iterable[Path] = ()) -> None:
    """Refuse a target that can't or must not be written, before the work begins.

    Raises:
        OutputError: if it exists and ``force`` is false, is a folder or a device, is one of the
            ``sources``, or its folder does not exist.
    """
    for source in sources:
        if target.exists() and source.exists() and target.samefile(source):
            raise OutputError(f"{target}: is the file that is being read; choose another output")
    if target.is_dir():
        raise OutputError(f"{target}: is a folder")
    if target.exists() and not target.is_file():
        raise OutputError(f"{target}: is a device or a pipe; choose a file")
    if target.exists() and not force:
        raise OutputError(f"{target}: exists; use --force (force=True) to replace it")
    if not target.parent.is_dir():
        raise OutputError(f"{target}: there is no folder {target.parent}")


@contextmanager
def replacing(target: Path, *, force: bool = False) -> Iterator[Path]:
    """Give a path beside ``target`` to write to; it becomes ``target`` if the block succeeds.

    The mode is the one that the umask gives a new file, or the replaced file's. A symbolic link
    stays, and what it points to is replaced.

    Raises:
        OutputError: as :func:`check_output`.
    """
    check_output(target, force=force)
    target = Path(os.path.realpath(target))
    mode = target.stat().st_mode & 0o777 if target.exists() else 0o666 & ~_umask()
    handle, name = tempfile.mkstemp(
        prefix=f".{target.name[:50]}.", suffix=f".part{target.suffix}", dir=target.parent
    )
    os.close(handle)
    beside = Path(name)
    try:
        yield beside
        beside.chmod(mode)
        beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)


def _umask() -> int:
    """Return the umask; the system tells it only while it is being set."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
