"""The same files read by the torchfile package, as a second opinion on every byte.

torchfile was written by other people from the same C sources, so what both readers agree on is
no slip of either. It is used through a copy of its module, with its gaps filled (classes that it
does not know, short reads that it does not notice); the module that others import stays as it is.
It reads little-endian binary files with 8-byte longs and recurses: deeply nested files, and those
of other encodings, are refused with a ``T7FormatError``. It keeps no indices, and takes version 0
for no version.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np

from t7convert.errors import T7Error, T7FormatError
from t7convert.format.encoding import Encoding
from t7convert.format.frames import Parsed, parse_version, table_key
from t7convert.format.layouts import SPECIAL, generator_size, layout_of
from t7convert.format.objects import DTYPES
from t7convert.format.source import Source
from t7convert.format.torchfile_objects import ArrayKey, Function, Rebuild, Record

_RECURSION = 10_000
_PREFIXES = ("", "Cuda", "Cl")
_FUNCTIONS = (6, 7, 8)


class _Table(dict[Any, Any]):
    """A table whose booleans are no numbers, and which has each key once."""

    __hash__ = object.__hash__  # type: ignore[assignment]  # a Lua table can be a key
    __eq__ = object.__eq__
    __ne__ = object.__ne__

    def __setitem__(self, key: Any, value: Any) -> None:
        key = ArrayKey(key) if isinstance(key, np.ndarray) else table_key(key, 0)
        if key in self:
            raise ValueError(f"the key {key!r} comes twice in one table")
        super().__setitem__(key, value)


class _File:
    """What torchfile reads from: gives exactly what is asked for, or an error."""

    def __init__(self, source: Source) -> None:
        self.source, self.position = source, 0

    def read(self, count: int) -> bytes:
        start, end = self.position, self.position + count
        if count < 0 or end > self.source.size:
            raise EOFError(f"{count:,} bytes expected at byte {start:,} of {self.source.size:,}")
        self.position = end
        return self.source.buffer[start:end]


class _Numpy(ModuleType):
    """numpy, but ``fromfile`` looks at the mapped bytes and notices when there are too few."""

    def __getattr__(self, name: str) -> Any:
        return getattr(np, name)

    @staticmethod
    def fromfile(file: _File, dtype: Any, count: int) -> Any:
        start, nbytes = file.position, count * np.dtype(dtype).itemsize
        if count < 0 or start + nbytes > file.source.size:
            raise EOFError(f"a storage of {count:,} elements at byte {start:,}")
        file.position += nbytes
        if count == 0:
            return np.empty(0, dtype)
        return np.frombuffer(file.source.buffer, dtype, count, start)


def _private_torchfile() -> Any:
    spec = importlib.util.find_spec("torchfile")
    if spec is None or spec.loader is None:
        raise T7Error("the torchfile package is not installed: pip install torchfile")
    module: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.np = _Numpy("numpy")
    module.hashable_uniq_dict = _Table
    return module


def _reader(module: Any, file: _File) -> Any:
    """Return a reader of ``file`` that registers functions before their upvalues are read."""

    class Reader(module.T7Reader):  # type: ignore[misc]  # its base is loaded from a file
        def read_obj(self) -> Any:
            start = file.position
            tag = self.read_int()
            if tag not in _FUNCTIONS:
                file.position = start
                return super().read_obj()
            index = self.read_int()
            if tag == 6 and file.source.buffer[file.position : file.position + 2] == b"\x1bL":
                index, file.position = None, start + 4  # no index: see ``spec``
            elif index in self.objects:
                return self.objects[index]
            function = Function(tag, self.read_string())
            if index is not None:
                self.objects[index] = function
            function.upvalues = self.read_obj()
            return function

    return Reader(file, use_list_heuristic=False, use_int_heuristic=False)


def _complete(module: Any, named: dict[int, tuple[str, Any]]) -> None:
    """Fill the gaps of torchfile's handlers, and note which class each array came from."""
    for name, dtype in DTYPES.items():
        for prefix in _PREFIXES:
            module.add_tensor_reader(f"torch.{prefix}{name}Tensor".encode(), dtype)
            module.add_storage_reader(f"torch.{prefix}{name}Storage".encode(), dtype)
    for prefix in _PREFIXES[1:]:
        module.add_tensor_reader(f"torch.{prefix}Tensor".encode(), DTYPES["Float"])
        module.add_storage_reader(f"torch.{prefix}Storage".encode(), DTYPES["Float"])
    for raw, handler in tuple(module.type_handlers.items()):
        module.type_handlers[raw] = _noting(raw.decode(), handler, named)
    for typename in SPECIAL:
        module.type_handlers[typename.encode()] = _special(typename)


def _noting(
    typename: str, handler: Callable[[Any, bytes], Any], named: dict[int, tuple[str, Any]]
) -> Callable[[Any, bytes], Any]:
    def read(reader: Any, version: bytes) -> Any:
        array = handler(reader, version)
        named[id(array)] = (typename, array)
        return array

    return read


def _special(typename: str) -> Callable[[Any, bytes], Record]:
    def read(reader: Any, raw: bytes) -> Record:
        version = parse_version(raw)[0]
        record = Record(typename, version)
        # torchfile has just put None under this object's index; it may contain itself
        reader.objects[next(reversed(reader.objects))] = record
        what = layout_of(typename, version)
        if what == "two objects":
            record.header = (reader.read_obj(),)
        if what in {"objects", "two objects"}:
            record.payload = reader.read_obj()
        elif what == "counter":
            record.payload = reader.read_long()
        elif what == "generator":
            start = reader.f.position
            head = reader.f.source.buffer[start : start + 5048]
            record.payload = reader.f.read(generator_size(head))
        elif what != "nothing":
            record.payload = _Table()
            if what == "samples":
                record.header = (reader.read_boolean(),)
            count = reader.read_int() if what == "samples" else reader.read_long()
            for index in range(1, count + 1):
                key = reader.read_obj() if what == "hash" else index
                record.payload[key] = reader.read_obj()
        return record

    return read


def parse_torchfile(source: Source, encodings: list[Encoding]) -> Parsed:
    """Read all objects of ``source`` with torchfile, into the objects of the native reader.

    Raises:
        T7FormatError: if torchfile can't read the file, saying so.
    """
    if Encoding() not in encodings:
        problem = f"torchfile can't read such files ({encodings[0]}); the native reader can"
        raise T7FormatError(problem, file=source.name)
    module = _private_torchfile()
    named: dict[int, tuple[str, Any]] = {}
    _complete(module, named)
    file = _File(source)
    reader = _reader(module, file)
    parsed = Parsed(Encoding())
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(max(limit, _RECURSION))
    try:
        rebuild = Rebuild(module, named)
        while file.position < source.size or not parsed.roots:
            parsed.add_root(rebuild(reader.read_obj()), file.position, restart=False)
    except RecursionError:
        problem = "torchfile can't read this file: it is nested too deeply for it"
        raise T7FormatError(problem, file=source.name, offset=file.position) from None
    except Exception as error:  # torchfile lets pass whatever its parts raise
        problem = f"torchfile can't read this file: {type(error).__name__}: {error}"
        raise T7FormatError(problem, file=source.name, offset=file.position) from error
    finally:
        sys.setrecursionlimit(limit)
    parsed.count = len(reader.objects)
    return parsed
