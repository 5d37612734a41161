"""The objects of a graph in the order in which they are written, and their indices."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from t7convert.format.frames import parse_version
from t7convert.format.layouts import layout_of
from t7convert.format.objects import (
    BOOLEAN_KEYS,
    LuaFunction,
    LuaObject,
    LuaStorage,
    LuaTable,
    LuaTensor,
    Written,
    dtype_of,
    is_storage_type,
    is_tensor_type,
)
from t7convert.format.plain import Lowering, UnwritableError
from t7convert.format.views import MAX_DIMENSIONS, view_problem

_MAX_INT = 2**31 - 1


def contents(node: Any) -> Iterator[Any]:
    """Yield the values that are written within an object, in order."""
    kind = node.__class__
    if kind is LuaTable:
        for key, value in node._entries.items():
            yield BOOLEAN_KEYS.get(key, key)
            yield value
    elif kind is LuaTensor:
        yield node.storage
    elif kind is LuaFunction:
        yield node.upvalues
    elif kind is LuaObject:
        what = layout_of(node.typename, node.version)
        if what in {"objects", "two objects"}:
            yield from node.header
            yield node.payload
        elif what == "hash":
            yield from contents(node.payload)
        elif what in {"vec", "samples"}:
            yield from node.payload.list()


class Graph:
    """What is to be written.

    Attributes:
        lower: turns plain values into Lua's.
        indices: the index of each object, by its ``id``; functions of tag 6 may have none.
    """

    def __init__(self, roots: Iterable[Any]) -> None:
        """Walk the graph, check each object and number them.

        What came from one file and was not joined by anything new keeps its indices.

        Raises:
            UnwritableError: naming the first value that can't be written.
        """
        self.lower = Lowering()
        self.nodes: dict[int, Any] = {}
        self.indices: dict[int, int] = {}
        twice: set[int] = set()
        stack = [iter(tuple(roots))]
        while stack:
            for each in stack[-1]:
                value = self.lower(each)
                kind = value.__class__
                if kind is bytes or kind is float or kind is int or kind is bool or value is None:
                    continue
                if id(value) in self.nodes:
                    twice.add(id(value))
                    continue
                self.nodes[id(value)] = value
                check(value)
                stack.append(contents(value))
                break
            else:
                stack.pop()
        self._number(twice)

    def _number(self, twice: set[int]) -> None:
        numbered = [
            node
            for key, node in self.nodes.items()
            if not (node.__class__ is LuaFunction and node.tag == 6 and key not in twice)
            or written_index(node) is not None
        ]
        old = [written_index(node) for node in numbered]
        kept = {index for index in old if index is not None and 0 < index <= _MAX_INT}
        if len(kept) == len(old):
            self.indices = {id(node): written_index(node) or 0 for node in numbered}
        else:
            self.indices = {id(node): index for index, node in enumerate(numbered, 1)}


def written_index(node: Any) -> int | None:
    """Return the index that an object had in its file, None if it comes from none."""
    written = node.written
    index = written.index if isinstance(written, Written) else written
    return index if isinstance(index, int) else None


def check(node: Any) -> None:
    """Check that an object can be written.

    Raises:
        UnwritableError: saying what is wrong with it.
    """
    problem: str | None = None
    kind = node.__class__
    if kind is LuaTensor:
        problem = _tensor_problem(node)
    elif kind is LuaStorage:
        if not is_storage_type(node.typename):
            problem = f"a storage of class {node.typename}"
    elif kind is LuaTable:
        for key in node._entries:
            if key is None or (isinstance(key, float) and key != key):  # noqa: PLR0124
                problem = "a table key that is nil or not a number"
    elif kind is LuaFunction:
        if node.tag not in {6, 7, 8}:
            problem = f"a function of tag {node.tag}, expected 6, 7 or 8"
    elif kind is LuaObject:
        problem = _object_problem(node)
    if problem:
        raise UnwritableError(problem, node)


def _tensor_problem(tensor: LuaTensor) -> str | None:
    if not is_tensor_type(tensor.typename):
        return f"a tensor of class {tensor.typename}"
    if len(tensor.size) != len(tensor.stride) or len(tensor.size) > MAX_DIMENSIONS:
        return f"a tensor of size {tensor.size} and stride {tensor.stride}"
    storage = tensor.storage
    if storage is not None:
        wanted = tensor.typename[: -len("Tensor")] + "Storage"
        if not isinstance(storage, LuaStorage) or storage.typename != wanted:
            return f"a {tensor.typename} on {storage!r}, expected a {wanted}"
        if dtype_of(storage.typename) != tensor.dtype:
            return f"a {tensor.typename} on {storage!r}"
    return view_problem(tensor)


def _object_problem(node: LuaObject) -> str | None:
    what = layout_of(node.typename, node.version)
    if is_tensor_type(node.typename) or is_storage_type(node.typename):
        return f"an object of class {node.typename}, which is none of LuaTensor and LuaStorage"
    name = node.typename.encode("utf-8", "replace")
    if node.version is None and parse_version(name)[0] is not None:
        return f"a class without version, named {node.typename!r} like one"
    headers = {"two objects": 1, "samples": 1}.get(what, 0)
    if len(node.header) != headers:
        return f"a {node.typename} with {len(node.header)} headers, expected {headers}"
    if what in {"hash", "vec", "samples"}:
        if not isinstance(node.payload, LuaTable):
            return f"a {node.typename} whose payload is {node.payload!r}, expected a LuaTable"
        if what != "hash" and not node.payload.is_list():
            return f"a {node.typename} whose keys are not exactly 1..n"
    if what == "generator" and not isinstance(node.payload, bytes):
        return f"a {node.typename} whose payload is {node.payload!r}, expected bytes"
    if what == "counter" and not isinstance(node.payload, int):
        return f"a {node.typename} whose payload is {node.payload!r}, expected an int"
    return None


def place_of(roots: Iterable[Any], wanted: Any, lower: Lowering) -> list[object]:
    """Return the keys that lead to a value that can't be written."""
    seen: set[int] = set()
    todo: list[tuple[Any, tuple[Any, ...] | None]] = [(root, None) for root in roots]
    while todo:
        value, place = todo.pop()
        if value is wanted:
            keys: list[object] = []
            while place is not None:
                key, place = place
                keys.extend([] if key is None else [key])
            return keys[::-1]
        try:
            node = lower(value)
        except UnwritableError:
            continue
        if node is wanted:
            todo.append((wanted, place))
            continue
        if id(node) in seen or isinstance(node, (bytes, int, float)) or node is None:
            continue
        seen.add(id(node))
        inner = node.payload if isinstance(node, LuaObject) else node
        if isinstance(inner, LuaTable):
            for key, child in inner.items():
                todo.append((key, (key, place)))
                todo.append((child, (key, place)))
        else:
            todo.extend((child, (None, place)) for child in contents(node))
    return []
