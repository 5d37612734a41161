"""The elements of a storage, where they stand in a file; nothing is read before somebody asks."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from t7convert.errors import T7FormatError
from t7convert.format.source import Source
from t7convert.format.text_numbers import parse_double

Array = npt.NDArray[Any]

_CHUNK = 1 << 18
_BLANK = re.compile(rb"[ \t\n\v\f\r]")


def _sealed(array: Array) -> Array:
    array.flags.writeable = False
    return array


class MappedPayload:
    """Elements in their binary form.

    Attributes:
        source: the file.
        offset: the byte at which the elements begin.
        nbytes: how many bytes they take.
    """

    __slots__ = ("_dtype", "_written", "nbytes", "offset", "source")

    def __init__(
        self, source: Source, offset: int, nbytes: int, dtype: np.dtype[Any], written: str
    ) -> None:
        self.source, self.offset, self.nbytes = source, offset, nbytes
        self._dtype, self._written = dtype, written

    @property
    def written(self) -> np.dtype[Any]:
        """The elements' type and byte order in the file."""
        return np.dtype(self._written)

    def read(self, start: int, stop: int) -> Array:
        """Return elements ``start`` to ``stop``: a view of the file if its numbers are native.

        Raises:
            T7FormatError: if the file was closed, or changed while it was open.
        """
        self.source.check()
        if start == stop:
            return _sealed(np.empty(0, self._dtype))
        written = self.written
        view: Array = np.frombuffer(
            self.source.buffer, written, stop - start, self.offset + start * written.itemsize
        )
        return view if written == self._dtype else _sealed(view.astype(self._dtype))

    def copy(self, start: int, stop: int) -> Array:
        """Return a writable copy of elements ``start`` to ``stop``; nothing is mapped for it.

        Raises:
            T7FormatError: as for ``read``, or if the file ends before.
        """
        raw: Array = np.empty(stop - start, self.written)
        self.source.read_into(raw, self.offset + start * raw.itemsize)
        return raw if raw.dtype == self._dtype else raw.astype(self._dtype)


class TextPayload:
    """Elements as text; what was parsed once is kept.

    Attributes:
        source: the file.
        offset: the byte at which the text begins.
        nbytes: how long it is.
    """

    __slots__ = ("_count", "_dtype", "_values", "nbytes", "offset", "source")

    def __init__(
        self, source: Source, offset: int, nbytes: int, count: int, dtype: np.dtype[Any]
    ) -> None:
        self.source, self.offset, self.nbytes = source, offset, nbytes
        self._count, self._dtype = count, dtype
        self._values: Array | None = None

    def read(self, start: int, stop: int) -> Array:
        """Return elements ``start`` to ``stop``.

        Raises:
            T7FormatError: if the file was closed or changed, or a word is not a number that the
                storage's type holds.
        """
        if self._values is None:
            self._values = _sealed(self._parse())
        return self._values[start:stop]

    def copy(self, start: int, stop: int) -> Array:
        """Return a writable copy of elements ``start`` to ``stop``; raises as ``read`` does."""
        copied: Array = self.read(start, stop).copy()
        return copied

    def pieces(self) -> Iterator[bytes]:
        """Yield the text as it stands.

        Raises:
            T7FormatError: if the file was closed or changed.
        """
        for start in range(self.offset, self.offset + self.nbytes, _CHUNK):
            self.source.check()
            yield self.source.buffer[start : min(start + _CHUNK, self.offset + self.nbytes)]

    def _parse(self) -> Array:
        self.source.check()
        values: Array = np.empty(self._count, self._dtype)
        parse: Callable[[bytes], int | float] = int if self._dtype.kind == "i" else _float
        done = 0
        try:
            with np.errstate(over="ignore"):
                for words in self._words():
                    values[done : done + len(words)] = [parse(word) for word in words]
                    done += len(words)
        except (ValueError, OverflowError) as error:
            problem = f"an element that the storage can't hold: {error}"
            raise T7FormatError(problem, file=self.source.name, offset=self.offset) from None
        return values

    def _words(self) -> Iterator[list[bytes]]:
        pos, end = self.offset, self.offset + self.nbytes
        while pos < end:
            stop = min(pos + _CHUNK, end)
            if stop < end:
                blank = _BLANK.search(self.source.buffer, stop, end)
                stop = blank.end() if blank else end
            yield self.source.buffer[pos:stop].split()
            pos = stop


def _float(word: bytes) -> float:
    value = parse_double(word)
    if value is None:
        raise ValueError(f"{word[:30]!r} is not a number")
    return value
