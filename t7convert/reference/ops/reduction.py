"""Reductions over one dimension; a vector gives a vector of one."""

from __future__ import annotations

import numpy as np

from t7convert.format.objects import Array
from t7convert.reference.op import Op, implements
from t7convert.reference.ops.select import axis_of


class _Extreme(Op):
    """The first of equal entries counts."""

    def position(self, x: Array, axis: int) -> Array:
        raise self.error("no order")

    def forward(self, x: Array) -> Array:
        self.axis = axis_of(self, x)
        self.positions = np.expand_dims(self.position(x, self.axis), self.axis)
        best: Array = np.take_along_axis(x, self.positions, self.axis)
        return best if x.ndim == 1 else best.squeeze(self.axis)

    def backward(self, gy: Array) -> Array:
        gradient = np.zeros(self.input.shape, gy.dtype)
        rows = gy.reshape(self.positions.shape)
        np.put_along_axis(gradient, self.positions, rows, self.axis)
        return gradient


@implements("nn.Max")
class Max(_Extreme):
    def position(self, x: Array, axis: int) -> Array:
        return np.asarray(x.argmax(axis))


@implements("nn.Min")
class Min(_Extreme):
    def position(self, x: Array, axis: int) -> Array:
        return np.asarray(x.argmin(axis))


@implements("nn.Sum", "nn.Mean")
class Sum(Op):
    def forward(self, x: Array) -> Array:
        self.axis = axis_of(self, x)
        total: Array = x.sum(self.axis, keepdims=True)
        if self.flag("sizeAverage"):
            total /= total.dtype.type(x.shape[self.axis])
        squeeze = self.flag("squeeze") and x.ndim > 1
        return np.squeeze(total, self.axis) if squeeze else total

    def backward(self, gy: Array) -> Array:
        shape = list(self.input.shape)
        count, shape[self.axis] = shape[self.axis], 1
        gradient: Array = np.array(np.broadcast_to(gy.reshape(shape), self.input.shape))
        if self.flag("sizeAverage"):
            gradient /= gradient.dtype.type(count)
        return gradient
