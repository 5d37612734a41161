"""Element-wise functions; ``x`` is the input, ``y`` the output, ``gy`` its gradient."""

from __future__ import annotations

import numpy as np

from t7convert.format.objects import Array
from t7convert.reference.op import Op, Value, implements
from t7convert.reference.ops.containers import from_one


def logistic(x: Array) -> Array:
    """Return 1 / (1 + exp(-x)), as TH/THMath.h computes it."""
    with np.errstate(over="ignore"):
        y: Array = 1 / (1 + np.exp(-x))
    return y


class Bounded(Op):
    """Clip to ``bounds``; no gradient at the bounds and outside (THNN/generic/HardTanh.c)."""

    def bounds(self) -> tuple[float, float]:
        return self.number("min_val"), self.number("max_val")

    def forward(self, x: Array) -> Value:
        low, high = self.bounds()
        return np.minimum(np.maximum(x, x.dtype.type(low)), x.dtype.type(high))

    def backward(self, gy: Array) -> Value:
        low, high = self.bounds()
        return np.where((self.input <= low) | (self.input >= high), gy.dtype.type(0), gy)


@implements("nn.HardTanh", "nn.Clamp")
class HardTanh(Bounded):
    pass


@implements("nn.ReLU6")
class ReLU6(Bounded):
    def bounds(self) -> tuple[float, float]:
        return 0, 6


@implements("cudnn.ClippedReLU")
class ClippedReLU(Bounded):
    def bounds(self) -> tuple[float, float]:
        return 0, self.number("ceiling")


@implements("nn.ELU")
class ELU(Op):
    def forward(self, x: Array) -> Value:
        with np.errstate(over="ignore"):
            return np.where(x <= 0, (np.exp(x) - 1) * self.number("alpha"), x)

    def backward(self, gy: Array) -> Value:
        return np.where(self.output <= 0, gy * (self.output + self.number("alpha")), gy)


class Shrink(Op):
    """What hard and soft shrinking have in common: who passes, and the gradient."""

    def above(self, x: Array) -> Array:
        return x > self.number("lambda")

    def below(self, x: Array) -> Array:
        return x < -self.number("lambda")

    def backward(self, gy: Array) -> Value:
        return np.where(self.above(self.input) | self.below(self.input), gy, gy.dtype.type(0))


@implements("nn.HardShrink")
class HardShrink(Shrink):
    def forward(self, x: Array) -> Value:
        return np.where(self.above(x) | self.below(x), x, x.dtype.type(0))


@implements("nn.SoftShrink")
class SoftShrink(Shrink):
    def forward(self, x: Array) -> Value:
        width = self.number("lambda")
        inner = np.where(self.below(x), x + width, x.dtype.type(0))
        return np.where(self.above(x), x - width, inner)


@implements("nn.LeakyReLU")
class LeakyReLU(Op):
    def slope(self) -> float:
        return self.number("negval")

    def forward(self, x: Array) -> Value:
        return np.where(x > 0, x, x * self.slope())

    def backward(self, gy: Array) -> Value:
        return np.where(self.input > 0, gy, gy * self.slope())


@implements("nn.RReLU")
class RReLU(LeakyReLU):
    def slope(self) -> float:
        return (self.number("lower") + self.number("upper")) / 2


@implements("nn.PReLU")
class PReLU(Op):
    def forward(self, x: Array) -> Value:
        return np.where(x > 0, x, self._slopes(x) * x)

    def backward(self, gy: Array) -> Value:
        x = self.input
        products = np.where(x > 0, x.dtype.type(0), x * gy)
        if self.integer("nOutputPlane"):
            others = tuple(d for d in range(x.ndim) if d != int(x.ndim > 1))
            self.accumulate("weight", products.sum(others))
        else:
            self.accumulate("weight", products.sum().reshape(1))
        return np.where(x > 0, gy, self._slopes(x) * gy)

    def _slopes(self, x: Array) -> Array:
        weight = self.array("weight").reshape(-1)
        if self.integer("nOutputPlane") == 0:
            return weight
        if x.shape[int(x.ndim > 1)] != len(weight):
            raise self.error(f"an input of shape {x.shape} has no {len(weight)} planes")
        return weight.reshape(-1, *(1,) * (x.ndim - 2))


