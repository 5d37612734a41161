"""Where the bytes come from: a mapped file, a stream, bytes in memory, something compressed."""

from __future__ import annotations

import contextlib
import errno
import mmap
import os
import stat
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, Union

import numpy as np
import numpy.typing as npt

from t7convert.errors import T7FormatError
from t7convert.format.packing import PACKED

Array = npt.NDArray[Any]
Openable = Union[str, "os.PathLike[str]", bytes, bytearray, memoryview, IO[bytes]]

_CHUNK = 1 << 20
_IN_MEMORY = 1 << 24  # streams that are longer go to a temporary file
_UNPACKED = 1 << 32  # a compressed file may give this much, and a hundred times its size


class Source:
    """The bytes of one file: mapped, or in memory.

    Attributes:
        name: the file's path, or ``<bytes>``.
        buffer: the bytes; slices of it are ``bytes``.
        size: how many.
    """

    def __init__(self, name: str, buffer: bytes | mmap.mmap, file: int | None = None) -> None:
        self.name, self.buffer, self.size = name, buffer, len(buffer)
        self._file, self._closed = file, False
        # whoever drops the last tensor of a file need not know that it was open
        self._forget = None if file is None else weakref.finalize(self, os.close, file)
        self._state = self._look()

    def _look(self) -> tuple[int, int]:
        if self._file is None:
            return self.size, 0
        status = os.fstat(self._file)
        return status.st_size, status.st_mtime_ns

    def check(self) -> None:
        """Make sure that the file is still what its structure was read from.

        Raises:
            T7FormatError: if it was closed, or changed in size or time of modification.
        """
        if self._closed:
            raise T7FormatError("the file was closed before this was read", file=self.name)
        if self._look() != self._state:
            raise T7FormatError("the file was changed while it was open", file=self.name)

    def identity(self) -> tuple[int, int] | None:
        """Return device and inode of the file, None for bytes in memory."""
        if self._file is None or self._closed:
            return None
        status = os.fstat(self._file)
        return status.st_dev, status.st_ino

    def read_into(self, target: Array, offset: int) -> None:
        """Fill ``target`` (contiguous) with the bytes at ``offset``, without mapping them.

        Raises:
            T7FormatError: if the file was closed or changed, or ends before.
        """
        self.check()
        flat = target.reshape(-1).view(np.uint8)
        if self._file is None or not hasattr(os, "preadv"):
            flat[:] = np.frombuffer(self.buffer, np.uint8, flat.size, offset)
            return
        done = 0
        while done < flat.size:
            part = memoryview(flat[done : done + (1 << 26)])  # type: ignore[arg-type]  # an array is a buffer
            count = os.preadv(self._file, [part], offset + done)
            if count == 0:
                raise T7FormatError("the file was cut while it was open", file=self.name)
            done += count

    def release(self, start: int, stop: int) -> None:
        """Give back the mapped pages between two offsets; they are read again when needed."""
        if isinstance(self.buffer, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
            first = -(-start // mmap.PAGESIZE) * mmap.PAGESIZE
            length = min(stop, self.size) // mmap.PAGESIZE * mmap.PAGESIZE - first
            if length > 0:
                self.buffer.madvise(mmap.MADV_DONTNEED, first, length)

    def close(self) -> None:
        """Close the file; payloads can't be read any more."""
        if self._closed:
            return
        self._closed = True
        if isinstance(self.buffer, mmap.mmap):
            # somebody may hold an array that views the map; then it goes with the array
            with contextlib.suppress(BufferError):
                self.buffer.close()
        if self._forget is not None:
            self._forget()


def open_source(source: Openable, *, member: str | None = None) -> Source:
    """Open a path, bytes, or a binary file object (read from where it stands to its end).

    What is compressed (gzip, bzip2, xz, or a zip archive with one .t7 in it) is unpacked: short
    files into memory, long ones into a temporary file that has no name.

    Args:
        member: which file of a zip archive.

    Raises:
        OSError: if the path can't be opened.
        T7FormatError: if compressed data is damaged, or the archive has no such member.
    """
    if isinstance(source, (bytes, bytearray, memoryview)):
        opened = Source("<bytes>", bytes(source))
    elif isinstance(source, (str, os.PathLike)):
        opened = _open_path(Path(source))
    elif callable(getattr(source, "read", None)):
        opened = _from_stream(source, str(getattr(source, "name", "<file>")))
    else:
        raise TypeError(f"can't read a .t7 file from {type(source).__name__}")
    if not opened.buffer[:6].startswith(PACKED):
        return opened
    try:
        # few files are compressed, and every start of the program would pay
        from t7convert.format.compressed import decompress  # noqa: PLC0415

        stream = decompress(opened.buffer, opened.name, member)
        return opened if stream is None else _from_stream(stream, opened.name, close=opened)
    except T7FormatError:
        opened.close()
        raise


def _open_path(path: Path) -> Source:
    file = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
    status = os.fstat(file)
    if stat.S_ISDIR(status.st_mode):
        os.close(file)
        raise IsADirectoryError(errno.EISDIR, "a folder, not a .t7 file", str(path))
    if not stat.S_ISREG(status.st_mode):
        with open(file, "rb") as stream:  # noqa: PTH123 -- a descriptor
            return _from_stream(stream, str(path))
    return _mapped(file, str(path), status.st_size)


def _mapped(file: int, name: str, size: int) -> Source:
    try:
        return Source(name, mmap.mmap(file, 0, access=mmap.ACCESS_READ) if size else b"", file)
    except BaseException:
        os.close(file)
        raise


def _from_stream(stream: IO[bytes], name: str, *, close: Source | None = None) -> Source:
    """Read a stream to its end, in the pieces that it gives."""
    try:
        head = b"".join(_pieces(stream, _IN_MEMORY))
        if len(head) <= _IN_MEMORY:
            return Source(name, head)
        limit = None if close is None else _UNPACKED + 100 * close.size
        import tempfile  # noqa: PLC0415  few streams are that long

        with tempfile.TemporaryFile() as kept:
            kept.write(head)
            del head
            for piece in _pieces(stream):
                kept.write(piece)
                if limit is not None and kept.tell() > limit:
                    problem = f"it unpacks to more than {limit:,} bytes; unpack it yourself"
                    raise T7FormatError(problem, file=name)
            kept.flush()
            return _mapped(os.dup(kept.fileno()), name, kept.tell())
    finally:
        if close is not None:
            close.close()


def _pieces(stream: IO[bytes], limit: int | None = None) -> Iterator[bytes]:
    """Yield what a stream gives, until its end or until there is more than ``limit``."""
    total = 0
    while limit is None or total <= limit:
        piece = stream.read(_CHUNK)
        if not isinstance(piece, (bytes, bytearray)):
            raise TypeError("a .t7 file is read from a file object that is opened in binary mode")
        if not piece:
            return
        total += len(piece)
        yield piece
