"""The CUDA modules of 2012 to 2015; images of cuda-convnet's are (planes, rows, columns, batch)."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np

from t7convert.format.objects import Array
from t7convert.reference.op import Op, implements
from t7convert.reference.ops._pool import (
    Pool,
    average_back,
    average_divisors,
    average_pool,
    max_pool,
    scatter,
)
from t7convert.reference.ops._unfold import Windows, convolve, convolve_back, convolve_weight
from t7convert.reference.ops.convolution import Convolution
from t7convert.reference.ops.temporal import TemporalConvolution


def _batch_first(x: Array) -> Array:
    return np.moveaxis(x, -1, 0)


def _batch_last(x: Array) -> Array:
    return np.moveaxis(x, 0, -1)


class PlanesFirstConvolution(Op, ABC):
    """A convolution of (C, H, W, N); its weight is (inputs / groups, kH, kW, outputs)."""

    @abstractmethod
    def geometry(self, height: int, width: int) -> tuple[list[tuple[int, int]], Windows]:
        """Return the zeros around the rows and the columns, and the windows in what results."""

    def groups(self) -> int:
        """Return the number of groups of planes."""
        return 1

    def weight(self, windows: Windows) -> Array:
        """Return the weight as (outputs, inputs / groups, kH, kW)."""
        outputs = self.integer("nOutputPlane")
        return _batch_first(self.array("weight").reshape(-1, *windows.kernel, outputs))

    def forward(self, x: Array) -> Array:
        images = _batch_first(x)
        self.zeros, self.windows = self.geometry(*x.shape[1:3])
        self.padded = np.pad(images, [(0, 0), (0, 0), *self.zeros])
        y = convolve(self.padded, self.weight(self.windows), self.windows, self.groups())
        if self.has("bias"):
            y += self.array("bias")[:, None, None]
        return _batch_last(y)

    def backward(self, gy: Array) -> Array:
        grads, groups = _batch_first(gy), self.groups()
        gradient = _batch_last(convolve_weight(self.padded, grads, self.windows, groups))
        self.accumulate("weight", gradient.reshape(self.shape("weight")))
        if self.has("bias"):
            self.accumulate("bias", grads.sum((0, 2, 3)))
        weight, size = self.weight(self.windows), self.padded.shape[2:]
        gx = convolve_back(grads, weight, size, self.windows, groups)
        (top, _), (left, _) = self.zeros
        h, w = self.input.shape[1:3]
        return _batch_last(gx[:, :, top : top + h, left : left + w])


@implements("nn.SpatialConvolutionCUDA")
class SpatialConvolutionCUDA(PlanesFirstConvolution):
    """``padding`` is for both sides together (SpatialConvolutionCUDA.cu)."""

    def geometry(self, height: int, width: int) -> tuple[list[tuple[int, int]], Windows]:
        total = self.integer("padding")
        side = (total // 2, total - total // 2)
        return [side, side], Windows.of(self.hw("k"), self.hw("d"))


@implements("ccn2.SpatialConvolution")
class Ccn2SpatialConvolution(PlanesFirstConvolution):
    """As many windows as it takes to reach the padding's end; zeros beyond it."""

    def groups(self) -> int:
        return self.integer("groups")

    def geometry(self, height: int, width: int) -> tuple[list[tuple[int, int]], Windows]:
        k, d, p = self.integer("kH"), self.integer("dH"), self.integer("padding")
        sides = []
        for n in (height, width):
            windows = -(-(2 * p + n - k) // d) + 1
            sides.append((p, (windows - 1) * d + k - n - p))
        return sides, Windows.of((k, k), (d, d))


class PlanesFirstPooling(Op):
    """A pooling of (C, H, W, N)."""

    def pool(self) -> Pool:
        """Return the windows."""
        k, d = self.integer("kW"), self.integer("dW")
        if d > k:
            raise self.error(f"its stride {d} exceeds its window {k}")
        return Pool((k, k), (d, d), (0, 0), (1, 1), ceil=True)

    def forward(self, x: Array) -> Array:
        best, self.where = max_pool(_batch_first(x), self.pool())
        return _batch_last(best)

    def backward(self, gy: Array) -> Array:
        return _batch_last(scatter(_batch_first(gy), self.where, self.input.shape[1:3]))


@implements("ccn2.SpatialMaxPooling")
class Ccn2SpatialMaxPooling(PlanesFirstPooling):
    pass


@implements("nn.SpatialMaxPoolingCUDA")
class SpatialMaxPoolingCUDA(PlanesFirstPooling):
    def pool(self) -> Pool:
        return Pool(self.hw("k"), self.hw("d"), (0, 0), (1, 1), ceil=False)


@implements("ccn2.SpatialAvgPooling")
class Ccn2SpatialAvgPooling(PlanesFirstPooling):
    def forward(self, x: Array) -> Array:
        self.divisors = average_divisors(x.shape[1:3], self.pool(), False)
        return _batch_last(average_pool(_batch_first(x), self.pool(), self.divisors))

    def backward(self, gy: Array) -> Array:
        size = self.input.shape[1:3]
        return _batch_last(average_back(_batch_first(gy), size, self.pool(), self.divisors))


@implements("ccn2.SpatialCrossMaxPooling")
class Ccn2SpatialCrossMaxPooling(Op):
    def forward(self, x: Array) -> Array:
        k, d = self.integer("kD"), self.integer("dD")
        if d > k:
            raise self.error(f"its stride {d} exceeds its window {k}")
        pool = Pool((k,), (d,), (0,), (1,), ceil=True)
        best, self.where = max_pool(np.moveaxis(x, 0, -1), pool)
        return np.moveaxis(best, -1, 0)

    def backward(self, gy: Array) -> Array:
        gx = scatter(np.moveaxis(gy, 0, -1), self.where, (self.input.shape[0],))
        return np.moveaxis(gx, -1, 0)


class ResponseNormalization(Op):
    """x * (minDiv + addScale * sum of x ** 2 over the neighbours) ** -powScale."""

    axes: tuple[int, ...] = ()

    def sums(self, x: Array, *, mirrored: bool = False) -> Array:
        """Sum over size // 2 neighbours before to (size - 1) // 2 after, along ``axes``."""
        size = self.integer("size")
        before, after = size // 2, (size - 1) // 2
        if mirrored:
            before, after = after, before
        for axis in self.axes:
            widths = [(0, 0)] * x.ndim
            widths[axis] = (before, after)
            windows = np.lib.stride_tricks.sliding_window_view(np.pad(x, widths), size, axis)
            x = windows.sum(-1)
        return x

    def forward(self, x: Array) -> Array:
        alpha = x.dtype.type(self.number("addScale"))
        self.scale = x.dtype.type(self.number("minDiv")) + alpha * self.sums(x * x)
        self.power = self.scale ** x.dtype.type(-self.number("powScale"))
        return np.asarray(x * self.power)

    def backward(self, gy: Array) -> Array:
        factor = gy.dtype.type(2 * self.number("addScale") * self.number("powScale"))
        seen = self.sums(gy * self.input * self.power / self.scale, mirrored=True)
        return np.asarray(gy * self.power - factor * self.input * seen)


@implements("ccn2.SpatialCrossResponseNormalization")
class Ccn2SpatialCrossResponseNormalization(ResponseNormalization):
    axes = (0,)

    def forward(self, x: Array) -> Array:
        if self.flag("blocked"):
            raise self.error("blocked windows are not supported")
        return super().forward(x)


@implements("ccn2.SpatialResponseNormalization")
class Ccn2SpatialResponseNormalization(ResponseNormalization):
    axes = (1, 2)


class FacebookConvolution(Convolution):
    """A convolution of nn's layout, whatever algorithm fbcunn took."""

    def windows(self) -> Windows:
        pad = self.integer("padUp"), self.integer("padLeft")
        return Windows.of(self.hw("k"), self.hw("d"), pad)

    def weight(self) -> Array:
        return self.array("weight")


@implements(
    "nn.SpatialConvolutionFFT",
    "nn.SpatialConvolutionCuFFT",
    "nn.SpatialConvolutionFBFFT",
    "nn.SpatialConvolutionFBFFTGemm",
    "nn.SpatialConvolutionFFTTiled",
    "nn.SpatialConvolutionFFTTiledAsync",
    "nn.SpatialConvolutionFFTTiledIterated",
    "nn.SpatialConvolutionFFTTiledSync",
    "fbnn.SpatialConvolution",
)
class SpatialConvolutionFFT(FacebookConvolution):
    pass


@implements("nn.TemporalConvolutionFB")
class TemporalConvolutionFB(TemporalConvolution):
    """Its weight is (outputs, kernel, inputs): nn's matrix with its rows folded."""
