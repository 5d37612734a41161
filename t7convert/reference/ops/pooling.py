"""Spatial poolings with windows of a fixed size."""

from __future__ import annotations

from dataclasses import replace

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


class MaxPooling(Op):
    """The maximum of every window; unpooling reads ``where`` and ``size`` of the last call."""

    def pool(self) -> Pool:
        """Return the windows."""
        return Pool(self.hw("k"), self.hw("d"), self.hw("pad"), (1, 1), self.flag("ceil_mode"))

    def forward(self, x: Array) -> Array:
        pool = self.pool()
        self.size = x.shape[-len(pool.kernel) :]
        best, self.where = max_pool(x, pool)
        if not pool.clip and (self.where < 0).any():
            raise self.error("a window lies in the padding altogether; cuDNN doesn't say what then")
        self.state["where"], self.state["size"] = self.where, self.size
        return best

    def backward(self, gy: Array) -> Array:
        return scatter(gy, self.where, self.size)


@implements("nn.SpatialMaxPooling")
class SpatialMaxPooling(MaxPooling):
    pass


@implements("nn.SpatialDilatedMaxPooling")
class SpatialDilatedMaxPooling(MaxPooling):
    def pool(self) -> Pool:
        ceil, dilation = self.flag("ceil_mode"), self.hw("dilation")
        return Pool(self.hw("k"), self.hw("d"), self.hw("pad"), dilation, ceil)


@implements("cudnn.SpatialMaxPooling")
class CudnnSpatialMaxPooling(MaxPooling):
    def pool(self) -> Pool:
        ceil = self.flag("ceil_mode")
        return Pool(self.hw("k"), self.hw("d"), self.hw("pad"), (1, 1), ceil, clip=False)


class AveragePooling(Op):
    """The mean of every window."""

    def pool(self) -> Pool:
        """Return the windows."""
        return Pool(self.hw("k"), self.hw("d"), self.hw("pad"), (1, 1), self.flag("ceil_mode"))

    def divisors(self, size: tuple[int, ...]) -> Array:
        """Return what each window's sum is divided by."""
        return average_divisors(size, self.pool(), self.flag("count_include_pad"))

    def factor(self) -> int:
        """Return what the mean is multiplied by."""
        kh, kw = self.pool().kernel
        return 1 if self.flag("divide") else kh * kw

    def forward(self, x: Array) -> Array:
        pool = self.pool()
        self.size = x.shape[-len(pool.kernel) :]
        y = average_pool(x, pool, self.divisors(self.size))
        return np.asarray(y * x.dtype.type(self.factor()))

    def backward(self, gy: Array) -> Array:
        gx = average_back(gy, self.size, self.pool(), self.divisors(self.size))
        return np.asarray(gx * gy.dtype.type(self.factor()))


@implements("nn.SpatialAveragePooling")
class SpatialAveragePooling(AveragePooling):
    pass


@implements("cudnn.SpatialAveragePooling")
class CudnnSpatialAveragePooling(AveragePooling):
    """Padding always counts, also beyond its end (CUDNN_POOLING_AVERAGE_COUNT_INCLUDE_PADDING).

    Fields of nn that cuDNN's updateOutput would have refused or set: nn wrote the file.
    """

    @property
    def is_nn(self) -> bool:
        """Whether cuDNN can't have run this module."""
        return not (self.flag("divide") and self.flag("count_include_pad"))

    def pool(self) -> Pool:
        return replace(super().pool(), clip=self.is_nn)

    def divisors(self, size: tuple[int, ...]) -> Array:
        if self.is_nn:
            return super().divisors(size)
        return average_divisors(size, self.pool(), True, whole=True)
