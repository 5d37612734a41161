"""Criterions of a pair of tensors, from their Lua files."""

from __future__ import annotations

from typing import Any

import numpy as np

from t7convert.format.objects import Array
from t7convert.reference.op import Value, implements
from t7convert.reference.ops.criterion_elementwise import Criterion


@implements("nn.HingeEmbeddingCriterion")
class HingeEmbeddingCriterion(Criterion):
    def loss(self, x: Array, target: Any) -> Value:
        t = np.reshape(target, x.shape)
        near = np.where(t == -1, 0, x).sum()
        far = np.where(t == 1, 0, np.maximum(self.number("margin") - x, 0)).sum()
        return self.averaged(near + far, x.size)

    def gradient(self, x: Array, target: Any) -> Value:
        t = np.reshape(target, x.shape).astype(x.dtype)
        gone = (t == -1) & (x > self.number("margin"))
        return self.averaged(np.where(gone, x.dtype.type(0), t), x.size)


@implements("nn.L1HingeEmbeddingCriterion")
class L1HingeEmbeddingCriterion(Criterion):
    """Where the pair is equal Lua draws the gradient's sign; here it is 1."""

    def loss(self, x: list[Array], target: Any) -> Value:
        distance = np.abs(x[0] - x[1].reshape(x[0].shape)).sum()
        if np.ndim(target) == 0 and target == -1:
            return np.maximum(self.number("margin") - distance, 0).astype(distance.dtype)
        return distance

    def gradient(self, x: list[Array], target: Any) -> list[Array]:
        difference = x[0] - x[1].reshape(x[0].shape)
        first = np.where(difference >= 0, 1, -1).astype(x[0].dtype)
        if np.ndim(target) == 0 and target == -1:
            near = np.abs(difference).sum() <= self.number("margin")
            first = -first if near else np.zeros_like(first)
        return [first, -first.reshape(x[1].shape)]


@implements("nn.CosineEmbeddingCriterion")
class CosineEmbeddingCriterion(Criterion):
    def loss(self, x: list[Array], target: Any) -> Value:
        self.first, self.second = (np.atleast_2d(side) for side in x)
        y = self.y = np.reshape(target, -1)
        eps = 1e-12
        self.dot = (self.first * self.second).sum(1, keepdims=True)
        self.inverse1 = 1 / (np.square(self.first).sum(1, keepdims=True) + eps)
        self.inverse2 = 1 / (np.square(self.second).sum(1, keepdims=True) + eps)
        self.scale = np.sqrt(self.inverse1 * self.inverse2)
        each = (self.dot * self.scale)[:, 0]
        each = np.where(y == -1, np.maximum(each - self.number("margin"), 0), each)
        self.each = np.where(y == 1, 1 - each, each).astype(self.first.dtype)
        return self.averaged(self.each.sum(), len(y))

    def gradient(self, x: list[Array], target: Any) -> list[Array]:
        first = (self.second - self.dot * self.inverse1 * self.first) * self.scale
        second = (self.first - self.dot * self.inverse2 * self.second) * self.scale
        sign = np.where(self.each <= 0, 0, np.where(self.y == 1, -1, 1))
        rows = self.averaged(sign[:, None].astype(first.dtype), len(self.y))
        return [(first * rows).reshape(x[0].shape), (second * rows).reshape(x[1].shape)]


@implements("nn.MarginRankingCriterion")
class MarginRankingCriterion(Criterion):
    def loss(self, x: list[Array], target: Any) -> Value:
        slack = self._slack(x, target)
        if np.ndim(target) == 0:
            return np.maximum(slack.reshape(-1)[0], 0)
        return self.averaged(np.maximum(slack, 0).sum(), len(target))

    def gradient(self, x: list[Array], target: Any) -> list[Array]:
        active = np.where(self._slack(x, target) >= 0, x[0].dtype.type(1), x[0].dtype.type(0))
        if np.ndim(target) == 0:  # only the first elements are looked at
            active.reshape(-1)[1:] = 0
            first = -active * float(target)
        else:
            y = np.reshape(target, x[0].shape).astype(x[0].dtype)
            first = self.averaged(-active * y, len(target))
        return [first, -first.reshape(x[1].shape)]

    def _slack(self, x: list[Array], target: Any) -> Value:
        y = float(target) if np.ndim(target) == 0 else np.reshape(target, x[0].shape)
        slack: Array = -(x[0] - x[1].reshape(x[0].shape)) * y + self.number("margin")
        return slack.astype(x[0].dtype, copy=False)


@implements("nn.DistanceRatioCriterion")
class DistanceRatioCriterion(Criterion):
    def loss(self, x: list[Array], target: Any) -> Value:
        near, far = x[0], x[1].reshape(x[0].shape)
        self.near, self.far = np.exp(-near), np.exp(-far)
        return self.averaged((near + np.log(self.near + self.far)).sum(), len(near))

    def gradient(self, x: list[Array], target: Any) -> list[Array]:
        both = self.near + self.far
        near, far = 1 - self.near / both, -self.far / both
        count = len(self.near)
        return [self.averaged(near, count), self.averaged(far, count).reshape(x[1].shape)]
