"""The way back through a network, with the memory that Lua's modules write their gradients into.

A module object has one ``gradInput``, whatever the number of its calls; its backward reads the
``output`` of the object before it, which is that of the last call. Calls and gradients are kept by
object here, as in Lua, while :class:`~t7convert.reference.op.Op` keeps them by call.

Sources: torch/nn Module.lua, Sequential.lua, ConcatTable.lua, ParallelTable.lua, Concat.lua;
nngraph gmodule.lua.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from t7convert.format.objects import Array
from t7convert.lua.backward import backward_order, keeps, place_of
from t7convert.lua.tree import LuaModule
from t7convert.reference.nested import arrays
from t7convert.reference.op import Op, Value


@dataclass(eq=False)
class Held:
    """A tensor object: who holds it sees what it is pointed at, and what is written there.

    Calls at other sizes have objects of their own; in Lua they would change the size of this one.
    """

    array: Array


#: A Held, or lists of them; None where there is no gradient.
Gradient: TypeAlias = Any


class Remembered(Op):
    """The call of a whole network, whose backward writes gradients where Lua writes them."""

    def __init__(self, call: Op, calls: Sequence[Op]) -> None:
        super().__init__(call.module, call.executor)
        self.input, self.output, self.returned = call.input, call.output, call.returned
        self._last: dict[object, Op] = {}
        self._count: dict[int, int] = {}
        for made in calls:
            key = id(made.module)
            self._count[key] = self._count.get(key, 0) + 1
            self._last[key] = made
            self._last[key, _shapes(made.input)] = made
        self._found: dict[object, Gradient] = {}
        self._pending: dict[int, list[tuple[LuaModule, Value, Gradient]]] = {}

    def backward(self, gy: Value) -> Value:
        try:
            return _values(self._back(self.module, self.input, _held(gy), parameters=True))
        finally:
            self.executor.accumulating = True

    def _back(self, module: LuaModule, x: Value, gy: Gradient, *, parameters: bool) -> Gradient:
        """Do ``backward``, or without ``parameters`` ``updateGradInput``."""
        name = module.spec.typename
        if name == "nn.Sequential":
            for child, given in reversed(self._chain(module, x)):
                gy = self._back(child, given, gy, parameters=parameters)
            found = gy
        elif name == "nn.ParallelTable":
            pairs = list(zip(_children(module), x, gy, strict=False))
            found = [self._back(c, given, part, parameters=False) for c, given, part in pairs]
            found += [_held(np.zeros_like(item)) for item in x[len(found) :]]
            self._found[id(module)] = found
            if parameters:
                self._accumulate(module, x, gy)
        elif name in ("nn.ConcatTable", "nn.Concat"):
            found = self._found.get(id(module))
            for number, (child, part) in enumerate(self._parts(module, gy)):
                made = self._back(child, x, part, parameters=parameters)
                found = _copied(found, _values(made)) if number == 0 else _added(found, made)
        elif name == "nn.gModule":
            found = self._graph(module, gy)
            if parameters:
                self._accumulate(module, x, gy)
        else:
            found = self._leaf(module, x, gy, parameters=parameters)
        self._found[id(module)] = found
        return found

    def _accumulate(self, module: LuaModule, x: Value, gy: Gradient) -> None:
        """Do ``accGradParameters``, after ``updateGradInput`` of this module."""
        name = module.spec.typename
        if name == "nn.Sequential":
            for child, given in reversed(self._chain(module, x)):
                self._accumulate(child, given, gy)
                gy = self._found[id(child)]
        elif name == "nn.ParallelTable":
            for child, given, part in zip(_children(module), x, gy, strict=False):
                self._accumulate(child, given, part)
        elif name in ("nn.ConcatTable", "nn.Concat"):
            for child, part in self._parts(module, gy):
                self._accumulate(child, x, part)
        elif name == "nn.gModule":
            for child, given, gradient in self._pending[id(module)]:
                self._accumulate(child, given, gradient)
        elif any(True for _ in module.tensors(module.spec.parameters)) or _children(module):
            self._run(module, x, gy, parameters=True)

    def _run(self, module: LuaModule, x: Value, gy: Gradient, *, parameters: bool) -> Value:
        call = self._last.get((id(module), _shapes(x)), self._last[id(module)])
        if self._count[id(module)] > 1 and not keeps(module):
            call.input = x
        self.executor.accumulating = parameters
        return call.backward(_values(gy))

    def _leaf(self, module: LuaModule, x: Value, gy: Gradient, *, parameters: bool) -> Gradient:
        place = place_of(module)
        if place == "same":
            return gy
        before = self._found.get(id(module))
        late = parameters and place == "own" and _shares(before, gy)
        values = self._run(module, x, gy, parameters=parameters and not late)
        if late:  # accGradParameters comes after updateGradInput has written there
            found = _copied(before, values)
            self._accumulate(module, x, gy)
            return found
        if place == "view":
            return Held(gy.array.reshape(values.shape))
        if place == "over":
            gy.array[...] = values
            return _pointed(before, gy.array)
        if place == "spread":
            olds = before if isinstance(before, list) else []
            olds = [*olds, *[None] * (len(values) - len(olds))][: len(values)]
            views = [gy.array.reshape(value.shape) for value in values]
            return [_pointed(old, view) for old, view in zip(olds, views, strict=True)]
        return _copied(before, values)

    def _chain(self, module: LuaModule, x: Value) -> list[tuple[LuaModule, Value]]:
        """Return the children with what Lua takes for their input: outputs of last calls."""
        children = _children(module)
        return list(zip(children, [x, *map(self._output, children[:-1])], strict=True))

    def _output(self, module: LuaModule) -> Value:
        return self._last[id(module)].output

    def _parts(self, module: LuaModule, gy: Gradient) -> list[tuple[LuaModule, Gradient]]:
        children = _children(module)
        if module.spec.typename == "nn.ConcatTable":
            return list(zip(children, gy, strict=True))
        axis = int(module.fields["dimension"]) - 1
        ends = np.cumsum([self._output(child).shape[axis] for child in children])
        pieces = np.split(gy.array, ends[:-1], axis)
        return list(zip(children, map(Held, pieces), strict=True))

    def _graph(self, module: LuaModule, gy: Gradient) -> Gradient:
        nodes, modules = module.fields["nodes"], module.fields["modules"]
        call = self._last[id(module)]
        values: list[Value] = vars(call)["found"]
        start = int(module.fields["input"]) - 1
        given: dict[int, list[Gradient]] = {int(module.fields["output_node"]) - 1: [gy]}
        pending: list[tuple[LuaModule, Value, Gradient]] = []
        for number in backward_order(nodes):
            node, parts = nodes[number], [p for p in given.get(number, []) if p is not None]
            gradient = parts[0] if len(parts) == 1 else self._sum((id(module), number), parts)
            sources = [int(source) - 1 for source in node["inputs"]]
            if node["select"] is not None:
                table = given.setdefault(sources[0], [[None] * len(values[sources[0]])])
                table[0][int(node["select"]) - 1] = gradient
                continue
            if node["module"] is not None and gradient is not None:
                child = modules[int(node["module"]) - 1]
                inputs = [values[source] for source in sources]
                x = call.input if number == start else inputs[0] if len(inputs) == 1 else inputs
                pending.append((child, x, gradient))
                gradient = self._back(child, x, gradient, parameters=False)
            if number == start:
                break
            for position, source in enumerate(sources):
                part = gradient
                if len(sources) > 1 and gradient is not None:
                    part = gradient[position]
                given.setdefault(source, []).append(part)
        self._pending[id(module)] = pending
        return gradient

    def _sum(self, buffer: object, parts: Sequence[Gradient]) -> Gradient:
        """Add the gradients of a node that several read, in the node's own tensors."""
        total = None
        for number, part in enumerate(parts):
            if number == 0:
                total = _copied(self._found.get(buffer), _values(part))
            else:
                total = _added(total, part)
        self._found[buffer] = total
        return total


