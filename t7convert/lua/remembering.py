"""What of a module's fields the tree leaves out, kept so that the module can be written again.

A tree holds the fields that have a meaning. :func:`remember` puts the others beside the tree, as
:class:`~t7convert.lua.record.Record`; an architecture description carries them, without the values
of parameters.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import Any

import numpy as np

from t7convert.format.objects import (
    ArrayPayload,
    LuaFunction,
    LuaObject,
    LuaStorage,
    LuaTable,
    LuaTensor,
)
from t7convert.lua.bytes_of import role_of
from t7convert.lua.record import GradientOf, Record, gradient_name, inside
from t7convert.lua.tree import MAX_TABLE_DEPTH, Builder, LuaModule, fields_of, is_module, walk

#: Buffers with more elements than this are recorded as empty ones, unless all are equal.
MAX_ELEMENTS = 4096
#: Beyond this nobody looks whether all elements are equal.
MAX_UNIFORM = 1 << 20
#: Which fields of a module are recorded: a set of names, or None for all.
Wanted = Callable[[LuaModule], "frozenset[str] | None"]


def every_module(root: LuaModule) -> list[LuaModule]:
    """Return the modules of a tree, then those that only records name."""
    found: dict[int, LuaModule] = {}
    queue = [root]
    for start in queue:
        for module in walk(start):
            if id(module) not in found:
                found[id(module)] = module
                if module.record is not None:
                    queue.extend(_modules(module.record.fields.values()))
    return list(found.values())


def _modules(values: Iterable[Any]) -> Iterator[LuaModule]:
    stack, seen = list(values)[::-1], set[int]()
    while stack:
        value = stack.pop()
        if isinstance(value, LuaModule):
            yield value
        elif isinstance(value, (LuaTable, LuaObject, LuaFunction)) and id(value) not in seen:
            seen.add(id(value))
            stack.extend(inside(value)[::-1])


def remember(root: LuaModule, wanted: Wanted) -> None:
    """Give the modules of a tree that was read from a file their records.

    A module whose fields nest too deep for a description gets none.
    """
    memory = _Memory(root)
    done = 0
    while done < len(memory.modules):  # records name more modules
        module = memory.modules[done]
        done += 1
        if module.raw is not None and module.record is None:
            names = wanted(module)
            if names is None or names:
                with suppress(RecursionError):
                    module.record = memory.record(module, names)


class _Memory:
    def __init__(self, root: LuaModule) -> None:
        self.modules = list(walk(root))
        self._builder = Builder({id(m.raw): m for m in self.modules if m.raw is not None})
        self._made: dict[int, Any] = {}
        self._kept: list[Any] = []
        self._depth = 0

    def record(self, module: LuaModule, names: frozenset[str] | None) -> Record:
        raw = module.raw
        assert raw is not None
        table = fields_of(raw) or LuaTable()
        gradients = _gradients(module, table)
        record = Record(names is None)
        pruned = module.spec.upgrade is not None and "modules" in module.spec.children
        for name, value in table.items():
            if names is not None and name not in names:
                continue
            if name in gradients:
                record.fields[name] = gradients[name]
            elif pruned and name == "modules":  # the replicas that the tree leaves out
                record.fields[name] = _table(module.fields.get(name, []))
            else:
                role = role_of(module.spec, name) if isinstance(name, str) else "buffers"
                record.fields[name] = self._value(value, f"{module.path}.{name}", role)
        record.header = tuple(self._value(v, module.path, "constants") for v in raw.header)
        return record

    def _value(self, value: Any, path: str, role: str) -> Any:
        """Return a value with modules of the tree in it, gradients zero, large buffers empty."""
        if isinstance(value, LuaTensor):
            return _tensor(value, role)
        if not isinstance(value, (LuaTable, LuaObject, LuaFunction)):
            return value
        if is_module(value):
            assert isinstance(value, LuaObject)
            return self._module(value, path)
        if id(value) not in self._made:
            if self._depth > MAX_TABLE_DEPTH:
                raise RecursionError
            self._depth += 1
            try:
                self._copy(value, path, role)
            finally:
                self._depth -= 1
        return self._made[id(value)]

    def _copy(self, value: LuaTable | LuaObject | LuaFunction, path: str, role: str) -> None:
        self._kept.append(value)
        if isinstance(value, LuaFunction):
            function = self._made[id(value)] = LuaFunction(value.bytecode, tag=value.tag)
            function.upvalues = self._value(value.upvalues, path, role)
        elif isinstance(value, LuaObject):
            made = self._made[id(value)] = LuaObject(value.typename, version=value.version)
            made.payload = self._value(value.payload, path, role)
            made.header = tuple(self._value(item, path, role) for item in value.header)
        else:
            table = self._made[id(value)] = LuaTable()
            for key, item in value.items():
                table[self._value(key, path, role)] = self._value(item, path, role)

    def _module(self, obj: LuaObject, path: str) -> LuaModule:
        module = self._builder.build(obj, path)
        known = {id(m) for m in self.modules}
        self.modules.extend(m for m in walk(module) if id(m) not in known)
        return module


def _table(values: list[Any]) -> LuaTable:
    return LuaTable(dict(enumerate(values, start=1)))


def _tensor(tensor: LuaTensor, role: str) -> LuaTensor:
    """Return what is kept of a tensor: all of it, one number that all elements are, or nothing."""
    count = tensor.numel()
    if tensor.storage is None or role in ("parameters", "statistics", "constants"):
        return tensor
    if role == "gradients":
        return _uniform(tensor, 0)
    if count <= MAX_ELEMENTS:
        return tensor
    if count <= MAX_UNIFORM:
        values = np.asarray(tensor.numpy())
        first = values.reshape(-1)[0]
        if bool((values == first).all()):
            return _uniform(tensor, first)
    return LuaTensor(tensor.typename, (), (), 0, None)


def _uniform(tensor: LuaTensor, value: Any) -> LuaTensor:
    """Return a tensor of this size that is one element, seen everywhere."""
    assert tensor.storage is not None
    one = ArrayPayload(np.full(1, value, tensor.storage.dtype))
    storage = LuaStorage(tensor.storage.typename, 1, one)
    return LuaTensor(tensor.typename, tensor.size, (0,) * len(tensor.size), 0, storage)


def _gradients(module: LuaModule, table: LuaTable) -> dict[str, Any]:
    """Return the fields that hold the gradients of the module's parameters."""
    found: dict[str, Any] = {}
    for parameter in module.spec.parameters:
        name = gradient_name(parameter)
        value, slope = module.fields.get(parameter), table.get(name)
        if isinstance(value, LuaTensor) and isinstance(slope, LuaTensor):
            if slope.size == value.size:
                found[name] = GradientOf(value)
        elif isinstance(value, list) and isinstance(slope, LuaTable) and slope.is_list():
            pairs = list(zip(value, slope.list(), strict=False))
            same = [
                isinstance(p, LuaTensor) and isinstance(s, LuaTensor) and p.size == s.size
                for p, s in pairs
            ]
            if all(same) and len(value) == len(slope):
                found[name] = _table([GradientOf(p) for p, _ in pairs])
    return found
