"""The primitives of a file, written: binary and text."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from t7convert.format.encoding import Encoding
from t7convert.format.objects import DTYPES, LuaStorage
from t7convert.format.payloads import TextPayload
from t7convert.format.plain import UnwritableError
from t7convert.format.text_numbers import format_double

_FLUSH = 1 << 20
_CHUNK = 1 << 22
_WORDS = 1 << 16
_DIGITS = {2: 9, 4: 9, 8: 17}


class Emitter:
    """Collects what is written and hands it on in large pieces."""

    def __init__(self, write: Callable[[bytes], Any]) -> None:
        self._write = write
        self.out = bytearray()

    def flush(self) -> None:
        """Hand on what was collected."""
        collected = bytes(self.out)
        self.out.clear()
        self._hand_on(memoryview(collected))

    def _hand_on(self, rest: memoryview) -> None:
        # a file object without buffer may take less than it is given
        while rest:
            count = self._write(rest)  # type: ignore[arg-type]  # a view is bytes to a file
            rest = rest[count if isinstance(count, int) else len(rest) :]

    def put(self, data: bytes | memoryview) -> None:
        """Write bytes as they are; large ones are not copied."""
        if len(data) > _FLUSH:
            self.flush()
            self._hand_on(memoryview(data))
            return
        self.out += data
        if len(self.out) > _FLUSH:
            self.flush()

    def integer(self, value: int) -> None:
        """Write an ``int``."""
        raise AssertionError

    def longs(self, values: tuple[int, ...]) -> None:
        """Write values of type ``long``."""
        raise AssertionError

    def number(self, value: float, spelling: bytes | None = None) -> None:
        """Write a double; ``spelling`` is how text may write it."""
        raise AssertionError

    def raw(self, data: bytes) -> None:
        """Write bytes that are not counted."""
        raise AssertionError

    def elements(self, storage: LuaStorage) -> None:
        """Write a storage's elements."""
        raise AssertionError

    def text(self, data: bytes) -> None:
        """Write a counted string."""
        self.integer(len(data))
        self.raw(data)


class BinaryEmitter(Emitter):
    """Writes the binary form."""

    def __init__(self, write: Callable[[bytes], Any], encoding: Encoding) -> None:
        super().__init__(write)
        self._order, self._long_size = encoding.order, encoding.long_size
        self._int = struct.Struct(encoding.order + "i").pack
        self._double = struct.Struct(encoding.order + "d").pack
        self._long = "q" if encoding.long_size == 8 else "i"

    def integer(self, value: int) -> None:
        self.out += self._int(value)

    def longs(self, values: tuple[int, ...]) -> None:
        try:
            self.out += struct.pack(f"{self._order}{len(values)}{self._long}", *values)
        except struct.error:
            problem = f"{values}: too large for {self._long_size}-byte longs"
            raise UnwritableError(problem, values) from None

    def number(self, value: float, spelling: bytes | None = None) -> None:
        self.out += self._double(value)
        if len(self.out) > _FLUSH:
            self.flush()

    def raw(self, data: bytes) -> None:
        self.put(data)

    def elements(self, storage: LuaStorage) -> None:
        dtype = storage.dtype
        itemsize = self._long_size if dtype == DTYPES["Long"] else dtype.itemsize
        target = np.dtype(f"{self._order}{dtype.kind}{itemsize}")
        for chunk in chunks(storage, _CHUNK // itemsize):
            converted = chunk.astype(target, copy=False)
            if itemsize < dtype.itemsize and not np.array_equal(converted, chunk):
                problem = f"{storage!r} has elements too large for 4-byte longs"
                raise UnwritableError(problem, storage)
            self.put(converted.reshape(-1).view(np.uint8).data)


class AsciiEmitter(Emitter):
    """Writes the text form, as ``THDiskFile.c`` does: numbers, a blank between, a newline."""

    def integer(self, value: int) -> None:
        self.out += b"%d\n" % value

    def longs(self, values: tuple[int, ...]) -> None:
        if values:
            self.out += b" ".join([b"%d" % value for value in values]) + b"\n"

    def number(self, value: float, spelling: bytes | None = None) -> None:
        self.put((format_double(value) if spelling is None else spelling) + b"\n")

    def raw(self, data: bytes) -> None:
        if data:
            self.put(data)
            self.put(b"\n")

    def elements(self, storage: LuaStorage) -> None:
        if storage.size == 0:
            return
        payload, dtype = storage.payload, storage.dtype
        if isinstance(payload, TextPayload):
            for piece in payload.pieces():
                self.put(piece)
        elif dtype.itemsize == 1:
            for chunk in chunks(storage, _CHUNK):
                self.put(chunk.tobytes())
        else:
            between = b""
            for chunk in chunks(storage, _WORDS):
                self.put(between + b" ".join(words(chunk)))
                between = b" "
        self.put(b"\n")


def words(values: npt.NDArray[Any]) -> list[bytes]:
    """Return numbers as printf writes them: 9 digits for Half and Float, 17 for Double."""
    if values.dtype.kind != "f":
        return [b"%d" % value for value in values.tolist()]
    digits = _DIGITS[values.dtype.itemsize]
    return [format_double(value, digits) for value in values.tolist()]


def chunks(storage: LuaStorage, length: int) -> Iterator[npt.NDArray[Any]]:
    """Yield a storage's elements in pieces, without mapping them."""
    for start in range(0, storage.size, length):
        piece = storage.copy(start, min(start + length, storage.size))
        if piece.dtype != storage.dtype or piece.ndim != 1:
            raise UnwritableError(f"{storage!r} holds an array of {piece.dtype}", storage)
        if piece.size != min(start + length, storage.size) - start:
            raise UnwritableError(f"{storage!r} holds fewer elements than it says", storage)
        yield piece
