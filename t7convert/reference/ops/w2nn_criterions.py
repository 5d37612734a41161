"""waifu2x's criterions, from their Lua files."""

from __future__ import annotations

from typing import Any

import numpy as np

from t7convert.format.objects import Array
from t7convert.reference.op import Value, implements
from t7convert.reference.ops.criterion_elementwise import Criterion


@implements("w2nn.ClippedMSECriterion")
class ClippedMSECriterion(Criterion):
    def loss(self, x: Array, target: Array) -> Value:
        self.diff = np.clip(x, self.number("min"), self.number("max")) - target.reshape(x.shape)
        return sum(np.square(row).sum() / row.size for row in self.diff) / len(x)

    def gradient(self, x: Array, target: Array) -> Value:
        return self.diff * (1 / x.size)


class Huber(Criterion):
    def huber(self, difference: Array) -> Value:
        """Return the mean loss of the differences, and keep the slopes."""
        gamma = self.number("gamma")
        far = np.abs(difference) >= gamma
        self.slopes = np.where(far, np.sign(difference) * gamma, difference)
        square = (np.square(difference[~far]) * 0.5).sum()
        linear = ((np.abs(difference[far]) - 0.5 * gamma) * gamma).sum()
        return (square + linear) / difference.size


@implements("w2nn.ClippedWeightedHuberCriterion")
class ClippedWeightedHuberCriterion(Huber):
    def loss(self, x: Array, target: Array) -> Value:
        low, high = self.require("clip")
        clipped = np.clip(x, low, high) - target.reshape(x.shape)
        return self.huber(clipped * self.array("weight"))

    def gradient(self, x: Array, target: Array) -> Value:
        return self.slopes * (1 / x.size)


@implements("w2nn.L1Criterion")
class L1Criterion(Criterion):
    def loss(self, x: Array, target: Any) -> Value:
        if x.ndim == 1:  # Lua takes the target from the first element only
            self.diff = x.copy()
            self.diff[0] -= float(target)
        else:
            self.diff = x - target.reshape(x.shape)
        return np.abs(self.diff).sum() / x.size

    def gradient(self, x: Array, target: Any) -> Value:
        return np.sign(self.diff) * (1 / x.size)


@implements("w2nn.SSIMCriterion")
class SSIMCriterion(Criterion):
    def loss(self, x: Array, target: Array) -> Value:
        def blur(image: Array) -> Array:
            blurred = self.call(self.module_at("conv"), image).output
            return np.array(blurred)  # a copy: the next call writes over it

        t, c1, c2 = target.reshape(x.shape), self.number("c1"), self.number("c2")
        mu1, mu2 = blur(x), blur(t)
        sigma1, sigma2, both = blur(x * x) - mu1**2, blur(t * t) - mu2**2, blur(x * t) - mu1 * mu2
        above = (mu1 * mu2 * 2 + c1) * (both * 2 + c2)
        return (above / ((mu1**2 + mu2**2 + c1) * (sigma1 + sigma2 + c2))).mean()

    def gradient(self, x: Array, target: Array) -> Value:
        raise self.error("Torch7 has no backward of this class")


@implements("w2nn.LBPCriterion")
class LBPCriterion(Huber):
    def loss(self, x: Array, target: Array) -> Value:
        self.found = self.call(self.module_at("filter1"), self._images(x))
        wanted = self.call(self.module_at("filter2"), self._images(target)).output
        return self.huber(self.found.output - wanted)

    def gradient(self, x: Array, target: Array) -> Value:
        norm = self.integer("n") / x.size
        return np.reshape(self.found.backward(self.slopes * norm), x.shape)

    def _images(self, x: Array) -> Array:
        if x.ndim == 2:
            side = round((x.shape[1] / self.integer("ch")) ** 0.5)
            x = x.reshape(len(x), self.integer("ch"), side, side)
        return np.clip(x, 0, 1)
