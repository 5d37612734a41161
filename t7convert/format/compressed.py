"""Unpacking what people compress checkpoints with."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import mmap
import struct
import zipfile
import zlib
from collections.abc import Callable
from typing import IO, Any, cast

from t7convert.errors import T7FormatError
from t7convert.format.packing import BZIP2, GZIP, XZ

_UNPACKERS: dict[bytes, Callable[[IO[bytes]], Any]] = {
    GZIP: lambda raw: gzip.GzipFile(fileobj=raw),
    BZIP2: bz2.BZ2File,
    XZ: lzma.LZMAFile,
}
_DAMAGE = (OSError, EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, RuntimeError)
_ZIP_DAMAGE = (*_DAMAGE, ValueError, IndexError, struct.error)  # by a directory full of lies


class _Mapped(io.RawIOBase):
    """A mapped file as a stream; ``mmap`` itself lacks ``seekable`` before Python 3.13."""

    def __init__(self, memory: mmap.mmap) -> None:
        self._memory, self._at = memory, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = max(0, offset + (0, self._at, len(self._memory))[whence])
        return self._at

    def tell(self) -> int:
        return self._at

    def read(self, size: int | None = -1) -> bytes:
        stop = len(self._memory) if size is None or size < 0 else self._at + size
        data = self._memory[self._at : stop]
        self._at += len(data)
        return data


class _Unpacking(io.RawIOBase):
    """A stream that unpacks; what goes wrong in it is a T7FormatError."""

    def __init__(self, stream: IO[bytes], name: str) -> None:
        self._stream, self._name = stream, name

    def read(self, size: int = -1) -> bytes:
        try:
            return self._stream.read(size)
        except _ZIP_DAMAGE as error:
            problem = f"the compressed data is damaged or truncated: {error}"
            raise T7FormatError(problem, file=self._name) from None


def decompress(buffer: bytes | mmap.mmap, name: str, member: str | None) -> IO[bytes] | None:
    """Return a stream of what is in ``buffer``; None for a zip archive that PyTorch wrote.

    Raises:
        T7FormatError: if a zip archive is damaged, has no such member, or has several files and
            none was named.
    """
    raw = _whole(buffer)
    for magic, unpack in _UNPACKERS.items():
        if buffer[: len(magic)] == magic:
            return cast(IO[bytes], _Unpacking(unpack(raw), name))
    found = _member(raw, name, member)
    return None if found is None else cast(IO[bytes], _Unpacking(found, name))


def _whole(buffer: bytes | mmap.mmap) -> IO[bytes]:
    return io.BytesIO(buffer) if isinstance(buffer, bytes) else cast(IO[bytes], _Mapped(buffer))


def _member(raw: IO[bytes], name: str, member: str | None) -> IO[bytes] | None:
    try:
        archive = zipfile.ZipFile(raw)
        names = [info.filename for info in archive.infolist() if not info.is_dir()]
        if any(each.endswith("/data.pkl") or each == "constants.pkl" for each in names):
            return None
        if member is None:
            likely = [each for each in names if each.lower().endswith((".t7", ".net", ".t7b"))]
            candidates = likely or names
            if len(candidates) != 1:
                listed = ", ".join(candidates[:10]) or "none"
                problem = f"a zip archive with these files: {listed}; say which (--member, member=)"
                raise T7FormatError(problem, file=name)
            member = candidates[0]
        return archive.open(member)
    except KeyError:
        problem = f"no {member!r} in this zip archive, which has: {', '.join(names[:10])}"
        raise T7FormatError(problem, file=name) from None
    except T7FormatError:
        raise
    except _ZIP_DAMAGE as error:
        problem = f"the zip archive is damaged or truncated: {error}"
        raise T7FormatError(problem, file=name) from None
