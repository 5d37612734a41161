"""nnx's small modules, from their Lua and C files."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from t7convert.format.objects import Array
from t7convert.reference.op import Op, Value, implements
from t7convert.reference.ops.linear import Linear

_F = np.float32


@implements("nn.SpatialLinear")
class SpatialLinear(Op):
    def forward(self, x: Array) -> Array:
        if x.ndim != 3:
            raise self.error(f"its input has {x.ndim} dimensions, expected 3")
        y = np.tensordot(self.array("weight"), x, 1)
        return np.asarray(y + self.array("bias").reshape(-1, 1, 1))

    def backward(self, gy: Array) -> Array:
        pixels = gy.reshape(len(gy), -1)
        weight = self.array("weight")
        gradient = pixels @ self.input.reshape(len(self.input), -1).T
        if int(self.number("weightDecay")):
            gradient = gradient + weight * pixels.shape[1]
        self.accumulate("weight", gradient)
        self.accumulate("bias", pixels.sum(1))
        return np.tensordot(weight.T, gy, 1)


@implements("nn.SaturatedLU")
class SaturatedLU(Op):
    def forward(self, x: Array) -> Array:
        y: Array = x.copy()
        y[y < self.number("threshold")] = self.number("val")
        y[y > self.number("threshold2")] = self.number("val2")
        return y

    def backward(self, gy: Array) -> Array:
        gx: Array = gy.copy()
        gx[self.input < self.number("threshold")] = 0
        gx[self.input > self.number("threshold2")] = 0
        return gx


@implements("nn.Minus")
class Minus(Op):
    def forward(self, x: Array) -> Array:
        return -x

    def backward(self, gy: Array) -> Array:
        return -gy


@implements("nn.MultiSoftMax")
class MultiSoftMax(Op):
    def forward(self, x: Array) -> Array:
        if x.ndim not in (2, 3):
            raise self.error(f"its input has {x.ndim} dimensions, expected 2 or 3")
        powers = np.exp(x - x.max(-1, keepdims=True))
        return np.asarray(powers / powers.sum(-1, keepdims=True))

    def backward(self, gy: Array) -> Array:
        y = self.output
        return np.asarray(y * (gy - (gy * y).sum(-1, keepdims=True)))


@implements("nn.Balance")
class Balance(Op):
    """In evaluation a copy; Lua's backward divides by what training left behind."""

    def forward(self, x: Array) -> Array:
        if x.ndim != 2:
            raise self.error(f"its input has {x.ndim} dimensions, expected 2")
        return np.array(x)

    def backward(self, gy: Array) -> Array:
        return np.array(gy)


@implements("nn.PushTable")
class PushTable(Op):
    def forward(self, x: list[Value]) -> Value:
        index = self.integer("_index") - 1
        self.state["pushed"], self.state["gradient"] = x[index], None
        return x[:index] + x[index + 1 :]

    def backward(self, gy: list[Value]) -> Value:
        index = self.integer("_index") - 1
        pulled = self.state["gradient"]
        if pulled is None:
            pulled = np.zeros_like(self.input[index])
        return [*gy[:index], pulled, *gy[index:]]


@implements("nn.PullTable")
class PullTable(Op):
    def forward(self, x: Value) -> Value:
        index, push = self.integer("_index") - 1, self.executor.state(self.module_at("_push"))
        entries = list(x) if isinstance(x, list) else [x]
        if "pushed" not in push or index > len(entries):
            raise self.error("there is nothing to put into its table")
        return [*entries[:index], push["pushed"], *entries[index:]]

    def backward(self, gy: list[Value]) -> Value:
        index, push = self.integer("_index") - 1, self.executor.state(self.module_at("_push"))
        before = push["gradient"]
        push["gradient"] = gy[index] if before is None else before + gy[index]
        rest = gy[:index] + gy[index + 1 :]
        return rest if isinstance(self.input, list) else rest[0]