def _shares(one: Gradient, other: Gradient) -> bool:
    return any(
        np.may_share_memory(a, b) for a in arrays(_values(one)) for b in arrays(_values(other))
    )


def _children(module: LuaModule) -> list[LuaModule]:
    return [child for _, child in module.children()]


def _shapes(value: Value) -> tuple[tuple[int, ...], ...]:
    return tuple(array.shape for array in arrays(value))


def _held(value: Value) -> Gradient:
    return _copied(None, value)


def _values(gradient: Gradient) -> Value:
    if isinstance(gradient, list):
        return [_values(item) for item in gradient]
    return gradient.array if isinstance(gradient, Held) else gradient


def _pointed(before: Gradient, memory: Array) -> Held:
    """Point a tensor object at other memory."""
    held = before if isinstance(before, Held) else Held(memory)
    held.array = memory
    return held


def _copied(before: Gradient, values: Value) -> Gradient:
    """Return the object's own tensors, with these values."""
    if isinstance(values, list):
        olds = before if isinstance(before, list) else []
        olds = [*olds, *[None] * len(values)]
        return [_copied(old, value) for old, value in zip(olds, values, strict=False)]
    if not isinstance(values, np.ndarray):
        return values
    if not isinstance(before, Held) or before.array.shape != values.shape:
        return Held(values.copy())
    before.array[...] = values
    return before


def _added(total: Gradient, other: Gradient) -> Gradient:
    if isinstance(total, list):
        return [_added(a, b) for a, b in zip(total, other, strict=True)]
    if isinstance(total, Held) and isinstance(other, Held):
        total.array += other.array.reshape(total.array.shape)
        return total
    return other if total is None else total
