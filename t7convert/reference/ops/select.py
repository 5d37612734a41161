"""Choosing, cutting and joining the entries of tables."""

from __future__ import annotations

import numpy as np

from t7convert.format.objects import Array
from t7convert.reference.nested import add, zeros_like
from t7convert.reference.op import Op, Value, implements


def axis_of(op: Op, x: Array) -> int:
    """Return the 0-based axis of ``dimension``: negative from the end, shifted behind a batch."""
    dimension = op.integer("dimension")
    batch = op.get("nInputDims") is not None and x.ndim == op.integer("nInputDims") + 1
    axis = x.ndim + dimension if dimension < 0 else dimension - 1 + batch
    if not 0 <= axis < x.ndim:
        raise op.error(f"an input of shape {x.shape} has no dimension {dimension}")
    return axis


@implements("nn.JoinTable")
class JoinTable(Op):
    """An entry may lack the batch dimension that Lua's batch normalisation gave to its input."""

    def forward(self, x: list[Array]) -> Array:
        rank = max(item.ndim for item in x)
        self.batches = [item if item.ndim == rank else item[None] for item in x]
        return np.concatenate(self.batches, axis_of(self, self.batches[0]))

    def backward(self, gy: Array) -> list[Array]:
        axis = axis_of(self, self.batches[0])
        ends = np.cumsum([item.shape[axis] for item in self.batches])
        parts = np.split(gy, ends[:-1], axis)
        return [np.reshape(p, item.shape) for p, item in zip(parts, self.input, strict=True)]


@implements("nn.SplitTable")
class SplitTable(Op):
    """The entries are views of the input."""

    def forward(self, x: Array) -> list[Array]:
        return list(np.moveaxis(x, axis_of(self, x), 0))

    def backward(self, gy: list[Array | None]) -> Array:
        found = [part for part in gy if part is not None]
        if len(found) < len(gy):
            raise ValueError("an entry that nothing reads has no gradient, and Lua wants one")
        return np.stack(found, axis_of(self, self.input))


@implements("nn.SelectTable")
class SelectTable(Op):
    def key(self) -> int | str:
        index = self.require("index")
        if isinstance(index, str):
            return index
        number = self.integer("index")
        if number == 0:
            raise self.error("a table has no entry 0")
        return number - 1 if number > 0 else number

    def forward(self, x: Value) -> Value:
        return x[self.key()]

    def backward(self, gy: Value) -> Value:
        gradient = zeros_like(self.input)
        gradient[self.key()] = gy
        return gradient


@implements("nn.NarrowTable")
class NarrowTable(Op):
    def entries(self) -> slice:
        start = self.integer("offset") - 1
        return slice(start, start + self.integer("length"))

    def forward(self, x: list[Value]) -> list[Value]:
        return x[self.entries()]

    def backward(self, gy: list[Value]) -> list[Value]:
        gradient: list[Value] = zeros_like(self.input)
        gradient[self.entries()] = gy
        return gradient


@implements("nn.FlattenTable")
class FlattenTable(Op):
    def forward(self, x: Value) -> list[Value]:
        if not isinstance(x, list):
            raise self.error("the input is no table")
        flat: list[Value] = []
        self._flatten(x, flat)
        return flat

    def _flatten(self, x: Value, flat: list[Value]) -> None:
        if isinstance(x, list):
            for item in x:
                self._flatten(item, flat)
        else:
            flat.append(x)

    def backward(self, gy: list[Value]) -> Value:
        rest = iter(gy)

        def restore(x: Value) -> Value:
            return [restore(item) for item in x] if isinstance(x, list) else next(rest)

        return restore(self.input)


@implements("nn.ZipTable")
class ZipTable(Op):
    """``{{a1, a2}, {b1, b2}}`` gives ``{{a1, b1}, {a2, b2}}``."""

    def forward(self, x: list[list[Value]]) -> list[list[Value]]:
        return [list(row) for row in zip(*x, strict=True)]

    def backward(self, gy: list[list[Value]]) -> list[list[Value]]:
        return [list(row) for row in zip(*gy, strict=True)]


@implements("nn.ZipTableOneToMany")
class ZipTableOneToMany(Op):
    """``{v, {a, b}}`` gives ``{{v, a}, {v, b}}``."""

    def forward(self, x: list[Value]) -> list[list[Value]]:
        return [[x[0], item] for item in x[1]]

    def backward(self, gy: list[list[Value]]) -> list[Value]:
        total = zeros_like(self.input[0])
        for first, _ in gy:
            total = add(total, first)
        return [total, [second for _, second in gy]]
