"""Modules that slide over sequences: (T, F) or (N, T, F)."""

from __future__ import annotations

from math import ceil

import numpy as np

from t7convert.format.objects import Array
from t7convert.reference.op import Op, implements
from t7convert.reference.ops._pool import Pool, max_pool, scatter
from t7convert.reference.ops._unfold import (
    Windows,
    batched,
    convolve,
    convolve_back,
    convolve_weight,
    unbatched,
)


def _turn(x: Array) -> Array:
    """Swap time and features."""
    return np.swapaxes(x, -1, -2)


@implements("nn.TemporalConvolution")
class TemporalConvolution(Op):
    """A convolution along time; a row of the weight holds frame after frame."""

    def windows(self) -> Windows:
        """Return the windows along time."""
        return Windows.of((self.integer("kW"),), (self.integer("dW"),))

    def weight(self) -> Array:
        """Return the weight as (outputs, inputs, kernel)."""
        planes = self.integer("outputFrameSize"), self.integer("inputFrameSize")
        return _turn(self.array("weight").reshape(planes[0], -1, planes[1]))

    def forward(self, x: Array) -> Array:
        y = _turn(convolve(_turn(batched(x, 3)), self.weight(), self.windows()))
        if self.has("bias"):
            y = y + self.array("bias")
        return unbatched(y, x)

    def backward(self, gy: Array) -> Array:
        frames, grads = _turn(batched(self.input, 3)), _turn(batched(gy, 3))
        gradient = _turn(convolve_weight(frames, grads, self.windows()))
        self.accumulate("weight", gradient.reshape(self.shape("weight")))
        if self.has("bias"):
            self.accumulate("bias", grads.sum((0, 2)))
        gx = convolve_back(grads, self.weight(), frames.shape[2:], self.windows())
        return unbatched(_turn(gx), self.input)


@implements("cudnn.TemporalConvolution")
class CudnnTemporalConvolution(TemporalConvolution):
    """H is time here (cudnn.torch TemporalConvolution.lua); it may be padded."""

    def windows(self) -> Windows:
        kernel, stride, pad = self.integer("kH"), self.integer("dH"), self.integer("padH")
        return Windows.of((kernel,), (stride,), (pad,))


@implements("nn.TemporalRowConvolution")
class TemporalRowConvolution(Op):
    """A convolution along time of every feature by itself."""

    def windows(self) -> Windows:
        """Return the windows along time."""
        return Windows.of((self.integer("kW"),), (self.integer("dW"),))

    def rows(self, x: Array) -> Array:
        """Return (N, F, T) for the input's layout, or back."""
        return x if self.flag("featFirst") else _turn(x)

    def forward(self, x: Array) -> Array:
        rows = self.rows(batched(x, 3))
        weight = self.array("weight")
        y = convolve(rows, weight, self.windows(), len(weight))
        if self.has("bias"):
            y = y + self.array("bias")[:, np.newaxis]
        return unbatched(self.rows(y), x)

    def backward(self, gy: Array) -> Array:
        rows, grads = self.rows(batched(self.input, 3)), self.rows(batched(gy, 3))
        weight = self.array("weight")
        self.accumulate("weight", convolve_weight(rows, grads, self.windows(), len(weight)))
        if self.has("bias"):
            self.accumulate("bias", grads.sum((0, 2)))
        gx = convolve_back(grads, weight, rows.shape[2:], self.windows(), len(weight))
        return unbatched(self.rows(gx), self.input)


@implements("nn.TemporalSubSampling")
class TemporalSubSampling(Op):
    """The sum of kW frames, times a weight and plus a bias per feature."""

    def forward(self, x: Array) -> Array:
        width, step = self.integer("kW"), self.integer("dW")
        if x.shape[-1] != self.integer("inputFrameSize"):
            raise self.error(f"its input has {x.shape[-1]} features")
        view = np.lib.stride_tricks.sliding_window_view(x, width, axis=-2)
        self.sums = view[..., ::step, :, :].sum(-1)
        return np.asarray(self.sums * self.array("weight") + self.array("bias"))

    def backward(self, gy: Array) -> Array:
        rest = tuple(range(gy.ndim - 1))
        self.accumulate("weight", (gy * self.sums).sum(rest))
        self.accumulate("bias", gy.sum(rest))
        gx: Array = np.zeros_like(self.input)
        scaled = gy * self.array("weight")
        step = self.integer("dW")
        for offset in range(self.integer("kW")):
            stop = offset + (gy.shape[-2] - 1) * step + 1
            gx[..., offset:stop:step, :] += scaled
        return gx


@implements("nn.TemporalMaxPooling")
class TemporalMaxPooling(Op):
    """The maximum of kW frames, per feature."""

    def forward(self, x: Array) -> Array:
        pool = Pool((self.integer("kW"),), (self.integer("dW"),), (0,), (1,), ceil=False)
        best, self.where = max_pool(_turn(x), pool)
        return _turn(best)

    def backward(self, gy: Array) -> Array:
        return _turn(scatter(_turn(gy), self.where, (self.input.shape[-2],)))


@implements("nn.TemporalDynamicKMaxPooling")
class TemporalDynamicKMaxPooling(Op):
    """The k greatest values of every feature, in their order in time."""

    def forward(self, x: Array) -> Array:
        k = max(self.integer("minK"), ceil(self.number("factor") * x.shape[-2]))
        order = np.argsort(-x, axis=-2, kind="stable")[..., :k, :]
        self.kept = np.sort(order, axis=-2)
        return np.take_along_axis(x, self.kept, axis=-2)

    def backward(self, gy: Array) -> Array:
        gx: Array = np.zeros_like(self.input)
        np.put_along_axis(gx, self.kept, gy, axis=-2)
        return gx