@implements("nn.SpatialColorTransform")
class SpatialColorTransform(Op):
    def forward(self, x: Array) -> Array:
        if not self.flag("islinear"):
            raise self.error("it can't run with the image package of today's Torch7")
        planes = np.tensordot(self.array("matrix"), x, 1)
        return np.asarray(planes + self.array("offset").reshape(-1, 1, 1))

    def backward(self, gy: Array) -> Array:
        return np.tensordot(self.array("matrix").T, gy, 1)


@implements("nn.SpatialMaxSampling")
class SpatialMaxSampling(Op):
    """Windows from (long)(i * step) to (long)((i + 1) * step), C float, of one pixel at least."""

    def forward(self, x: Array) -> Array:
        if x.ndim != 3:
            raise self.error(f"its input has {x.ndim} dimensions, expected 3")
        size = self.integer("oheight"), self.integer("owidth")
        spans = []
        for old, new in zip(x.shape[1:], size, strict=True):
            step = _F(old) / _F(new)
            starts = [int(_F(i) * step) for i in range(new + 1)]
            spans.append([(a, max(a + 1, b)) for a, b in pairwise(starts)])
        y = np.empty((len(x), *size), x.dtype)
        self.where = np.empty(y.shape, np.int64)
        for i, (top, bottom) in enumerate(spans[0]):
            for j, (left, right) in enumerate(spans[1]):
                part = x[:, top:bottom, left:right].reshape(len(x), -1)
                best = part.argmax(1)
                row, column = np.divmod(best, right - left)
                y[:, i, j] = part[np.arange(len(x)), best]
                self.where[:, i, j] = (top + row) * x.shape[2] + left + column
        return y

    def backward(self, gy: Array) -> Array:
        gx: Array = np.zeros_like(self.input)
        planes = np.arange(len(gy)).reshape(-1, 1, 1)
        np.add.at(gx.reshape(len(gx), -1), (planes, self.where), gy)
        return gx


@implements("nn.PixelSort")
class PixelSort(Op):
    """Pixel (i, j) of every block goes to map i * r + j of its channel."""

    def forward(self, x: Array) -> Array:
        r = self.integer("downscaleFactor")
        parts = [x[..., i::r, j::r] for i in range(r) for j in range(r)]
        stacked = np.stack(parts, -3)
        return stacked.reshape(*x.shape[:-3], x.shape[-3] * r * r, *stacked.shape[-2:])

    def backward(self, gy: Array) -> Array:
        r, x = self.integer("downscaleFactor"), self.input
        parts = gy.reshape(*x.shape[:-2], r * r, *gy.shape[-2:])
        gx = np.empty_like(x, gy.dtype)
        for number in range(r * r):
            gx[..., number // r :: r, number % r :: r] = parts[..., number, :, :]
        return gx


@implements("nnx.QDRiemaNNLinear")
class QDRiemaNNLinear(Linear):
    """What reaches weight and bias is divided by a metric, which this backward updates first."""

    def backward(self, gy: Array) -> Array:
        x, quasi, gamma = self.input, self.flag("qdFlag"), self.number("gamma")
        squares = (gy * gy).T
        metric = {"Mii": squares @ (x * x), "M00": squares.sum(1)}
        if quasi:
            metric["M0i"] = squares @ x
        if self.state or not self.flag("initMetric"):
            metric = {
                name: (1 - gamma) * self.state.get(name, self.array(name)) + gamma * term
                for name, term in metric.items()
            }
        weight, bias, least = gy.T @ x, gy.sum(0), self.number("matReg")
        if quasi:
            corner, side = metric["M00"][:, np.newaxis], metric["M0i"]
            below = np.clip(metric["Mii"] * corner - side**2, least, 1e25)
            weight = (weight * corner - side * bias[:, np.newaxis]) / below
            bias = (bias - (side * weight).sum(1)) / (metric["M00"] + least)
        else:
            metric = {name: value + least for name, value in metric.items()}
            weight, bias = weight / metric["Mii"], bias / metric["M00"]
        self.state.update(metric)
        self.accumulate("weight", weight.astype(gy.dtype))
        self.accumulate("bias", bias.astype(gy.dtype))
        return np.asarray(gy @ self.array("weight"))
