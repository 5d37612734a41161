"""Linear maps."""

from __future__ import annotations

import numpy as np

from t7convert.format.objects import Array
from t7convert.reference.op import Op, Value, implements
from t7convert.reference.ops.containers import Sequential


@implements("nn.Linear")
class Linear(Op):
    def weight(self) -> Array:
        return self.array("weight")

    def forward(self, x: Array) -> Value:
        if x.ndim not in (1, 2):
            raise self.error(f"its input has {x.ndim} dimensions, expected 1 or 2")
        y = x @ self.weight().T
        return y + self.array("bias") if self.has("bias") else y

    def backward(self, gy: Array) -> Value:
        x, rows = np.atleast_2d(self.input), np.atleast_2d(gy)
        self.accumulate_weight(rows.T @ x)
        if self.has("bias"):
            self.accumulate("bias", rows.sum(0))
        return gy @ self.weight()

    def accumulate_weight(self, gradient: Array) -> None:
        self.accumulate("weight", gradient)


@implements("nn.LinearWeightNorm")
class LinearWeightNorm(Linear):
    def norm(self) -> Array:
        lengths = np.sqrt((self.array("v") ** 2).sum(1, keepdims=True))
        norm: Array = np.maximum(lengths, lengths.dtype.type(self.number("eps")))
        return norm

    def weight(self) -> Array:
        weight: Array = self.array("v") * (self.array("g") / self.norm())
        return weight

    def accumulate_weight(self, gradient: Array) -> None:
        v, norm = self.array("v"), self.norm()
        scale = self.array("g") / norm
        grad_g = (gradient * v / norm).sum(1, keepdims=True)
        self.accumulate("v", gradient * scale - v * scale / norm * grad_g)
        self.accumulate("g", grad_g)


@implements("nn.Bilinear")
class Bilinear(Op):
    def forward(self, x: Value) -> Value:
        y = np.einsum("ni,kij,nj->nk", x[0], self.array("weight"), x[1])
        return y + self.array("bias") if self.has("bias") else y

    def backward(self, gy: Array) -> Value:
        a, b = self.input
        weight = self.array("weight")
        self.accumulate("weight", np.einsum("nk,ni,nj->kij", gy, a, b))
        if self.has("bias"):
            self.accumulate("bias", gy.sum(0))
        return [
            np.einsum("nk,kij,nj->ni", gy, weight, b),
            np.einsum("nk,kij,ni->nj", gy, weight, a),
        ]


@implements("nn.PartialLinear")
class PartialLinear(Op):
    def forward(self, x: Array) -> Value:
        if x.ndim != 2:
            raise self.error(f"its input has {x.ndim} dimensions, expected 2")
        self._rows = self.values("partition").astype(np.int64) - 1
        y = x @ self.array("weight")[self._rows].T
        return y + self.array("bias")[:, self._rows] if self.has("bias") else y

    def backward(self, gy: Array) -> Value:
        weight = self.array("weight")
        gradient = np.zeros_like(weight)
        np.add.at(gradient, self._rows, gy.T @ self.input)
        self.accumulate("weight", gradient)
        if self.has("bias"):
            offset = np.zeros_like(self.array("bias"))
            np.add.at(offset[0], self._rows, gy.sum(0))
            self.accumulate("bias", offset)
        return gy @ weight[self._rows]


@implements("nn.Maxout")
class Maxout(Sequential):
    pass


@implements("nn.LayerNormalization")
class LayerNormalization(Sequential):
    pass
