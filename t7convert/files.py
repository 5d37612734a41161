"""Outputs that appear whole or not at all."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from t7convert.errors import OutputError, T7Error

_LONGEST = 50  # characters of the target's name in that of its unfinished twin
#: What a system answers when there is no room for a file.
FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


def check_not_read(target: Path, sources: Iterable[Path]) -> None:
    """Refuse a target that is one of the files that are being read.

    Raises:
        OutputError: naming it.
    """
    for source in sources:
        if target.exists() and source.exists() and target.samefile(source):
            raise OutputError(f"{target}: is the file that is being read; choose another output")


def check_output(target: Path, *, force: bool, sources: Iterable[Path] = ()) -> None:
    """Refuse a target that can't or must not be written, before the work begins.

    Raises:
        OutputError: if it exists and ``force`` is false, is a folder or a device, is one of the
            ``sources``, or its folder does not exist or can't be written to.
    """
    try:
        check_not_read(target, sources)
        if target.is_dir():
            raise OutputError(f"{target}: is a folder")
        if target.exists() and not target.is_file():
            raise OutputError(f"{target}: is a device or a pipe; choose a file")
        if target.exists() and not force:
            raise OutputError(f"{target}: exists; use --force (force=True) to replace it")
        if not target.parent.is_dir():
            raise OutputError(f"{target}: there is no folder {target.parent}")
        folder = Path(os.path.realpath(target)).parent
        if not folder.is_dir():
            raise OutputError(f"{target}: is a link into {folder}, which does not exist")
        if not os.access(folder, os.W_OK | os.X_OK):
            raise OutputError(f"{target}: the folder {folder} can't be written to")
    except OutputError:
        raise
    except OSError as error:  # a name that is too long, a folder that may not be looked into
        raise OutputError(f"{target}: {error.strerror}") from error


@contextmanager
def replacing(target: Path, *, force: bool = False) -> Iterator[Path]:
    """Give a path beside ``target`` to write to; it becomes ``target`` if the block succeeds.

    The mode is the one that the umask gives a new file, or the replaced file's. A symbolic link
    stays, and what it points to is replaced.

    Raises:
        OutputError: as :func:`check_output`, and if the disk is full.
    """
    check_output(target, force=force)
    final = Path(os.path.realpath(target))
    mode = final.stat().st_mode & 0o777 if final.exists() else 0o666 & ~_umask()
    beside = final.with_name(f"{_prefix(final)}{os.urandom(6).hex()}.part{final.suffix[:_LONGEST]}")
    try:  # from before the file exists: an interruption may come at any time
        os.close(os.open(beside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        yield beside
        beside.chmod(mode)
        beside.replace(final)
    except OSError as error:
        unnumbered = error.errno is None and not isinstance(error, T7Error)  # numpy's
        if error.errno in FULL or unnumbered:
            full = OutputError(f"{target}: could not be written: {error.strerror or error}")
            full.errno = error.errno
            raise full from error
        raise
    finally:
        beside.unlink(missing_ok=True)


def replace_text(target: Path, text: str, *, force: bool = False) -> None:
    """Write ``text`` in UTF-8 as the whole of ``target``; see :func:`replacing`.

    Bytes of a file name that are no UTF-8 (surrogates in Python) are written as escapes.

    Raises:
        OutputError: as :func:`replacing`.
    """
    with replacing(target, force=force) as beside:
        beside.write_text(text, encoding="utf-8", errors="backslashreplace")


@contextmanager
def in_utf8(path: Path) -> Iterator[Path]:
    """Give a file a name in UTF-8 inside the block, for libraries that open no other."""
    try:
        os.fspath(path).encode()
    except UnicodeEncodeError:
        with path.open("rb") as file:
            yield Path(f"/dev/fd/{file.fileno()}")
    else:
        yield path


def remove_unfinished(target: Path) -> None:
    """Remove what a process left that was killed while it wrote ``target``."""
    if target.parent.is_dir():
        for left in target.parent.iterdir():
            if left.name.startswith(_prefix(target)) and ".part" in left.suffixes:
                left.unlink(missing_ok=True)


def _prefix(target: Path) -> str:
    return f".{target.name[:_LONGEST]}."


def _umask() -> int:
    """Return the umask; the system tells it only while it is being set."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
