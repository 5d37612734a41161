"""Objects of a file as plain Python values: arrays by place, the rest for JSON."""

from __future__ import annotations

import base64
import math
from typing import Any

import numpy as np

from t7convert import paths
from t7convert.errors import OutputError
from t7convert.format.objects import (
    Array,
    LuaFunction,
    LuaObject,
    LuaStorage,
    LuaTable,
    LuaTensor,
)


def tensors_of(root: Any) -> dict[str, LuaTensor | LuaStorage]:
    """Return every tensor and bare storage of an object graph by its (first) path."""
    found: dict[str, LuaTensor | LuaStorage] = {}
    seen: set[int] = set()
    stack: list[tuple[tuple[Any, ...], Any]] = [((), root)]
    while stack:
        keys, value = stack.pop()
        if isinstance(value, (LuaTable, LuaObject, LuaTensor, LuaStorage)):
            if id(value) in seen:
                continue
            seen.add(id(value))
        if isinstance(value, (LuaTensor, LuaStorage)):
            path, again = paths.join("", *keys), 2
            while path in found:  # keys without a spelling of their own (tables, functions)
                path, again = f"{paths.join('', *keys)}#{again}", again + 1
            found[path] = value
        table = value.payload if isinstance(value, LuaObject) else value
        if isinstance(table, LuaTable):
            stack.extend(((*keys, key), table[key]) for key in reversed(list(table)))
    return found


def to_json(root: Any) -> Any:
    """Return an object graph without its tensors' values, for JSON.

    Lists are lists, tables with string keys objects; other tables ``{"pairs": [[key, value]]}``.
    Tensors are ``{"tensor": type, "shape": [...], "path": ...}``, other objects ``{"class": name,
    "fields": ...}``, an object met again ``{"same": path}``, functions ``{"function": bytes}``,
    bytes that are no UTF-8 ``{"bytes": base64}``, infinite numbers ``{"number": "inf"}``.

    Raises:
        OutputError: if it is nested more than 200 deep, which JSON readers don't take.
    """
    return _Plain().of(root, ())


class _Plain:
    _DEEPEST = 200

    def __init__(self) -> None:
        self._seen: dict[int, str] = {}

    def of(self, value: Any, keys: tuple[Any, ...]) -> Any:
        if value is None or isinstance(value, (bool, int)):
            return value
        if isinstance(value, float):
            return value if math.isfinite(value) else {"number": repr(value)}
        if isinstance(value, str):
            return _text(value)
        path = paths.join("", *keys)
        if len(keys) > self._DEEPEST:
            raise OutputError(
                f"{path[:60]}...: nested more than {self._DEEPEST} deep, not for JSON"
            )
        if id(value) in self._seen:
            return {"same": self._seen[id(value)]}
        self._seen[id(value)] = path
        if isinstance(value, LuaTensor):
            return {"tensor": value.typename, "shape": list(value.size), "path": path}
        if isinstance(value, LuaStorage):
            return {"storage": value.typename, "size": value.size, "path": path}
        if isinstance(value, LuaFunction):
            return {"function": len(value.bytecode)}
        if isinstance(value, LuaObject):
            return {"class": value.typename, "fields": self.of(value.payload, keys)}
        return self._table(value, keys)

    def _table(self, table: LuaTable, keys: tuple[Any, ...]) -> Any:
        if len(table) and table.is_list():
            return [self.of(item, (*keys, n)) for n, item in enumerate(table.list(), start=1)]
        if all(isinstance(key, str) for key in table):
            return {str(_text(key)): self.of(item, (*keys, key)) for key, item in table.items()}
        return {"pairs": [[self.of(k, keys), self.of(v, (*keys, k))] for k, v in table.items()]}


def _text(value: str) -> Any:
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        raw = value.encode("utf-8", "surrogateescape")
        return {"bytes": base64.b64encode(raw).decode()}
    return value


def array_of(value: LuaTensor | LuaStorage) -> Array:
    """Return the values as a fresh array."""
    return value.copy() if isinstance(value, LuaTensor) else np.array(value.numpy())
