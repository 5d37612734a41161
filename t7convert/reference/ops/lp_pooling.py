"""Lp pooling."""

from __future__ import annotations

import numpy as np

from t7convert.format.objects import Array
from t7convert.reference.op import Op, implements
from t7convert.reference.ops.containers import Sequential


@implements("nn.SpatialLPPooling")
class SpatialLPPooling(Sequential):
    """A Sequential of four parameterless modules (SpatialLPPooling.lua)."""


@implements("nn.FeatureLPPooling")
class FeatureLPPooling(Op):
    """The p-norm of neighbouring features (THNN generic/FeatureLPPooling.c)."""

    def _windows(self, x: Array) -> Array:
        axis = 1 if self.flag("batch_mode") else 0
        view = np.lib.stride_tricks.sliding_window_view(x, self.integer("width"), axis)
        return np.moveaxis(view, axis, 0)[:: self.integer("stride")]

    def forward(self, x: Array) -> Array:
        power = x.dtype.type(self.number("power"))
        y = (self._windows(x) ** power).sum(-1) ** (1 / power)
        return np.moveaxis(y, 0, 1 if self.flag("batch_mode") else 0)

    def backward(self, gy: Array) -> Array:
        axis = 1 if self.flag("batch_mode") else 0
        power, stride = self.number("power"), self.integer("stride")
        y, grads = (np.moveaxis(a, axis, 0)[..., np.newaxis] for a in (self.output, gy))
        with np.errstate(divide="ignore", invalid="ignore"):
            parts = grads * (self._windows(self.input) / y) ** gy.dtype.type(power - 1)
        parts = np.where(y == 0, gy.dtype.type(0), parts)
        gx: Array = np.zeros_like(self.input)
        target = np.moveaxis(gx, axis, 0)
        for number, part in enumerate(parts):
            for offset in range(self.integer("width")):
                target[number * stride + offset] += part[..., offset]
        return gx
