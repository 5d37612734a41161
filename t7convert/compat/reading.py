"""From the objects of a file to what ``load_lua`` returned."""

from __future__ import annotations

from typing import Any

import torch

from t7convert import paths
from t7convert.compat.indices import is_shifted, python_name, shifted
from t7convert.compat.module import LegacyModule, legacy_class
from t7convert.compat.tables import LuaFunction, TorchObject, hashable_uniq_dict
from t7convert.errors import Problem, T7Error
from t7convert.format import objects as lua
from t7convert.lua import schema

#: Classes that fields of known modules hold: nodes, timers, samplers.
_HELD = ("nngraph.", "graph.", "torch.Timer", "torch.AliasMultinomial")
_TDS = ("tds.Hash", "tds_hash", "tds.Vec")
#: The first version of nn.BatchNormalization whose files hold running_var.
_VARIANCE = 2


class T7ReaderException(T7Error):  # noqa: N818  the name is the old one
    """A file holds an object of a class that nobody knows, and ``unknown_classes`` is false."""

    exit_code = 3


class Reading:
    """Python values of one file: what is one object in Lua is one in Python.

    Tensors that share a storage in Lua share it in Python.
    """

    def __init__(self, unknown_classes: bool) -> None:
        self._unknown = unknown_classes
        self._made: dict[int, tuple[Any, Any]] = {}  # by id; keeps the Lua object alive
        self._open: list[tuple[Any, Any, str]] = []
        self._positions: list[tuple[LegacyModule, str]] = []

    def of(self, root: Any) -> Any:
        """Return the Python value of ``root``.

        Raises:
            T7ReaderException: naming the class and the place, if a class is unknown.
        """
        result = self._value(root, "")
        while self._open:
            made, source, path = self._open.pop()
            self._fill(made, source, path)
        for module, name in self._positions:
            kind = type(module).__name__
            module.__dict__[name] = shifted(kind, module.__dict__[name], -1)
        return result

    def _value(self, value: Any, path: str) -> Any:
        if value is None or isinstance(value, (bool, int, float, str)):
            return value
        if id(value) not in self._made:
            self._made[id(value)] = (value, self._new(value, path))
        return self._made[id(value)][1]

    def _new(self, value: Any, path: str) -> Any:
        """Return the Python object of a Lua object; what is inside comes later."""
        if isinstance(value, lua.LuaStorage):
            return torch.from_numpy(value.copy(0, value.size))
        if isinstance(value, lua.LuaTensor):
            if value.storage is None or not value.size:
                return torch.empty(0, dtype=_dtype(value))
            memory = self._value(value.storage, path)
            return memory.as_strided(value.size, value.stride, value.offset)
        if isinstance(value, lua.LuaObject) and value.typename in _TDS:
            return self._value(value.payload, path)
        made = self._container(value, path)
        self._open.append((made, value, path))
        return made

    def _container(self, value: Any, path: str) -> Any:
        if isinstance(value, lua.LuaFunction):
            return LuaFunction(value.bytecode)
        if isinstance(value, lua.LuaTable):
            return [] if value.is_list() else hashable_uniq_dict()
        if schema.is_known(value.typename) and isinstance(value.payload, lua.LuaTable):
            kind = legacy_class(value.typename)
            return kind.from_lua(value.typename, value.version)
        if self._unknown or value.typename.startswith(_HELD):
            return TorchObject(value.typename, None)
        problem = Problem(value.typename, path, "nobody knows this class")
        raise T7ReaderException(f"{problem}; unknown_classes=True makes a TorchObject of it")

    def _fill(self, made: Any, source: Any, path: str) -> None:
        if isinstance(made, LuaFunction):
            made.upvalues = self._value(source.upvalues, path)
        elif isinstance(made, TorchObject):
            made._obj = self._value(source.payload, path)
        elif isinstance(made, LegacyModule):
            self._fill_module(made, source, path)
        elif isinstance(made, list):
            made += [
                self._value(v, paths.join(path, i)) for i, v in enumerate(source.list(), start=1)
            ]
        else:
            for key, value in source.items():
                own = self._value(key, path)
                if own in made:  # 1 and true are one key in Python
                    raise T7ReaderException(f"{path or '<root>'}: both {key!r} and 1 or 0 are keys")
                made[own] = self._value(value, paths.join(path, key))

    def _fill_module(self, made: LegacyModule, source: Any, path: str) -> None:
        fields, kind = made.__dict__, type(made).__name__
        for key, value in source.fields.items():
            name = python_name(kind, str(key))
            fields[name] = self._value(value, paths.join(path, key))
            if is_shifted(kind, str(key)):
                self._positions.append((made, name))
        old = made.lua.version is None or made.lua.version < _VARIANCE
        if kind.endswith("BatchNormalization") and old and "running_std" in fields:
            fields["running_var"] = fields.pop("running_std").pow(-2).add(-fields["eps"])
            made.lua.version = _VARIANCE


def _dtype(value: lua.LuaTensor) -> torch.dtype:
    return torch.from_numpy(value.numpy()[:0].copy()).dtype
