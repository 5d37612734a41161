"""Where the bytes come from, and how payloads are read from them later."""

from __future__ import annotations

import mmap
import os
from pathlib import Path
from typing import Any, BinaryIO, Union

import numpy as np
import numpy.typing as npt

from t7convert.errors import T7FormatError

Array = npt.NDArray[Any]
Openable = Union[str, "os.PathLike[str]", bytes, bytearray, memoryview, BinaryIO]


class Source:
    """The bytes of one file: mapped, or in memory.

    Attributes:
        name: the file's path, or ``<bytes>``.
        buffer: the bytes; slices of it are ``bytes``.
        size: how many.
    """

    def __init__(self, name: str, buffer: bytes | mmap.mmap, file: BinaryIO | None = None) -> None:
        self.name, self.buffer, self.size = name, buffer, len(buffer)
        self._file = file
        self._state = self._look() if file else None
        self._closed = False

    def _look(self) -> tuple[int, int]:
        assert self._file is not None
        status = os.fstat(self._file.fileno())
        return status.st_size, status.st_mtime_ns

    def check(self) -> None:
        """Make sure that the file is still what its structure was read from.

        Raises:
            T7FormatError: if it was closed, or changed in size or time of modification.
        """
        if self._closed:
            raise T7FormatError("the file was closed", file=self.name)
        if self._file is not None and self._look() != self._state:
            raise T7FormatError("the file was changed while it was open", file=self.name)

    def identity(self) -> tuple[int, int] | None:
        """Return device and inode of the file, None for bytes in memory."""
        if self._file is None or self._closed:
            return None
        status = os.fstat(self._file.fileno())
        return status.st_dev, status.st_ino

    def read_into(self, target: Array, offset: int) -> None:
        """Fill ``target`` (contiguous) with the bytes at ``offset``, without mapping them.

        Raises:
            T7FormatError: if the file was changed, or ends before.
        """
        self.check()
        view = memoryview(target.reshape(-1).view("u1"))
        if self._file is None:
            view[:] = self.buffer[offset : offset + len(view)]
            return
        while view:
            count = os.preadv(self._file.fileno(), [view[: 1 << 26]], offset)
            if count == 0:
                raise T7FormatError("the file was cut while it was open", file=self.name)
            view, offset = view[count:], offset + count

    def release(self, start: int, stop: int) -> None:
        """Give back the mapped pages between two offsets; they are read again when needed."""
        if isinstance(self.buffer, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
            first = -(-start // mmap.PAGESIZE) * mmap.PAGESIZE
            length = stop // mmap.PAGESIZE * mmap.PAGESIZE - first
            if length > 0:
                self.buffer.madvise(mmap.MADV_DONTNEED, first, length)

    def close(self) -> None:
        """Close the file; payloads can't be read any more."""
        if self._closed:
            return
        self._closed = True
        if isinstance(self.buffer, mmap.mmap):
            try:
                self.buffer.close()
            except BufferError:
                pass  # somebody holds an array that views the map; it goes with the array
        if self._file is not None:
            self._file.close()


class MappedPayload:
    """A storage's elements in a binary file.

    Attributes:
        source: the file.
        offset: the byte at which the elements begin.
        nbytes: how many bytes they take.
    """

    __slots__ = ("_dtype", "_itemsize", "_order", "nbytes", "offset", "source")

    def __init__(
        self,
        source: Source,
        offset: int,
        count: int,
        order: str,
        itemsize: int,
        dtype: np.dtype[Any],
    ) -> None:
        self.source, self.offset, self.nbytes = source, offset, count * itemsize
        self._order, self._itemsize, self._dtype = order, itemsize, dtype

    @property
    def written_dtype(self) -> np.dtype[Any]:
        """The elements as they stand in the file."""
        return np.dtype(f"{self._order}{self._dtype.kind}{self._itemsize}")

    def read(self, start: int, stop: int) -> Array:
        """Return elements ``start`` to ``stop``: a view of the file where its numbers are native."""
        self.source.check()
        if start == stop:
            empty: Array = np.empty(0, self._dtype)
            empty.flags.writeable = False
            return empty
        view: Array = np.frombuffer(
            self.source.buffer,
            self.written_dtype,
            stop - start,
            self.offset + start * self._itemsize,
        )
        if view.dtype == self._dtype:
            return view
        native = view.astype(self._dtype)
        native.flags.writeable = False
        return native

    def copy(self, start: int, stop: int) -> Array:
        """Return a writable copy of elements ``start`` to ``stop``, without mapping the file."""
        raw: Array = np.empty(stop - start, self.written_dtype)
        self.source.read_into(raw, self.offset + start * self._itemsize)
        return raw if raw.dtype == self._dtype else raw.astype(self._dtype)


def open_source(source: Openable) -> Source:
    """Map a file, or take bytes as they are."""
    if isinstance(source, (bytes, bytearray, memoryview)):
        return Source("<bytes>", bytes(source))
    if isinstance(source, (str, os.PathLike)):
        path = Path(source)
        file = path.open("rb")
        if os.fstat(file.fileno()).st_size == 0:
            return Source(str(path), b"", file)
        return Source(str(path), mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ), file)
    return Source("<file>", source.read())
