"""Element-wise arithmetic: constants, powers, roots, logarithms."""

from __future__ import annotations

import numpy as np

from t7convert.format.objects import Array, LuaTensor
from t7convert.reference.op import Op, Value, implements


@implements("nn.Abs")
class Abs(Op):
    def forward(self, x: Array) -> Value:
        return np.abs(x)

    def backward(self, gy: Array) -> Value:
        return np.where(self.input >= 0, gy, -gy)


@implements("nn.AddConstant")
class AddConstant(Op):
    def forward(self, x: Array) -> Value:
        if isinstance(self.require("constant_scalar"), LuaTensor):
            constant = self.array("constant_scalar")
            if x.ndim > 2 or x.shape[-1] != len(constant):
                raise self.error(f"an input of shape {x.shape} has no rows of {len(constant)}")
            return x + constant
        return x + self.number("constant_scalar")

    def backward(self, gy: Array) -> Value:
        self.restore()
        return gy


@implements("nn.MulConstant")
class MulConstant(Op):
    def forward(self, x: Array) -> Value:
        return x * self.number("constant_scalar")

    def backward(self, gy: Array) -> Value:
        self.restore()
        return gy * self.number("constant_scalar")


@implements("nn.Exp")
class Exp(Op):
    def forward(self, x: Array) -> Value:
        return np.exp(x)

    def backward(self, gy: Array) -> Value:
        return self.output * gy


@implements("nn.Log")
class Log(Op):
    def forward(self, x: Array) -> Value:
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.log(x)

    def backward(self, gy: Array) -> Value:
        with np.errstate(divide="ignore", invalid="ignore"):
            return 1 / self.input * gy


def power(x: Array, exponent: float) -> Array:
    """Return TH's ``pow``, which takes roots apart: they keep the sign of zero."""
    if abs(exponent) == 0.5:
        root = np.sqrt(x)
        return root if exponent > 0 else 1 / root
    raised: Array = np.power(x, x.dtype.type(exponent))
    return raised


@implements("nn.Power")
class Power(Op):
    def forward(self, x: Array) -> Value:
        with np.errstate(divide="ignore", invalid="ignore"):
            return power(x, self.number("pow"))

    def backward(self, gy: Array) -> Value:
        exponent = self.number("pow")
        with np.errstate(divide="ignore", invalid="ignore"):
            return power(self.input, exponent - 1) * gy * exponent


@implements("nn.Sqrt")
class Sqrt(Op):
    def forward(self, x: Array) -> Value:
        with np.errstate(invalid="ignore"):
            return np.sqrt(x)

    def backward(self, gy: Array) -> Value:
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(self.output == 0, gy.dtype.type(0), gy / self.output / 2)


@implements("nn.Square")
class Square(Op):
    def forward(self, x: Array) -> Value:
        return x * x

    def backward(self, gy: Array) -> Value:
        return 2 * gy * self.input
