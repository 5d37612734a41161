"""Comparing object graphs: values to the bit, classes, versions, and who is the same as whom."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np

from t7convert.format.objects import LuaFunction, LuaObject, LuaStorage, LuaTable, LuaTensor

LUA = (LuaTable, LuaTensor, LuaStorage, LuaObject, LuaFunction)


def bits(value: Any) -> Any:
    """Return what makes two plain values equal: their type, and the bits of a float."""
    return (type(value), struct.pack("<d", value) if isinstance(value, float) else value)


def difference(first: Any, second: Any) -> str | None:
    """Return where two graphs differ, None where they are equal; without recursion."""
    forth: dict[int, int] = {}
    back: dict[int, int] = {}
    todo = [(first, second, "root")]
    while todo:
        one, two, path = todo.pop()
        if type(one) is not type(two):
            return f"{path}: {one!r} and {two!r}"
        if not isinstance(one, LUA):
            if bits(one) != bits(two):
                return f"{path}: {one!r} and {two!r}"
            continue
        if forth.setdefault(id(one), id(two)) != id(two):
            return f"{path}: shared in the second only, or otherwise"
        known = id(two) in back
        if back.setdefault(id(two), id(one)) != id(one):
            return f"{path}: shared in the first only, or otherwise"
        if known:
            continue
        problem = _heads(one, two)
        if problem:
            return f"{path}: {problem}"
        todo += [(a, b, f"{path}{key}") for a, b, key in _insides(one, two)]
    return None


def _heads(one: Any, two: Any) -> str | None:
    if isinstance(one, LuaTable):
        return None if len(one) == len(two) else f"{len(one)} and {len(two)} entries"
    if isinstance(one, LuaFunction):
        same = one.bytecode == two.bytecode and one.tag == two.tag
        return None if same else "functions"
    if one.typename != two.typename:
        return f"{one.typename} and {two.typename}"
    if isinstance(one, LuaTensor):
        geometry = [(each.size, each.stride, each.offset) for each in (one, two)]
        return None if geometry[0] == geometry[1] or one.numel() == 0 else f"{geometry}"
    if isinstance(one, LuaStorage):
        arrays = [each.numpy() for each in (one, two)]
        same = arrays[0].dtype == arrays[1].dtype and arrays[0].tobytes() == arrays[1].tobytes()
        return None if same else f"{arrays}"
    return None if (one.version or 0) == (two.version or 0) else f"{one.version}, {two.version}"


def _insides(one: Any, two: Any) -> list[tuple[Any, Any, str]]:
    if isinstance(one, LuaTable):
        pairs = []
        for (key, value), (other_key, other) in zip(one.items(), two.items(), strict=True):
            pairs += [(key, other_key, f"[key {key!r}]"), (value, other, f"[{key!r}]")]
        return pairs
    if isinstance(one, LuaTensor):
        if one.numel() == 0:
            return []
        assert np.array_equal(one.numpy(), two.numpy(), equal_nan=one.dtype.kind == "f")
        return [(one.storage, two.storage, ".storage")]
    if isinstance(one, LuaFunction):
        return [(one.upvalues, two.upvalues, "<upvalues>")]
    if isinstance(one, LuaObject):
        heads = [(a, b, "<header>") for a, b in zip(one.header, two.header, strict=True)]
        return [*heads, (one.payload, two.payload, "")]
    return []
