"""dpnn's sampling modules in evaluation, and its criterions, from their Lua files."""

from __future__ import annotations

from typing import Any

import numpy as np

from t7convert.format.objects import Array, LuaTensor
from t7convert.reference.op import Op, Value, implements
from t7convert.reference.ops.criterion_classes import log_softmax
from t7convert.reference.ops.criterion_elementwise import Criterion


@implements("nn.ReinforceNormal", "nn.ReinforceBernoulli", "nn.ReinforceCategorical")
class Reinforce(Op):
    """The mean or the probabilities; draws and rewards belong to training."""

    def forward(self, x: Value) -> Value:
        if self.flag("stochastic"):
            raise self.error("it draws at random in evaluation too")
        return (x[0] if isinstance(x, list) else x).copy()

    def backward(self, gy: Value) -> Value:
        raise self.error("its gradient needs the reward of a criterion")


@implements("nn.ReinforceGamma")
class ReinforceGamma(Reinforce):
    """The mean: shape times scale."""

    def forward(self, x: Value) -> Value:
        shape = super().forward(x)
        if isinstance(x, list):
            return shape * x[1]
        own = self.require("scale")
        return shape * (self.array("scale") if isinstance(own, LuaTensor) else own)


@implements("nn.NCEModule")
class NCEModule(Op):
    """The whole distribution, as in evaluation with ``normalized``."""

    def forward(self, x: list[Array]) -> Value:
        if not self.flag("normalized"):
            raise self.error("it draws noise classes at random in evaluation too")
        scores = x[0] @ self.array("weight").T + self.array("bias")
        logs = log_softmax(scores, 1)
        return logs if self.flag("logsoftmax") else np.exp(logs)

    def backward(self, gy: Value) -> Value:
        raise self.error("its gradient is that of the drawn noise classes")


class Reward(Criterion):
    def rewards(self, x: Array, target: Array) -> Value:
        """Return which predictions are right."""
        raise TypeError(f"{self.typename} has no forward")

    def loss(self, x: list[Array], target: Array) -> Value:
        self.reward = self.rewards(x[0], target).astype(x[0].dtype) * self.number("scale")
        return self.averaged(-self.reward.sum(), len(self.reward))

    def gradient(self, x: list[Array], target: Array) -> Value:
        learned = self.call(self.module_at("criterion"), [x[1], self.reward])
        return [np.zeros_like(x[0]), learned.backward(1.0)]


@implements("nn.VRClassReward")
class VRClassReward(Reward):
    def rewards(self, x: Array, target: Array) -> Value:
        return np.atleast_2d(x).argmax(1) + 1 == np.reshape(target, -1)


@implements("nn.BinaryClassReward")
class BinaryClassReward(Reward):
    def rewards(self, x: Array, target: Array) -> Value:
        return (x > 0.5) == np.reshape(target, -1)


@implements("nn.NCECriterion")
class NCECriterion(Criterion):
    EPS = 1e-7

    def loss(self, x: list[Array], target: Any) -> Value:
        pmt, pms, pnt, pns = x
        k = pms.shape[1]
        self.below_target = pmt + k * pnt + self.EPS
        self.below_noise = pms + k * pns + self.EPS
        total = np.log(pmt / self.below_target).sum() + np.log(k * pns / self.below_noise).sum()
        return self.averaged(-total, len(pmt))

    def gradient(self, x: list[Array], target: Any) -> Value:
        pmt, pms, pnt, pns = x
        first = -pms.shape[1] * pnt / self.below_target / (pmt + self.EPS)
        second = pms / self.below_noise / (pms + self.EPS)
        averaged = [self.averaged(gradient, len(pmt)) for gradient in (first, second)]
        return [*averaged, np.zeros_like(pnt), np.zeros_like(pns)]


class Logistic(Criterion):
    def count(self, x: Array) -> int:
        """Return what the sum is divided by."""
        return x.size if self.flag("sizeAverage") else 1

    def loss(self, x: Array, target: Array) -> Value:
        self.power = np.exp(-np.reshape(target, x.shape) * x)
        return np.log(1 + self.power).sum() / self.count(x)

    def gradient(self, x: Array, target: Array) -> Value:
        slope = -np.reshape(target, x.shape) * self.power / (1 + self.power)
        return (slope / self.count(x)).astype(x.dtype)


@implements("nn.BinaryLogisticRegression")
class BinaryLogisticRegression(Logistic):
    pass


@implements("nn.SpatialBinaryLogisticRegression")
class SpatialBinaryLogisticRegression(Logistic):
    def count(self, x: Array) -> int:
        images = x.shape[0] if x.ndim == 4 and self.flag("sizeAverage") else 1
        return 2 * images * int(x.shape[-1]) * int(x.shape[-2])
