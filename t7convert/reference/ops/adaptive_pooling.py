"""Poolings to a given size, and those with random windows."""

from __future__ import annotations

from math import ceil, floor

import numpy as np

from t7convert.format.objects import Array
from t7convert.reference.op import Op, implements
from t7convert.reference.ops._pool import scatter
from t7convert.reference.ops._unfold import batched, unbatched

_F = np.float32
_Windows = list[tuple[int, int]]


@implements("nn.SpatialAdaptiveAveragePooling")
class SpatialAdaptiveAveragePooling(Op):
    """Means of windows from floor(i * n / count) to ceil((i + 1) * n / count), in C float."""

    def windows(self, size: int, count: int) -> _Windows:
        """Return start and end of every window."""
        parts = _F(count)
        return [
            (floor(_F(i * size) / parts), ceil(_F((i + 1) * size) / parts)) for i in range(count)
        ]

    def forward(self, x: Array) -> Array:
        self.rows = self.windows(x.shape[-2], self.integer("H"))
        self.columns = self.windows(x.shape[-1], self.integer("W"))
        y = np.empty((*x.shape[:-2], len(self.rows), len(self.columns)), x.dtype)
        for i, (top, bottom) in enumerate(self.rows):
            for j, (left, right) in enumerate(self.columns):
                y[..., i, j] = x[..., top:bottom, left:right].mean((-1, -2))
        return y

    def backward(self, gy: Array) -> Array:
        gx: Array = np.zeros_like(self.input)
        for i, (top, bottom) in enumerate(self.rows):
            for j, (left, right) in enumerate(self.columns):
                area = gy.dtype.type((bottom - top) * (right - left))
                gx[..., top:bottom, left:right] += gy[..., i, j, np.newaxis, np.newaxis] / area
        return gx


@implements("nn.SpatialAdaptiveMaxPooling")
class SpatialAdaptiveMaxPooling(Op):
    """Maxima of windows from floor(i / count * n) to ceil((i + 1) / count * n), in C float."""

    def windows(self, size: int, count: int) -> _Windows:
        """Return start and end of every window."""
        parts, whole = _F(count), _F(size)
        return [
            (floor(_F(i) / parts * whole), ceil(_F(i + 1) / parts * whole)) for i in range(count)
        ]

    def forward(self, x: Array) -> Array:
        rows = self.windows(x.shape[-2], self.integer("H"))
        columns = self.windows(x.shape[-1], self.integer("W"))
        y = np.empty((*x.shape[:-2], len(rows), len(columns)), x.dtype)
        self.where = np.empty(y.shape, np.int64)
        for i, (top, bottom) in enumerate(rows):
            for j, (left, right) in enumerate(columns):
                part = x[..., top:bottom, left:right].reshape(*x.shape[:-2], -1)
                best = part.argmax(-1)
                y[..., i, j] = np.take_along_axis(part, best[..., np.newaxis], -1)[..., 0]
                row, column = np.divmod(best, right - left)
                self.where[..., i, j] = (row + top) * x.shape[-1] + column + left
        return y

    def backward(self, gy: Array) -> Array:
        return scatter(gy, self.where, self.input.shape[-2:])


class FractionalMaxPooling(Op):
    """Maxima of windows at random places.

    Where the file keeps no samples, they are drawn from a seed of their own.
    """

    names = ""

    def sizes(self, size: tuple[int, ...]) -> list[int]:
        """Return the output's size."""
        if self.get("ratioW") is not None and self.get("ratioH") is not None:
            ratios = [self.number(f"ratio{name}") for name in self.names]
            return [floor(n * ratio) for n, ratio in zip(size, ratios, strict=True)]
        return [self.integer(f"out{name}") for name in self.names]

    def samples(self, planes: tuple[int, int], dtype: np.dtype[np.floating]) -> Array:
        """Return one number per plane and dimension; the last dimension's comes first."""
        shape = (*planes, len(self.names))
        if self.flag("newRandomPool") and self.has("randomSamples"):
            kept = self.array("randomSamples")
            if kept.shape == shape:
                return kept
        return np.random.default_rng(0).random(shape).astype(dtype)

    @staticmethod
    def starts(sample: float, size: int, count: int, window: int) -> list[int]:
        """Return where the windows start (THNN ``generateIntervals``)."""
        places = []
        if count > 1:
            step = (size - window) / (count - 1)
            places = [int((i + sample) * step) - int(sample * step) for i in range(count - 1)]
        return [*places, size - window]

    def forward(self, x: Array) -> Array:
        dims = len(self.names)
        batch = batched(x, dims + 2)
        n, c, *size = batch.shape
        counts = self.sizes(tuple(size))
        window = [self.integer(f"poolSize{name}") for name in self.names]
        flat = np.arange(int(np.prod(size))).reshape(size)
        y, where = np.empty((n, c, *counts), x.dtype), np.empty((n, c, *counts), np.int64)
        samples = self.samples((n, c), x.dtype)[..., ::-1]
        for plane in np.ndindex(n, c):
            starts = [
                self.starts(s, *row)
                for s, row in zip(
                    samples[plane].tolist(), zip(size, counts, window, strict=True), strict=True
                )
            ]
            for place in np.ndindex(*counts):
                cut = tuple(
                    slice(line[i], line[i] + k)
                    for line, i, k in zip(starts, place, window, strict=True)
                )
                part = batch[plane][cut].reshape(-1)
                best = int(part.argmax())
                y[plane][place] = part[best]
                where[plane][place] = flat[cut].reshape(-1)[best]
        self.where = where
        return unbatched(y, x)

    def backward(self, gy: Array) -> Array:
        grads = batched(gy, len(self.names) + 2)
        gx = scatter(grads, self.where, self.input.shape[-len(self.names) :])
        return unbatched(gx, self.input)


@implements("nn.SpatialFractionalMaxPooling")
class SpatialFractionalMaxPooling(FractionalMaxPooling):
    names = "HW"


@implements("nn.VolumetricFractionalMaxPooling")
class VolumetricFractionalMaxPooling(FractionalMaxPooling):
    """A volume is height, width, time (THNN generic/VolumetricFractionalMaxPooling.c)."""

    names = "HWT"
