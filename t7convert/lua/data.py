"""What a file holds outside of its modules: tables, plain values and tensors, by path."""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass, field
from typing import Any, Literal

from t7convert import paths
from t7convert.format.objects import (
    LuaFunction,
    LuaObject,
    LuaStorage,
    LuaTable,
    LuaTensor,
)
from t7convert.lua.tree import is_module


@dataclass(frozen=True)
class Item:
    """One place of a file.

    Attributes:
        kind: ``values`` for a number, string or boolean, else ``structure``.
        text: what is there: the value, or what sort of object.
        parent: the place that holds it; None for the root.
    """

    kind: Literal["structure", "values"]
    text: str
    parent: str | None


@dataclass
class Data:
    """What is in a file, each object at its first place.

    Attributes:
        items: path → what is there, modules and tensors included.
        tensors: path → tensor or bare storage.
        modules: path and object of the outermost modules and criterions.
    """

    items: dict[str, Item] = field(default_factory=dict)
    tensors: dict[str, LuaTensor | LuaStorage] = field(default_factory=dict)
    modules: list[tuple[str, LuaObject]] = field(default_factory=list)


def data_of(root: Any) -> Data:
    """Return what an object graph holds; what is inside modules is left to the module tree.

    A place whose key has no spelling of its own (a table, a function) gets a number: ``#2``.
    """
    data = Data()
    seen: dict[int, str] = {}
    stack: list[tuple[tuple[Any, ...], str | None, Any]] = [((), None, root)]
    while stack:
        keys, parent, value = stack.pop()
        path, again = paths.join("", *keys), 2
        while path in data.items:
            path, again = f"{paths.join('', *keys)}#{again}", again + 1
        if value is None or isinstance(value, (bool, int, float, str)):
            data.items[path] = Item("values", _plain(value), parent)
            continue
        if id(value) in seen:
            text = f"the object at {seen[id(value)] or '<root>'}"
            data.items[path] = Item("structure", text, parent)
            continue
        seen[id(value)] = path
        data.items[path] = Item("structure", _sort(value), parent)
        if isinstance(value, (LuaTensor, LuaStorage)):
            data.tensors[path] = value
        elif isinstance(value, LuaObject) and is_module(value):
            data.modules.append((path, value))
            continue
        table = value.payload if isinstance(value, LuaObject) else value
        if isinstance(table, LuaTable):
            stack.extend(((*keys, key), path, table[key]) for key in reversed(list(table)))
    return data


def _plain(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return {None: "nil", True: "true", False: "false"}[value]
    if isinstance(value, str):
        escaped = any("\ud800" <= letter <= "\udfff" for letter in value)  # bytes, no UTF-8
        return json.dumps(value, ensure_ascii=escaped)
    return repr(value)


def _sort(value: Any) -> str:
    if isinstance(value, (LuaTensor, LuaStorage)):
        return value.typename
    if isinstance(value, LuaFunction):
        return f"a Lua function of {len(value.bytecode)} bytes ({zlib.crc32(value.bytecode):08x})"
    if isinstance(value, LuaObject):
        return "a module" if is_module(value) else value.typename
    return "a table"
