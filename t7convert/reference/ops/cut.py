"""Parts of an array, padding, constants."""

from __future__ import annotations

import numpy as np

from t7convert.format.objects import Array
from t7convert.reference.op import Op, Value, implements


class _Part(Op):
    """Takes part of the input; Lua gives it memory of its own."""

    def part(self, x: Array) -> tuple[slice | int, ...]:
        raise self.error("no part")

    def forward(self, x: Array) -> Array:
        taken: Array = x[self.part(x)].copy()
        return taken

    def backward(self, gy: Array) -> Array:
        gradient = np.zeros(self.input.shape, gy.dtype)
        gradient[self.part(self.input)] = gy
        return gradient

    def along(self, x: Array, chosen: slice | int) -> tuple[slice | int, ...]:
        axis = self.integer("dimension") - 1
        if axis < 0:
            axis = x.ndim + self.integer("dimension")
        return (*[slice(None)] * axis, chosen)

    def size(self, x: Array) -> int:
        dimension = self.integer("dimension")
        if not 1 <= abs(dimension) <= x.ndim:
            raise self.error(f"an input of shape {x.shape} has no dimension {dimension}")
        return int(x.shape[dimension - 1 if dimension > 0 else dimension])


@implements("nn.Select")
class Select(_Part):
    def part(self, x: Array) -> tuple[slice | int, ...]:
        index = self.integer("index")
        place = self.size(x) + index if index < 0 else index - 1
        if not 0 <= place < self.size(x) or x.ndim < 2:
            raise self.error(f"{x.shape} has no slice {index}")
        return self.along(x, place)


@implements("nn.Narrow")
class Narrow(_Part):
    def part(self, x: Array) -> tuple[slice | int, ...]:
        size, index, length = self.size(x), self.integer("index"), self.integer("length")
        if length < 0:
            length = size - index + length + 2
        if index < 0:
            index, length = 1, size - length
        if not 1 <= index <= index + length - 1 <= size:
            raise self.error(f"{length} slices from {index} on don't fit {x.shape}")
        return self.along(x, slice(index - 1, index - 1 + length))


@implements("nn.Index")
class Index(Op):
    """The positions count from 1 and get a gradient of zeros."""

    def forward(self, x: list[Array]) -> Array:
        self.axis = self.integer("dimension") - 1
        self.positions = x[1].astype(np.int64) - 1
        if x[1].ndim != 1 or self.positions.min() < 0:
            raise self.error("a vector of positions from 1 on expected")
        return np.take(x[0], self.positions, self.axis)

    def backward(self, gy: Array) -> list[Array]:
        gradient = np.zeros(self.input[0].shape, gy.dtype)
        rows = np.moveaxis(gradient, self.axis, 0)
        np.add.at(rows, self.positions, np.moveaxis(gy, self.axis, 0))
        return [gradient, np.zeros_like(self.input[1])]


@implements("nn.MaskedSelect")
class MaskedSelect(Op):
    def forward(self, x: list[Array]) -> Array:
        self.mask = x[1].reshape(x[0].shape) != 0
        taken: Array = x[0][self.mask]
        return taken

    def backward(self, gy: Array) -> list[Array]:
        gradient = np.zeros(self.input[0].shape, gy.dtype)
        gradient[self.mask] = gy
        return [gradient, np.zeros_like(self.input[1])]


@implements("nn.Padding")
class Padding(Op):
    def place(self, x: Array) -> tuple[int, int, int]:
        """Return the axis, the position of the padding and its length."""
        axis, pad, index = self.integer("dim") - 1, self.integer("pad"), self.integer("index")
        if self.get("nInputDim") is not None and x.ndim != self.integer("nInputDim"):
            axis += 1
        position = x.shape[axis] - index + 1 if pad > 0 else index - 1
        if not 0 <= position <= x.shape[axis]:
            raise self.error(f"an input of shape {x.shape} has no place for padding")
        return axis, position, abs(pad)

    def forward(self, x: Array) -> Array:
        axis, position, length = self.place(x)
        value = x.dtype.type(self.number("value"))
        return np.insert(x, [position] * length, value, axis)

    def backward(self, gy: Array) -> Array:
        axis, position, length = self.place(self.input)
        return np.delete(gy, slice(position, position + length), axis)


@implements("nn.Constant")
class Constant(Op):
    def forward(self, x: Value) -> Array:
        value = self.array("value")
        if self.get("nInputDim") is not None and x.ndim > self.integer("nInputDim"):
            return np.repeat(value[None], x.shape[0], axis=0)
        return np.array(value)

    def backward(self, gy: Array) -> Array:
        gradient: Array = np.zeros_like(self.input)
        return gradient
