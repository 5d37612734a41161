"""Noise in evaluation mode, where it is none, and modules that only change the gradient."""

from __future__ import annotations

import numpy as np

from t7convert.format.objects import Array
from t7convert.reference.op import Op, Value, implements


class Scaled(Op):
    """Multiply by a number, which is also the gradient's."""

    def factor(self) -> float:
        return 1 - self.number("p")

    def forward(self, x: Array) -> Value:
        if self.flag("stochastic_inference"):
            raise self.error("it draws random masks in evaluation too (stochastic_inference)")
        return x * self.factor()

    def backward(self, gy: Array) -> Value:
        return gy * self.factor()


@implements("nn.Dropout")
class Dropout(Scaled):
    def factor(self) -> float:
        return 1 if self.flag("v2") else super().factor()


@implements("nn.SpatialDropout", "nn.VolumetricDropout")
class PlaneDropout(Scaled):
    pass


@implements("nn.WhiteNoise")
class WhiteNoise(Op):
    def forward(self, x: Array) -> Value:
        return x + self.number("mean")

    def backward(self, gy: Array) -> Value:
        return gy


@implements("nn.GradientReversal")
class GradientReversal(Op):
    def forward(self, x: Array) -> Value:
        return x

    def backward(self, gy: Array) -> Value:
        return gy * -self.number("lambda")


@implements("nn.ZeroGrad")
class ZeroGrad(Op):
    def forward(self, x: Array) -> Value:
        return x

    def backward(self, gy: Array) -> Value:
        return np.zeros_like(gy)


@implements("nn.L1Penalty")
class L1Penalty(Op):
    def forward(self, x: Array) -> Value:
        return x

    def backward(self, gy: Array) -> Value:
        weight = self.number("l1weight")
        if self.get("sizeAverage") is True:
            weight /= self.input.size
        gx = np.sign(self.input) * weight
        return gx + gy if self.get("provideOutput") is True else gx
