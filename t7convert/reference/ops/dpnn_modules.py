"""dpnn's modules, from their Lua files."""

from __future__ import annotations

import math

import numpy as np

from t7convert.format.objects import Array
from t7convert.reference.op import Op, Value, implements
from t7convert.reference.ops._unfold import batched, convolve, convolve_back, convolve_weight
from t7convert.reference.ops.convolution import Convolution
from t7convert.reference.ops.decorators import Decorator

implements("nn.FireModule", "nn.Serial")(Decorator)


@implements("nn.Inception")
class Inception(Decorator):
    def forward(self, x: Array) -> Value:
        if x.ndim != 3:
            return super().forward(x)
        y = super().forward(x[None])
        if y.shape[2] != 1:  # fromBatch(output, 3) asks for it
            raise self.error(f"one image gives the shape {y.shape}; Lua takes batches")
        return y[:, :, 0]

    def backward(self, gy: Array) -> Value:
        gradient = super().backward(gy.reshape(self.inner.output.shape))
        return np.reshape(gradient, self.input.shape)


@implements("nn.Clip")
class Clip(Op):
    def forward(self, x: Array) -> Value:
        below = np.where(x > self.number("maxval"), x.dtype.type(self.number("maxval")), x)
        return np.where(below < self.number("minval"), x.dtype.type(self.number("minval")), below)

    def backward(self, gy: Array) -> Value:
        return gy


@implements("nn.ArgMax")
class ArgMax(Op):
    def forward(self, x: Array) -> Value:
        behind_batch = x.ndim > self.integer("nInputDim")
        axis = self.integer("dim") - (0 if behind_batch else 1)
        index = np.atleast_1d(x.argmax(axis) + 1)
        return index if self.flag("asLong") else index.astype(x.dtype)

    def backward(self, gy: Value) -> Value:
        return np.zeros_like(self.input)


@implements("nn.SpatialFeatNormalization")
class SpatialFeatNormalization(Op):
    def forward(self, x: Array) -> Value:
        if x.ndim not in (3, 4) or x.shape[-3] != self.shape("mean")[0]:
            raise self.error(f"an input of shape {x.shape} doesn't fit")
        return (x - self.array("mean")[:, None, None]) / self.array("std")[:, None, None]

    def backward(self, gy: Array) -> Value:
        return gy / self.array("std")[:, None, None]


@implements("nn.ReverseTable")
class ReverseTable(Op):
    def forward(self, x: list[Value]) -> Value:
        return x[::-1]

    def backward(self, gy: list[Value]) -> Value:
        return gy[::-1]


@implements("nn.CategoricalEntropy")
class CategoricalEntropy(Op):
    def forward(self, x: Array) -> Value:
        if x.ndim != 2:
            raise self.error(f"an input of {x.ndim} dimensions, expected a batch of vectors")
        return x

    def backward(self, gy: Array) -> Value:
        x = self.input
        p = x.sum(0) / x.sum()
        logs = np.log(p + 1e-6)
        if self.get("minEntropy") is not None and not -(p * logs).sum() < self.number("minEntropy"):
            return gy  # also where it is not a number
        slope = self.number("scale") * (logs + p / (p + 1e-6)) / x.sum()
        return gy + (slope / len(x) if self.flag("sizeAverage") else slope)


@implements("nn.SpatialBinaryConvolution")
class SpatialBinaryConvolution(Convolution):
    """In evaluation: backward goes through the weight itself, which forward put back."""

    def forward(self, x: Array) -> Value:
        weight = self.weight()
        signs = np.where(weight >= 0, 1, -1).astype(weight.dtype)
        y = convolve(batched(x, 4), signs, self.windows())
        y = y * np.abs(weight).mean((1, 2, 3))[:, None, None]
        return y.reshape(y.shape[-x.ndim :])

    def backward(self, gy: Array) -> Value:
        images, grads, windows = batched(self.input, 4), batched(gy, 4), self.windows()
        weight = self.weight()
        gradient = convolve_weight(images, grads, windows)
        self.accumulate("weight", gradient.reshape(self.shape("weight")))
        gx = convolve_back(grads, weight, images.shape[2:], windows)
        gx = gx * np.abs(weight).mean((0, 2, 3))[:, None, None]
        return gx.reshape(self.input.shape)


@implements(
    "nn.TotalDropout", "nn.SpatialRegionDropout", "nn.SimpleColorTransform", "nn.PCAColorTransform"
)
class Untouched(Op):
    """Noise of training; evaluation is the identity. Lua's backward refuses evaluation."""

    def forward(self, x: Array) -> Value:
        return x.copy()

    def backward(self, gy: Array) -> Value:
        return gy


@implements("nn.SpatialUniformCrop")
class SpatialUniformCrop(Op):
    """The window in the middle. Lua's backward knows the windows of training only."""

    def forward(self, x: Array) -> Value:
        starts = [
            math.ceil((have - self.integer(name)) / 2)  # counted from 1
            for have, name in zip(x.shape[-2:], ("oheight", "owidth"), strict=True)
        ]
        if min(starts) < 1:
            raise self.error(f"an input of {x.shape[-2:]} is not larger than the window")
        self.top, self.left = starts[0] - 1, starts[1] - 1
        return self._window(x).copy()

    def backward(self, gy: Array) -> Value:
        gradient = np.zeros_like(self.input)
        self._window(gradient)[...] = gy
        return gradient

    def _window(self, x: Array) -> Array:
        bottom, right = self.top + self.integer("oheight"), self.left + self.integer("owidth")
        return x[..., self.top : bottom, self.left : right]
