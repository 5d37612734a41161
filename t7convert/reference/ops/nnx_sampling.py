"""Padding and resampling of images, from nnx's Lua and C files."""

from __future__ import annotations

from math import floor
from typing import Any

import numpy as np

from t7convert.format.objects import Array
from t7convert.reference.op import Op, implements

_F = np.float32


@implements("nn.SpatialPadding")
class SpatialPadding(Op):
    def axes(self) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
        """Return (axis, before, after) of the rows and of the columns."""
        return (
            (self.integer("y_dim") - 1, self.integer("pad_t"), self.integer("pad_b")),
            (self.integer("x_dim") - 1, self.integer("pad_l"), self.integer("pad_r")),
        )

    def forward(self, x: Array) -> Array:
        shape = list(x.shape)
        source, target = [slice(None)] * x.ndim, [slice(None)] * x.ndim
        for axis, before, after in self.axes():
            shape[axis] += before + after
            if shape[axis] < 1:
                raise self.error("its input is too small")
            source[axis] = slice(max(-before, 0), x.shape[axis] - max(-after, 0))
            target[axis] = slice(max(before, 0), shape[axis] - max(after, 0))
        self.source, self.target = tuple(source), tuple(target)
        y = np.full(shape, self.number("val"), x.dtype)
        y[self.target] = x[self.source]
        return y

    def backward(self, gy: Array) -> Array:
        gx: Array = np.zeros_like(self.input)
        gx[self.source] = gy[self.target]
        return gx


def add_at(planes: Array, rows: Array, columns: Array, values: Array) -> None:
    """Add ``values`` at these rows and columns of (K1, H, W, K2), as often as they occur."""
    place: Any = (slice(None), rows, columns)
    np.add.at(planes, place, values)


class Resampling(Op):
    """Sees the image as planes (K1, H, W, K2)."""

    def y_axis(self, x: Array) -> int:
        """Return the axis of the rows."""
        return self.integer("yDim") - 1

    def planes(self, x: Array, y: int) -> Array:
        return x.reshape(
            int(np.prod(x.shape[:y])), x.shape[y], x.shape[y + 1], int(np.prod(x.shape[y + 2 :]))
        )

    def goal(self, size: tuple[int, int]) -> tuple[int, int]:
        """Return the output's height and width."""
        raise TypeError(f"{self.typename} has no forward")

    def resample(self, x: Array, size: tuple[int, int]) -> Array:
        """Return (K1, oH, oW, K2)."""
        raise TypeError(f"{self.typename} has no forward")

    def gather_back(self, gy: Array, shape: tuple[int, ...]) -> Array:
        """Return the gradient of (K1, H, W, K2)."""
        raise TypeError(f"{self.typename} has no backward")

    def forward(self, x: Array) -> Array:
        y = self.y_axis(x)
        size = self.goal(x.shape[y : y + 2])
        planes = self.planes(x, y)
        self.before_shape = planes.shape
        return self.resample(planes, size).reshape(*x.shape[:y], *size, *x.shape[y + 2 :])

    def backward(self, gy: Array) -> Array:
        y = self.y_axis(self.input)
        return np.reshape(self.gather_back(self.planes(gy, y), self.before_shape), self.input.shape)

    def pick(self, x: Array, rows: Array, columns: Array) -> Array:
        """Take these rows and columns."""
        self.rows, self.columns = rows, columns
        return x[:, rows][:, :, columns]

    def unpick(self, gy: Array, shape: tuple[int, ...]) -> Array:
        """Add every gradient where its pixel came from."""
        gx = np.zeros(shape, gy.dtype)
        add_at(gx, self.rows[:, np.newaxis], self.columns, gy)
        return gx


