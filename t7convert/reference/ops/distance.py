"""Norms, distances and products; a single vector counts as a batch of one."""

from __future__ import annotations

import math

import numpy as np

from t7convert.format.objects import Array
from t7convert.reference.op import Op, Value, implements


def rows(op: Op, x: Array) -> Array:
    """Return a vector as one row, a matrix as it is; other ranks are an error."""
    if x.ndim not in (1, 2):
        raise op.error(f"its input has {x.ndim} dimensions, expected 1 or 2")
    return x.reshape(1, -1) if x.ndim == 1 else x


def pair(op: Op, x: Value) -> tuple[Array, Array]:
    """Return two vectors or matrices of one shape as matrices."""
    a, b = rows(op, x[0]), rows(op, x[1])
    if a.shape != b.shape:
        raise op.error(f"its inputs have the shapes {a.shape} and {b.shape}")
    return a, b


@implements("nn.Normalize")
class Normalize(Op):
    def forward(self, x: Array) -> Value:
        p, eps = self.number("p"), self.number("eps")
        self._x = rows(self, x)
        if math.isinf(p):
            self._norm = np.abs(self._x).max(1, keepdims=True) + eps
            self._index = np.abs(self._x).argmax(1)[:, None]
        else:
            self._normp = (np.abs(self._x) ** p).sum(1, keepdims=True) + eps
            self._norm = self._normp ** (1 / p)
        return (self._x / self._norm).reshape(x.shape)

    def backward(self, gy: Array) -> Value:
        x, gy = self._x, gy.reshape(self._x.shape)
        p, eps, norm = self.number("p"), self.number("eps"), self._norm
        cross = (x * gy).sum(1, keepdims=True)
        if math.isinf(p):
            buffer = np.zeros_like(x)
            index = self._index
            np.put_along_axis(buffer, index, np.take_along_axis(x, index, 1) / norm, 1)
            gx = (norm * gy - buffer * cross) / (norm * norm)
        else:
            if p == 2:
                buffer = x
            else:
                with np.errstate(divide="ignore", invalid="ignore"):
                    buffer = (np.abs(x) + (eps if p < 2 else 0)) ** (p - 2) * x
            gx = (self._normp * gy - buffer * cross) / (self._normp * norm)
        return gx.reshape(self.input.shape)


@implements("nn.PairwiseDistance")
class PairwiseDistance(Op):
    def forward(self, x: Value) -> Value:
        p = self.number("norm")
        a, b = pair(self, x)
        self._difference = a - b
        return (np.abs(self._difference) ** p).sum(1) ** (1 / p)

    def backward(self, gy: Array) -> Value:
        p, gx = self.number("norm"), self._difference
        if p == 1:
            gx = np.where(gx >= 0, gx.dtype.type(1), gx.dtype.type(-1))
        else:
            if p > 2:
                gx = gx * np.abs(gx) ** (p - 2)
            gx = gx * ((self.output + 1e-6) ** -(p - 1))[:, None]
        gx = (gx * gy.reshape(-1, 1)).reshape(self.input[0].shape)
        return [gx, -gx]


@implements("nn.CosineDistance")
class CosineDistance(Op):
    def forward(self, x: Value) -> Value:
        a, b = pair(self, x)
        self._product = (a * b).sum(1, keepdims=True)
        self._a = 1 / ((a * a).sum(1, keepdims=True) + 1e-12)
        self._b = 1 / ((b * b).sum(1, keepdims=True) + 1e-12)
        self._scale = np.sqrt(self._a * self._b)
        return (self._product * self._scale)[:, 0]

    def backward(self, gy: Array) -> Value:
        a, b = rows(self, self.input[0]), rows(self, self.input[1])
        gy = gy.reshape(-1, 1)
        ga = (b - self._product * self._a * a) * self._scale * gy
        gb = (a - self._product * self._b * b) * self._scale * gy
        return [ga.reshape(self.input[0].shape), gb.reshape(self.input[1].shape)]


@implements("nn.DotProduct")
class DotProduct(Op):
    def forward(self, x: Value) -> Value:
        a, b = pair(self, x)
        return (a * b).sum(1)

    def backward(self, gy: Array) -> Value:
        a, b = self.input
        gy = gy.reshape(-1, *(1,) * (a.ndim - 1))
        return [gy * b, gy * a]


@implements("nn.Euclidean")
class Euclidean(Op):
    def scale(self) -> Array:
        return np.ones_like(self.array("weight"))

    def forward(self, x: Array) -> Value:
        if x.shape[-1] != len(self.array("weight")):
            raise self.error(f"its input has {x.shape[-1]} features")
        self._repeat = (rows(self, x)[:, :, None] - self.array("weight")) * self.scale()
        return np.sqrt((self._repeat**2).sum(1)).reshape(*x.shape[:-1], -1)

    def backward(self, gy: Array) -> Value:
        div = (gy / (self.distance() + 1e-7)).reshape(len(self._repeat), 1, -1)
        repeat = self._repeat * div * self.scale()
        self.accumulate("weight", -repeat.sum(0))
        self.accumulate_scale(div)
        return repeat.sum(2).reshape(self.input.shape)

    def distance(self) -> Array:
        """Return the output as backward reads it."""
        return np.asarray(self.output)

    def accumulate_scale(self, div: Array) -> None:
        pass


@implements("nn.WeightedEuclidean")
class WeightedEuclidean(Euclidean):
    def scale(self) -> Array:
        return self.array("diagCov")

    def distance(self) -> Array:
        return np.asarray(self.forward(self.input))  # Lua computes it anew

    def accumulate_scale(self, div: Array) -> None:
        difference = rows(self, self.input)[:, :, None] - self.array("weight")
        self.accumulate("diagCov", (difference**2 * self.scale() * div).sum(0))


@implements("nn.Cosine")
class Cosine(Op):
    def forward(self, x: Array) -> Value:
        self._x, weight = rows(self, x), self.array("weight")
        self._weight_norm = np.sqrt((weight**2).sum(1)) + 1e-12
        self._norm = np.sqrt((self._x**2).sum(1, keepdims=True)) + 1e-12
        y = self._x @ weight.T / self._weight_norm / self._norm
        return y.reshape(*x.shape[:-1], -1)

    def backward(self, gy: Array) -> Value:
        gy, y = gy.reshape(len(self._x), -1), self.output.reshape(len(self._x), -1)
        weight, unit = self.array("weight"), self._x / self._norm
        gx = (gy / self._weight_norm) @ weight - unit * (gy * y).sum(1, keepdims=True)
        pull = weight * ((gy * y).sum(0) / self._weight_norm)[:, None]
        self.accumulate("weight", (gy.T @ unit - pull) / self._weight_norm[:, None])
        return (gx / self._norm).reshape(self.input.shape)


@implements("nn.Kmeans")
class Kmeans(Op):
    def forward(self, x: Array) -> Value:
        if x.ndim != 2:
            raise self.error(f"its input has {x.ndim} dimensions, expected 2")
        distances = ((x - self.array("weight")[:, None]) ** 2).sum(2)
        self._nearest = distances.argmin(0)
        return (self._nearest + 1).astype(x.dtype)

    def backward(self, gy: Array) -> Value:
        weight = self.array("weight")
        scale = 1 if self.get("scale") is None else self.number("scale")
        step = np.zeros_like(weight)
        np.add.at(step, self._nearest, -scale * (self.input - weight[self._nearest]))
        counts = np.bincount(self._nearest, minlength=len(weight)).astype(weight.dtype)
        self.accumulate("weight", step / (counts + 1e-7)[:, None])
        return np.zeros_like(self.input)
