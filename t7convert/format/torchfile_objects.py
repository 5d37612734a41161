"""What torchfile returns, rebuilt as the objects of the native reader; sharing is kept."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from t7convert.format.layouts import layout_of
from t7convert.format.objects import (
    ArrayPayload,
    LuaFunction,
    LuaObject,
    LuaStorage,
    LuaTable,
    LuaTensor,
)
from t7convert.format.views import view_problem

_WHOLE = 2.0**53


@dataclass(eq=False)
class Record:
    """An object of a class that writes something else than one object."""

    typename: str
    version: int | float | None
    header: tuple[Any, ...] = ()
    payload: Any = None


@dataclass(eq=False)
class Function:
    """A Lua function; torchfile's own has no place for itself among its upvalues."""

    tag: int
    dumped: bytes
    upvalues: Any = None


class ArrayKey:
    """A tensor or storage as a table's key: arrays have no hash."""

    def __init__(self, array: Any) -> None:
        self.array = array

    def __hash__(self) -> int:
        return id(self.array)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ArrayKey) and other.array is self.array


class Rebuild:
    """Turns one object after the other; what they share stays shared."""

    def __init__(self, module: Any, named: dict[int, tuple[str, Any]]) -> None:
        """Take torchfile's module, and the class name of each array by the array's ``id``."""
        self._object, self._table = module.TorchObject, module.hashable_uniq_dict
        self._named = named
        self._done: dict[int, tuple[Any, Any]] = {}
        self._todo: list[tuple[Any, Any]] = []

    def __call__(self, root: Any) -> Any:
        """Return ``root`` rebuilt.

        Raises:
            ValueError: if a tensor's view does not fit its storage.
        """
        result = self._value(root)
        while self._todo:
            old, new = self._todo.pop()
            if isinstance(new, LuaTable):
                for key, value in old.items():
                    inner = key.array if isinstance(key, ArrayKey) else key
                    new._entries[self._value(inner)] = self._value(value)
            elif isinstance(new, LuaFunction):
                new.upvalues = self._value(old.upvalues)
            elif isinstance(old, self._object):
                new.payload = self._value(old._obj)
            else:
                new.header = tuple(self._value(each) for each in old.header)
                raw = layout_of(old.typename, old.version) == "generator"
                new.payload = old.payload if raw else self._value(old.payload)
        return result

    def _value(self, old: Any) -> Any:
        """Return a value's counterpart; what it contains is left for later."""
        if isinstance(old, float):
            whole = old.is_integer() and abs(old) <= _WHOLE and (old or math.copysign(1, old) > 0)
            return int(old) if whole else old
        if isinstance(old, bytes):
            return old.decode("utf-8", "surrogateescape")
        known = self._done.get(id(old))
        if known is not None:
            return known[1]
        new = self._container(old)
        if new is not old:
            self._done[id(old)] = (old, new)
        return new

    def _container(self, old: Any) -> Any:
        new: Any
        if isinstance(old, np.ndarray):
            return self._array(old)
        if isinstance(old, self._table):
            new = LuaTable()
        elif isinstance(old, Function):
            new = LuaFunction(old.dumped, tag=old.tag)
        elif isinstance(old, self._object):
            name = old._typename.decode("utf-8", "surrogateescape")
            new = LuaObject(name, version=old._version_number or None)
        elif hasattr(old, "typename"):
            new = LuaObject(old.typename, version=old.version)
        else:
            return old
        self._todo.append((old, new))
        return new

    def _array(self, array: Any) -> LuaTensor | LuaStorage:
        typename = self._named[id(array)][0]
        if typename.endswith("Storage"):
            return LuaStorage(typename, array.size, ArrayPayload(array))
        base = array
        while base is not None and not self._is_storage(base):
            base = getattr(base, "base", None)
        if base is None:  # torchfile keeps nothing of an empty tensor
            return LuaTensor(typename, (), (), 0, None)
        storage = self._value(base)
        start = array.__array_interface__["data"][0] - base.__array_interface__["data"][0]
        stride = tuple(step // array.itemsize for step in array.strides)
        tensor = LuaTensor(typename, array.shape, stride, start // array.itemsize, storage)
        problem = view_problem(tensor)
        if problem:
            raise ValueError(problem)
        return tensor

    def _is_storage(self, candidate: Any) -> bool:
        named = self._named.get(id(candidate))
        return named is not None and named[1] is candidate and named[0].endswith("Storage")
