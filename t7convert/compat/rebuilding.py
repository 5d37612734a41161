"""From modules as they are now, back to the objects of a Lua file, for the converter."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from t7convert.compat.casting import memory_key, memory_of
from t7convert.compat.fields import ModuleFields
from t7convert.compat.indices import is_shifted, lua_name, shifted
from t7convert.compat.tables import LuaFunction, TorchObject
from t7convert.errors import ConversionError, Problem
from t7convert.format import objects as lua

_TYPENAMES = {
    torch.uint8: "Byte",
    torch.int8: "Char",
    torch.int16: "Short",
    torch.int32: "Int",
    torch.int64: "Long",
    torch.float16: "Half",
    torch.float32: "Float",
    torch.float64: "Double",
}
#: Fields that come and go with each call.
_PASSING = frozenset({"output", "gradInput", "train", "_type"})


class Rebuilding:
    """The Lua objects that modules stand for, as their fields are now."""

    def __init__(self) -> None:
        self.modules: dict[int, ModuleFields] = {}  # by id of the Lua object
        self.memory: dict[int, Tensor] = {}  # by id of the Lua storage
        self._made: dict[Any, Any] = {}
        self._open: list[tuple[Any, Any]] = []

    def of(self, root: ModuleFields) -> lua.LuaObject:
        """Return the Lua object of a module."""
        made: lua.LuaObject = self._value(root)
        while self._open:
            shell, source = self._open.pop()
            items = enumerate(source, start=1) if isinstance(source, list) else source.items()
            for key, value in list(items):
                shell[self._value(key)] = self._value(value)
        return made

    def _value(self, value: Any) -> Any:
        if isinstance(value, Tensor):
            return self._tensor(value)
        if value is None or isinstance(value, (bool, int, float, str)):
            return value
        if id(value) not in self._made:
            self._made[id(value)] = self._new(value)
        return self._made[id(value)]

    def _new(self, value: Any) -> Any:
        if isinstance(value, ModuleFields):
            obj = lua.LuaObject(value.lua.typename, lua.LuaTable(), version=value.lua.version)
            self.modules[id(obj)] = value
            self._open.append((obj.payload, _fields(value)))
            return obj
        if isinstance(value, TorchObject):
            return lua.LuaObject(value.torch_typename(), self._value(value._obj))
        if isinstance(value, LuaFunction):
            return lua.LuaFunction(value.dumped)
        table = lua.LuaTable()
        if isinstance(value, (list, tuple, dict)):
            self._open.append((table, list(value) if isinstance(value, tuple) else value))
            return table
        raise _refused(f"a field holds {type(value).__name__}, which Lua doesn't have")

    def _tensor(self, tensor: Tensor) -> lua.LuaTensor:
        kind = _TYPENAMES.get(tensor.dtype)
        if kind is None:
            raise _refused(f"a field is a tensor of {tensor.dtype}, which Lua doesn't have")
        typename = f"torch.{kind}Tensor"
        if not tensor.numel():
            return lua.LuaTensor(typename, (), (), 0, None)
        key = memory_key(tensor)
        if key not in self._made:
            whole = memory_of(tensor)
            payload = lua.ArrayPayload(whole.cpu().numpy())
            storage = lua.LuaStorage(f"torch.{kind}Storage", whole.numel(), payload)
            self._made[key] = storage
            self.memory[id(storage)] = whole
        return lua.LuaTensor(
            typename,
            tuple(tensor.shape),
            tensor.stride(),
            int(tensor.storage_offset()),
            self._made[key],
        )


def _refused(reason: str) -> ConversionError:
    return ConversionError([Problem("load_lua", "", reason)])


def _fields(module: ModuleFields) -> dict[str, Any]:
    """Return the fields of a module as Lua has them, without buffers."""
    kind, found = type(module).__name__, {}
    for name, value in lasting(module).items():
        field = lua_name(kind, name)
        found[field] = shifted(kind, value, 1) if is_shifted(kind, field) else value
    return found


def lasting(module: ModuleFields) -> dict[str, Any]:
    """Return the fields that mean something between two calls."""
    buffers = set(module.spec.buffers)
    return {
        name: value
        for name, value in module.__dict__.items()
        if name not in _PASSING and not (name in buffers and isinstance(value, Tensor))
    }
