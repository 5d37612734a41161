"""Criterions that compare input and target element by element, from THNN's C files."""

from __future__ import annotations

from typing import Any

import numpy as np

from t7convert.format.objects import Array
from t7convert.reference.nested import map_arrays
from t7convert.reference.op import Op, Value, implements


class Criterion(Op):
    """One call of a criterion: the input is ``[input, target]``, the output the loss.

    ``backward`` gives the gradient of the input, times ``gy``; Lua's had no gradOutput. A class
    whose own parameters, or a module inside, take part multiplies by ``factor`` itself
    (``multiplies``).
    """

    multiplies = False
    factor = 1.0

    def forward(self, x: Value) -> Value:
        self.given, self.target = [*x, None][:2]  # some have no target
        return self.loss(self.given, self.target)

    def backward(self, gy: Any) -> Value:
        self.factor = float(gy)
        gradient = self.gradient(self.given, self.target)
        if self.multiplies or self.factor == 1:
            return gradient
        return map_arrays(lambda g: g * self.factor, gradient)

    def loss(self, x: Value, target: Value) -> Value:
        """Return ``updateOutput(input, target)``."""
        raise TypeError(f"{self.typename} has no forward")

    def gradient(self, x: Value, target: Value) -> Value:
        """Return ``updateGradInput(input, target)``."""
        raise TypeError(f"{self.typename} has no backward")

    def averaged(self, value: Any, count: int) -> Any:
        """Divide by ``count`` if the criterion averages."""
        return value / count if self.flag("sizeAverage") else value


class Elementwise(Criterion):
    """A sum over elements; subclasses say the loss and the gradient of each."""

    def loss(self, x: Array, target: Array) -> Value:
        return self.averaged(self.terms(x, np.reshape(target, x.shape)).sum(), x.size)

    def gradient(self, x: Array, target: Array) -> Value:
        slopes = self.slopes(x, np.reshape(target, x.shape))
        return self.averaged(slopes.astype(x.dtype, copy=False), x.size)

    def terms(self, x: Array, t: Array) -> Value:
        raise TypeError(f"{self.typename} has no forward")

    def slopes(self, x: Array, t: Array) -> Value:
        raise TypeError(f"{self.typename} has no backward")


@implements("nn.AbsCriterion")
class AbsCriterion(Elementwise):
    def terms(self, x: Array, t: Array) -> Value:
        return np.abs(x - t)

    def slopes(self, x: Array, t: Array) -> Value:
        return np.where(x >= t, 1, -1)


@implements("nn.MSECriterion")
class MSECriterion(Elementwise):
    def terms(self, x: Array, t: Array) -> Value:
        return np.square(x - t)

    def slopes(self, x: Array, t: Array) -> Value:
        return 2 * (x - t)


@implements("nn.WeightedMSECriterion")
class WeightedMSECriterion(MSECriterion):
    def terms(self, x: Array, t: Array) -> Value:
        return super().terms(x, self._weighted(x, t))

    def slopes(self, x: Array, t: Array) -> Value:
        return super().slopes(x, self._weighted(x, t))

    def _weighted(self, x: Array, t: Array) -> Value:
        weight = self.array("weight")
        if x.ndim - 1 == weight.ndim:
            return np.stack([row * weight for row in t])
        return t * weight.reshape(t.shape)


@implements("nn.SpatialAutoCropMSECriterion")
class SpatialAutoCropMSECriterion(MSECriterion):
    def loss(self, x: Array, target: Array) -> Value:
        return super().loss(x, self._cropped(x, target))

    def gradient(self, x: Array, target: Array) -> Value:
        return super().gradient(x, self._cropped(x, target))

    def _cropped(self, x: Array, target: Array) -> Value:
        if x.ndim != target.ndim or any(
            n > m for n, m in zip(x.shape[-2:], target.shape[-2:], strict=True)
        ):
            raise self.error(f"the input {x.shape} doesn't fit into the target {target.shape}")
        for axis in (-2, -1):
            start = (target.shape[axis] - x.shape[axis]) // 2
            target = target.take(range(start, start + x.shape[axis]), axis)
        return target


@implements("nn.SmoothL1Criterion")
class SmoothL1Criterion(Elementwise):
    def terms(self, x: Array, t: Array) -> Value:
        z = np.abs(x - t)
        return np.where(z < 1, z * z / 2, z - 0.5)

    def slopes(self, x: Array, t: Array) -> Value:
        return np.clip(x - t, -1, 1)


@implements("nn.MarginCriterion")
class MarginCriterion(Elementwise):
    def terms(self, x: Array, t: Array) -> Value:
        return np.maximum(self.number("margin") - x * t, 0)

    def slopes(self, x: Array, t: Array) -> Value:
        return np.where(x * t < self.number("margin"), -t, 0)


@implements("nn.SoftMarginCriterion")
class SoftMarginCriterion(Elementwise):
    def terms(self, x: Array, t: Array) -> Value:
        return np.log(1 + np.exp(-x * t))

    def slopes(self, x: Array, t: Array) -> Value:
        z = np.exp(-x * t)
        return -t * z / (1 + z)


@implements("nn.DistKLDivCriterion")
class DistKLDivCriterion(Elementwise):
    def terms(self, x: Array, t: Array) -> Value:
        some = t > 0
        return np.where(some, t * (np.log(np.where(some, t, 1)) - x), 0)

    def slopes(self, x: Array, t: Array) -> Value:
        return np.where(t > 0, -t, 0)


class Weighted(Elementwise):
    """Element-wise with optional ``weights``, one per column of a batch."""

    def loss(self, x: Array, target: Array) -> Value:
        terms = self.terms(x, np.reshape(target, x.shape)) * self._weights(x, target)
        return self.averaged(terms.sum(), x.size)

    def gradient(self, x: Array, target: Array) -> Value:
        slopes = self.slopes(x, np.reshape(target, x.shape)) * self._weights(x, target)
        return self.averaged(slopes, x.size)

    def _weights(self, x: Array, target: Array) -> Value:
        if not self.has("weights"):
            return np.ones_like(x)
        weights = self.array("weights")
        if target.ndim != 1:
            weights = np.broadcast_to(weights.reshape(1, target.shape[1]), target.shape)
        return weights.reshape(x.shape)


@implements("nn.BCECriterion")
class BCECriterion(Weighted):
    EPS = 1e-12

    def terms(self, x: Array, t: Array) -> Value:
        return -(np.log(x + self.EPS) * t + np.log(1 - x + self.EPS) * (1 - t))

    def slopes(self, x: Array, t: Array) -> Value:
        return -(t - x) / ((1 - x + self.EPS) * (x + self.EPS))


@implements("nn.MultiLabelSoftMarginCriterion")
class MultiLabelSoftMarginCriterion(Weighted):
    def terms(self, x: Array, t: Array) -> Value:
        return np.log(1 + np.exp(-np.abs(x))) - x * (t - (x >= 0).astype(x.dtype))

    def slopes(self, x: Array, t: Array) -> Value:
        small = np.exp(-np.abs(x))
        return np.where(x >= 0, 1, small) / (1 + small) - t


@implements("nn.L1Cost")
class L1Cost(Criterion):
    def loss(self, x: Array, target: object) -> Value:
        return np.abs(x).sum()

    def gradient(self, x: Array, target: object) -> Value:
        return np.sign(x)
