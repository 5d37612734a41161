"""Writing a .t7 file: binary or text, of either word size and byte order.

What was read from one file and not changed is written as it was read, byte for byte.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any, Literal, Union

from t7convert import paths
from t7convert.errors import OutputError
from t7convert.files import replacing
from t7convert.format.emit import AsciiEmitter, BinaryEmitter, Emitter
from t7convert.format.encoding import Encoding
from t7convert.format.graph import Graph, contents, place_of
from t7convert.format.layouts import layout_of
from t7convert.format.objects import (
    LuaFunction,
    LuaObject,
    LuaStorage,
    LuaTable,
    LuaTensor,
    Written,
)
from t7convert.format.plain import UnwritableError
from t7convert.format.source import Source
from t7convert.format.text_numbers import parse_double

Target = Union[str, "os.PathLike[str]", IO[bytes]]
_INLINE = {"hash", "vec", "samples"}


def save(
    obj: Any,
    target: Target,
    *,
    ascii: bool = False,
    long_size: Literal[4, 8] = 8,
    byteorder: Literal["little", "big"] = "little",
    force: bool = False,
) -> None:
    """Write one object as a .t7 file.

    Besides what ``load`` returns, plain values are taken: dicts, lists and tuples as tables,
    numpy arrays as tensors, strings, bytes, numbers, booleans, None.

    Args:
        obj: what to write.
        target: a path, which appears when it is complete, or a binary file object.
        ascii: whether to write text.
        long_size: bytes of a C ``long`` in a binary file, 4 or 8.
        byteorder: of a binary file.
        force: whether to replace an existing file.

    Raises:
        OutputError: if the target exists, is a file that ``obj`` is read from, or something in
            ``obj`` has no form in a .t7 file; then nothing was written.
        T7FormatError: if a file that ``obj`` is read from was changed in the meantime.
    """
    save_all([obj], target, ascii=ascii, long_size=long_size, byteorder=byteorder, force=force)


def save_all(
    objects: Sequence[Any],
    target: Target,
    *,
    ascii: bool = False,
    long_size: Literal[4, 8] = 8,
    byteorder: Literal["little", "big"] = "little",
    force: bool = False,
) -> None:
    """Write several objects into one file, as several calls of ``writeObject`` do; see ``save``."""
    if long_size not in {4, 8} or byteorder not in {"little", "big"}:
        raise ValueError(f"long_size={long_size!r}, byteorder={byteorder!r}")
    encoding = Encoding(ascii) if ascii else Encoding(False, byteorder, long_size)
    try:
        graph = Graph(objects)
        if isinstance(target, (str, os.PathLike)):
            _write_path(objects, graph, Path(target), encoding, force)
        else:
            _write(objects, graph, target, encoding)
    except UnwritableError as error:
        place = paths.join("", *place_of(objects, error.value, Graph([]).lower))
        where = f" at {place}" if place else ""
        raise OutputError(f"can't write this to a .t7 file{where}: {error.problem}") from None


def _write_path(
    objects: Sequence[Any], graph: Graph, path: Path, encoding: Encoding, force: bool
) -> None:
    if path.exists() and not path.is_file() and not path.is_dir():  # a device or a pipe
        with path.open("wb") as file:
            _write(objects, graph, file, encoding)
        return
    if path.exists():
        _check_sources(path, graph)
    with replacing(path, force=force) as beside, beside.open("wb") as file:
        _write(objects, graph, file, encoding)


def _check_sources(path: Path, graph: Graph) -> None:
    status = path.stat()
    for node in graph.nodes.values():
        source = getattr(node.payload, "source", None) if node.__class__ is LuaStorage else None
        if isinstance(source, Source) and source.identity() == (status.st_dev, status.st_ino):
            raise OutputError(f"{path}: is the file that is being read; choose another output")


def _write(objects: Sequence[Any], graph: Graph, file: IO[bytes], encoding: Encoding) -> None:
    emit = AsciiEmitter(file.write) if encoding.ascii else BinaryEmitter(file.write, encoding)
    spelled = _spelled if encoding.ascii else contents
    indices, done = graph.indices, set[int]()
    stack: list[Iterator[Any]] = [iter(objects)]
    while stack:
        for each in stack[-1]:
            value = graph.lower(each) if each.__class__ is not _Spelled else each
            if _scalar(value, emit):
                continue
            index = indices.get(id(value))
            emit.integer(_tag(value, index))
            if index is not None:
                emit.integer(index)
                if index in done:
                    continue
                done.add(index)
            _head(value, emit)
            stack.append(spelled(value))
            break
        else:
            stack.pop()
    emit.flush()


def _scalar(value: Any, emit: Emitter) -> bool:
    """Write a value that contains nothing; tell whether it was one."""
    kind = value.__class__
    if kind is bytes:
        emit.integer(2)
        emit.text(value)
    elif kind is int or kind is float:
        emit.integer(1)
        emit.number(value)
    elif kind is _Spelled:
        emit.integer(1)
        emit.number(value.value, value.text)
    elif kind is bool:
        emit.integer(5)
        emit.integer(int(value))
    elif value is None:
        emit.integer(0)
    else:
        return False
    return True


def _tag(value: Any, index: int | None) -> int:
    if value.__class__ is LuaTable:
        return 3
    if value.__class__ is not LuaFunction:
        return 4
    if value.tag == 6 and index is not None and value.written is None:
        return 7  # written twice, so it needs an index, which tag 6 has not
    tag: int = value.tag
    return tag


def _head(node: Any, emit: Emitter) -> None:
    """Write what stands before the values that an object contains."""
    if node.__class__ is LuaTable:
        emit.integer(len(node))
        return
    if node.__class__ is LuaFunction:
        emit.text(node.bytecode)
        return
    _class(node, emit)
    if node.__class__ is LuaTensor:
        emit.integer(len(node.size))
        emit.longs(node.size)
        emit.longs(node.stride)
        emit.longs((node.offset + 1,))
    elif node.__class__ is LuaStorage:
        emit.longs((node.size,))
        emit.elements(node)
    else:
        what = layout_of(node.typename, node.version)
        if what in {"hash", "vec"}:
            emit.longs((len(node.payload),))
        elif what == "samples":
            emit.integer(int(node.header[0]))
            emit.integer(len(node.payload))
        elif what == "counter":
            emit.longs((node.payload,))
        elif what == "generator":
            emit.raw(node.payload)


def _class(node: Any, emit: Emitter) -> None:
    written = node.written
    if isinstance(node, LuaObject):
        version = node.version
    else:
        version = written.version if isinstance(written, Written) else 1
    if version is not None:
        known = written.text if isinstance(written, Written) else None
        if known is None or float(known[2:]) != version:
            known = b"V %d" % version if version == int(version) else b"V %.14g" % version
        emit.text(known)
    emit.text(node.typename.encode("utf-8", "surrogateescape"))


class _Spelled:
    """A number and how an ASCII file spelled it."""

    def __init__(self, value: float, text: bytes) -> None:
        self.value, self.text = value, text


def _spelled(node: Any) -> Iterator[Any]:
    """Yield an object's contents, numbers with the spelling that they were read in."""
    table, first, step = node, 0, 1
    if node.__class__ is LuaObject and layout_of(node.typename, node.version) in _INLINE:
        table = node.payload
        if layout_of(node.typename, node.version) != "hash":
            first, step = 1, 2  # values only
    written = table.written if table.__class__ is LuaTable else None
    numbers = written.numbers if isinstance(written, Written) else None
    if not numbers:
        yield from contents(node)
        return
    for position, value in enumerate(contents(node)):
        text = numbers.get(first + step * position)
        if text is not None and isinstance(value, (int, float)) and _spells(text, value):
            yield _Spelled(value, text)
        else:
            yield value


def _spells(text: bytes, value: float) -> bool:
    number = parse_double(text)
    if number is None or math.copysign(1, number) != math.copysign(1, value):
        return False
    return number == value or (math.isnan(number) and math.isnan(value))
