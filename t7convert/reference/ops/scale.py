"""Learned offsets and factors."""

from __future__ import annotations

from t7convert.format.objects import Array
from t7convert.reference.op import Op, Value, implements


class Broadcast(Op):
    """A parameter spread over the input as CMul.lua and CAdd.lua do."""

    def spread(self, name: str, x: Array) -> Array:
        """Return the parameter in a shape that broadcasts over ``x``, and remember which."""
        parameter = self.array(name)
        if parameter.size == x.size:
            self._seen: tuple[int, ...] = x.shape
        elif parameter.ndim == x.ndim:
            self._seen = parameter.shape
            if any(p not in (1, n) for p, n in zip(parameter.shape, x.shape, strict=True)):
                raise self.error(f"{parameter.shape} can't be spread over {x.shape}")
        elif parameter.size == 1:
            self._seen = (1,) * x.ndim
        else:
            self._seen = (1, *x.shape[1:])
        return parameter.reshape(self._seen)

    def collect(self, name: str, gradient: Array) -> None:
        """Accumulate a gradient of the input's shape, summed over what was broadcast."""
        spread = tuple(
            axis
            for axis, (seen, size) in enumerate(zip(self._seen, gradient.shape, strict=True))
            if seen != size
        )
        total = gradient.sum(spread) if spread else gradient
        self.accumulate(name, total.reshape(self.shape(name)))


@implements("nn.CMul")
class CMul(Broadcast):
    def forward(self, x: Array) -> Value:
        self._weight = self.spread("weight", x)
        return x * self._weight

    def backward(self, gy: Array) -> Value:
        self.collect("weight", self.input * gy)
        return self._weight * gy


@implements("nn.CAdd")
class CAdd(Broadcast):
    def forward(self, x: Array) -> Value:
        return x + self.spread("bias", x)

    def backward(self, gy: Array) -> Value:
        self.collect("bias", gy)
        return gy


@implements("nn.Mul")
class Mul(Op):
    def forward(self, x: Array) -> Value:
        return x * self.array("weight")[0]

    def backward(self, gy: Array) -> Value:
        self.accumulate("weight", (self.input * gy).sum().reshape(1))
        return gy * self.array("weight")[0]


@implements("nn.Add")
class Add(Op):
    def forward(self, x: Array) -> Value:
        bias = self.array("bias")
        if self.flag("scalar"):
            return x + bias[0]
        if x.shape == bias.shape:
            return x + bias
        return (x.reshape(len(x), -1) + bias.reshape(-1)).reshape(x.shape)

    def backward(self, gy: Array) -> Value:
        bias = self.array("bias")
        if self.flag("scalar") or len(bias) == 1:
            total = gy.sum()
        else:
            total = gy if gy.shape == bias.shape else gy.reshape(len(gy), -1).sum(0)
        self.accumulate("bias", total.reshape(bias.shape))
        return gy
