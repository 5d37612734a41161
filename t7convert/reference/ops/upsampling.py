"""Enlargements."""

from __future__ import annotations

import numpy as np

from t7convert.format.objects import Array
from t7convert.reference.op import Op, implements


def _nearest_back(gy: Array, scale: int, dims: int) -> Array:
    """Sum the blocks of ``scale`` elements in each of the last ``dims`` dimensions."""
    shape: list[int] = list(gy.shape[: gy.ndim - dims])
    for n in gy.shape[gy.ndim - dims :]:
        shape += [n // scale, scale]
    first = gy.ndim - dims + 1
    blocks = gy.reshape(shape)
    return np.asarray(blocks.sum(tuple(range(first, first + 2 * dims, 2))))


def _coordinates(old: int, new: int) -> tuple[Array, Array, Array]:
    """Return lower and upper neighbour and the upper one's part, in C float."""
    one = np.float32
    ratio = one(old - 1) / one(new - 1) if new > 1 else one(0)
    place = ratio * np.arange(new, dtype=one)
    low = place.astype(np.int64)
    return low, np.where(low < old - 1, low + 1, low), place - low.astype(one)


class _Linear:
    """Linear interpolation of the last dimensions, and its adjoint."""

    def __init__(self, old: tuple[int, ...], new: tuple[int, ...]) -> None:
        self.old, self.new = old, new
        same = old == new  # then C copies
        self.lines = [] if same else [_coordinates(a, b) for a, b in zip(old, new, strict=True)]

    def forward(self, x: Array) -> Array:
        for axis, (low, high, part) in zip(range(-1, -9, -1), self.lines[::-1], strict=False):
            weight = part.astype(x.dtype).reshape(-1, *(1,) * (-axis - 1))
            x = (1 - weight) * np.take(x, low, axis) + weight * np.take(x, high, axis)
        return x

    def backward(self, gy: Array) -> Array:
        for axis, (low, high, part) in zip(range(-1, -9, -1), self.lines[::-1], strict=False):
            weight = part.astype(gy.dtype).reshape(-1, *(1,) * (gy.ndim - 1))
            moved = np.moveaxis(gy, axis, 0)
            sums = np.zeros((self.old[axis], *moved.shape[1:]), gy.dtype)
            np.add.at(sums, low, (1 - weight) * moved)
            np.add.at(sums, high, weight * moved)
            gy = np.moveaxis(sums, 0, axis)
        return gy


@implements("nn.SpatialUpSamplingNearest")
class SpatialUpSamplingNearest(Op):
    def dims(self) -> int:
        """Return how many dimensions grow."""
        return 2

    def forward(self, x: Array) -> Array:
        for axis in range(-self.dims(), 0):
            x = np.repeat(x, self.integer("scale_factor"), axis)
        return x

    def backward(self, gy: Array) -> Array:
        return _nearest_back(gy, self.integer("scale_factor"), self.dims())


@implements("nn.SpatialUpSamplingBilinear")
class SpatialUpSamplingBilinear(Op):
    def size(self, x: Array) -> tuple[int, ...]:
        """Return the output's size."""
        if self.get("scale_factor") is not None:
            scale = self.integer("scale_factor")
            return tuple(n * scale for n in x.shape[-2:])
        return self.integer("oheight"), self.integer("owidth")

    def forward(self, x: Array) -> Array:
        size = self.size(x)
        self.linear = _Linear(x.shape[-len(size) :], size)
        return self.linear.forward(x)

    def backward(self, gy: Array) -> Array:
        return self.linear.backward(gy)


@implements("nn.UpSampling")
class UpSampling(Op):
    """Images (N, C, H, W) or volumes (N, C, T, H, W)."""

    def size(self, x: Array) -> tuple[int, ...]:
        """Return the output's size."""
        if self.get("scale_factor") is not None:
            scale = self.integer("scale_factor")
            return tuple(n * scale for n in x.shape[2:])
        names = ("odepth", "oheight", "owidth")
        return tuple(self.integer(name) for name in names[5 - x.ndim :])

    def forward(self, x: Array) -> Array:
        if x.ndim not in (4, 5):
            raise ValueError(f"an input of {x.ndim} dimensions, expected 4 or 5")
        if self.require("mode") == "linear":
            self.linear = _Linear(x.shape[2:], self.size(x))
            return self.linear.forward(x)
        for axis in range(2, x.ndim):
            x = np.repeat(x, self.integer("scale_factor"), axis)
        return x

    def backward(self, gy: Array) -> Array:
        if self.require("mode") == "linear":
            return self.linear.backward(gy)
        return _nearest_back(gy, self.integer("scale_factor"), gy.ndim - 2)


@implements("nn.PixelShuffle")
class PixelShuffle(Op):
    """(C * r * r, H, W) to (C, H * r, W * r), with a batch dimension or without."""

    def forward(self, x: Array) -> Array:
        r, (h, w) = self.integer("upscaleFactor"), x.shape[-2:]
        c = x.shape[-3] // (r * r)
        parts = x.reshape(-1, c, r, r, h, w).transpose(0, 1, 4, 2, 5, 3)
        return np.reshape(parts, (*x.shape[:-3], c, h * r, w * r))

    def backward(self, gy: Array) -> Array:
        r, (h, w) = self.integer("upscaleFactor"), self.input.shape[-2:]
        parts = gy.reshape(-1, gy.shape[-3], h, r, w, r).transpose(0, 1, 3, 5, 2, 4)
        return np.reshape(parts, self.input.shape)