@implements("nn.LogSigmoid")
class LogSigmoid(Op):
    def forward(self, x: Array) -> Value:
        high = np.maximum(x.dtype.type(0), -x)
        self._z = np.exp(-high) + np.exp(-x - high)
        return -(high + np.log(self._z))

    def backward(self, gy: Array) -> Value:
        part = (self._z - 1) / self._z
        return gy * np.where(self.input < 0, 1 - part, part)


@implements("nn.Threshold", "nn.ReLU")
class Threshold(Op):
    def forward(self, x: Array) -> Value:
        return np.where(x > self.number("threshold"), x, x.dtype.type(self.number("val")))

    def backward(self, gy: Array) -> Value:
        return np.where(self.input > self.number("threshold"), gy, gy.dtype.type(0))


@implements("cudnn.ReLU")
class CudnnReLU(Op):
    def forward(self, x: Array) -> Value:
        return np.where(x > 0, x, x.dtype.type(0))

    def backward(self, gy: Array) -> Value:
        return np.where(self.input > 0, gy, gy.dtype.type(0))


@implements("nn.Sigmoid", "cudnn.Sigmoid")
class Sigmoid(Op):
    def forward(self, x: Array) -> Value:
        return logistic(x)

    def backward(self, gy: Array) -> Value:
        return gy * (1 - self.output) * self.output


@implements("nn.Tanh", "cudnn.Tanh")
class Tanh(Op):
    def forward(self, x: Array) -> Value:
        return np.tanh(x)

    def backward(self, gy: Array) -> Value:
        return gy * (1 - self.output * self.output)


@implements("nn.TanhShrink")
class TanhShrink(Op):
    def forward(self, x: Array) -> Value:
        self._tanh = np.tanh(x)
        return x - self._tanh

    def backward(self, gy: Array) -> Value:
        return gy - gy * (1 - self._tanh * self._tanh)


@implements("nn.SoftPlus")
class SoftPlus(Op):
    def forward(self, x: Array) -> Value:
        beta = self.number("beta")
        with np.errstate(over="ignore"):
            soft = np.log1p(np.exp(x * beta)) / beta
        return np.where(x * beta > self.number("threshold"), x, soft)

    def backward(self, gy: Array) -> Value:
        scaled = self.output * self.number("beta")
        with np.errstate(over="ignore", invalid="ignore"):
            z = np.exp(scaled)
            return np.where(scaled > self.number("threshold"), gy, gy * (z - 1) / z)


@implements("nn.SoftSign")
class SoftSign(Op):
    def forward(self, x: Array) -> Value:
        return x / (np.abs(x) + 1)

    def backward(self, gy: Array) -> Value:
        return gy / (np.abs(self.input) + 1) ** 2


@implements("nn.CReLU")
class CReLU(Op):
    def forward(self, x: Array) -> Value:
        batched = x.ndim == self.integer("nInputDims") + 1
        y = x.reshape(x.shape[0] if batched else 1, -1)
        self._calls: list[Op] = []
        for child in self.modules_at():
            self._calls.append(self.call(child, y))
            y = self._calls[-1].output
        axis = 1 if batched else 0
        return y.reshape(*x.shape[:axis], 2 * x.shape[axis], *x.shape[axis + 1 :])

    def backward(self, gy: Array) -> Value:
        gy = gy.reshape(self._calls[-1].output.shape)
        for call in reversed(self._calls):
            gy = call.backward(gy)
        return gy.reshape(self.input.shape)


@implements("nn.GatedLinearUnit")
class GatedLinearUnit(Op):
    def forward(self, x: Array) -> Value:
        self._axis = x.ndim - 1 if self.get("dim") is None else from_one(self, "dim")
        value, gate = np.split(x, 2, self._axis)
        return logistic(gate) * value

    def backward(self, gy: Array) -> Value:
        value, gate = np.split(self.input, 2, self._axis)
        share = logistic(gate)
        return np.concatenate([share * gy, (1 - share) * share * gy * value], self._axis)