@implements("nn.SpatialUpSampling")
class SpatialUpSampling(Resampling):
    def goal(self, size: tuple[int, int]) -> tuple[int, int]:
        return size[0] * self.integer("dH"), size[1] * self.integer("dW")

    def resample(self, x: Array, size: tuple[int, int]) -> Array:
        rows = np.arange(size[0]) // self.integer("dH")
        return self.pick(x, rows, np.arange(size[1]) // self.integer("dW"))

    def gather_back(self, gy: Array, shape: tuple[int, ...]) -> Array:
        return self.unpick(gy, shape)


def _sum_windows(x: Array, size: tuple[int, int], step: tuple[int, int]) -> Array:
    y = np.zeros((x.shape[0], *size, x.shape[3]), x.dtype)
    for i in range(step[0]):
        for j in range(step[1]):
            y += x[:, i : i + size[0] * step[0] : step[0], j : j + size[1] * step[1] : step[1]]
    return y


def _spread(gy: Array, shape: tuple[int, ...], step: tuple[int, int]) -> Array:
    gx = np.zeros(shape, gy.dtype)
    whole = np.repeat(np.repeat(gy, step[0], 1), step[1], 2)
    gx[:, : whole.shape[1], : whole.shape[2]] = whole
    return gx


@implements("nn.SpatialDownSampling")
class SpatialDownSampling(Resampling):
    def y_axis(self, x: Array) -> int:
        if x.ndim != 3:
            raise self.error(f"its input has {x.ndim} dimensions, expected 3")
        return 1

    def goal(self, size: tuple[int, int]) -> tuple[int, int]:
        goal = size[0] // self.integer("rH"), size[1] // self.integer("rW")
        if 0 in goal:
            raise self.error("its input is too small")
        return goal

    def share(self) -> Any:
        """Return the reciprocal of the window's area, a C float."""
        return _F(1) / _F(self.integer("rH") * self.integer("rW"))

    def resample(self, x: Array, size: tuple[int, int]) -> Array:
        sums = _sum_windows(x, size, self.hw("r"))
        return np.asarray(sums * x.dtype.type(self.share()))

    def gather_back(self, gy: Array, shape: tuple[int, ...]) -> Array:
        return np.asarray(_spread(gy, shape, self.hw("r")) * gy.dtype.type(self.share()))


class Bilinear(Resampling):
    """Corners on corners; the four surfaces are products of C floats."""

    def corners(self, shape: tuple[int, ...], size: tuple[int, int]) -> list[tuple[Array, ...]]:
        """Return (rows, columns, surface) of the four neighbours of every pixel."""
        sides = []
        for old, new in zip(shape[1:3], size, strict=True):
            if new == 1:
                raise self.error("Torch7 divides by zero where it makes one row or column")
            place = _F(old - 1) / _F(new - 1) * np.arange(new, dtype=_F)
            first = np.floor(place)
            near, far = (first + _F(1)) - place, place - first
            start = first.astype(np.int64)
            sides.append(((start, near), (np.minimum(start + 1, old - 1), far)))
        return [
            (row[:, np.newaxis], column, down[:, np.newaxis] * across)
            for row, down in sides[0]
            for column, across in sides[1]
        ]

    def interpolate(self, x: Array, size: tuple[int, int]) -> Array:
        self.four = self.corners(x.shape, size)
        y = np.zeros((x.shape[0], *size, x.shape[3]), np.float64)
        for row, column, surface in self.four:
            y += x[:, row, column] * surface.astype(np.float64)[..., np.newaxis]
        return y.astype(x.dtype)

    def interpolate_back(self, gy: Array, shape: tuple[int, ...]) -> Array:
        gx = np.zeros(shape, gy.dtype)
        for row, column, surface in self.four:
            add_at(gx, row, column, gy * surface.astype(gy.dtype)[..., np.newaxis])
        return gx


@implements("nn.SpatialReSampling")
class SpatialReSampling(Bilinear):
    def y_axis(self, x: Array) -> int:
        if x.ndim not in (3, 4):
            raise self.error(f"its input has {x.ndim} dimensions, expected 3 or 4")
        return x.ndim - 2

    def goal(self, size: tuple[int, int]) -> tuple[int, int]:
        if "size" not in self.state:  # the first call writes oheight and owidth
            found = []
            for name, old in zip(("height", "width"), size, strict=True):
                given = self.get(f"o{name}") is not None
                place = self.number(f"o{name}") if given else self.number(f"r{name}") * old
                found.append(int(place))
            self.state["size"] = found[0], found[1]
        height, width = self.state["size"]
        return height, width

    def resample(self, x: Array, size: tuple[int, int]) -> Array:
        return self.interpolate(x, size)

    def gather_back(self, gy: Array, shape: tuple[int, ...]) -> Array:
        return self.interpolate_back(gy, shape)


@implements("nn.SpatialReSamplingEx")
class SpatialReSamplingEx(Bilinear):
    def goal(self, size: tuple[int, int]) -> tuple[int, int]:
        found = []
        for name, old in zip(("height", "width"), size, strict=True):
            if self.get(f"o{name}") is not None:
                found.append(int(self.number(f"o{name}")))
            else:
                found.append(floor(self.number(f"r{name}") * old + 0.5))
        if (found[0] >= size[0]) is not (found[1] >= size[1]):
            raise self.error("it goes up in one dimension and down in the other")
        return found[0], found[1]

    def resample(self, x: Array, size: tuple[int, int]) -> Array:
        mode, (height, width) = self.require("mode"), size
        self.step = x.shape[1] // height, x.shape[2] // width
        self.up = height >= x.shape[1]
        if mode == "bilinear":
            return self.interpolate(x, size)
        if self.up:
            tall = (height + x.shape[1] - 1) // x.shape[1]
            wide = (width + x.shape[2] - 1) // x.shape[2]
            return self.pick(x, np.arange(height) // tall, np.arange(width) // wide)
        if mode == "average":
            share = _F(1) / _F(self.step[0] * self.step[1])
            return np.asarray(_sum_windows(x, size, self.step) * x.dtype.type(share))
        return self.pick(x, np.arange(height) * self.step[0], np.arange(width) * self.step[1])

    def gather_back(self, gy: Array, shape: tuple[int, ...]) -> Array:
        mode = self.require("mode")
        if mode == "bilinear":
            return self.interpolate_back(gy, shape)
        if mode == "average" and not self.up:
            share = gy.dtype.type(1.0 / (self.step[0] * self.step[1]))
            return np.asarray(_spread(gy, shape, self.step) * share)
        return self.unpick(gy, shape)
