"""Softmax functions; what is normalised depends on the rank of the input."""

from __future__ import annotations

import numpy as np

from t7convert.format.objects import Array
from t7convert.reference.op import Op, Value, implements


class Normalising(Op):
    """Softmax of ``sign * x``, or its logarithm, over ``axes``."""

    sign = 1

    def log(self) -> bool:
        return False

    def axes(self, rank: int) -> tuple[int, ...]:
        if rank not in (1, 2, 3, 4):
            raise self.error(f"its input has {rank} dimensions, expected 1 to 4")
        return (0,) if rank in (1, 3) else (1,)

    def forward(self, x: Array) -> Value:
        x = self.sign * x
        self._axes = self.axes(x.ndim)
        high = x.max(self._axes, keepdims=True)
        z = np.exp(x - high)
        total = z.sum(self._axes, keepdims=True)
        return x - (high + np.log(total)) if self.log() else z / total

    def backward(self, gy: Array) -> Value:
        y = self.output
        if self.log():
            return self.sign * (gy - np.exp(y) * gy.sum(self._axes, keepdims=True))
        return self.sign * y * (gy - (gy * y).sum(self._axes, keepdims=True))


@implements("nn.SoftMax", "nn.SpatialSoftMax")
class SoftMax(Normalising):
    pass


@implements("nn.LogSoftMax", "nn.SpatialLogSoftMax")
class LogSoftMax(Normalising):
    def log(self) -> bool:
        return True


@implements("nn.SoftMin")
class SoftMin(Normalising):
    sign = -1


@implements("cudnn.SpatialSoftMax")
class CudnnSpatialSoftMax(Normalising):
    def log(self) -> bool:
        return bool(self.require("algorithm") == "CUDNN_SOFTMAX_LOG")

    def instance(self) -> bool:
        return bool(self.require("mode") == "CUDNN_SOFTMAX_MODE_INSTANCE")

    def axes(self, rank: int) -> tuple[int, ...]:
        (plane,) = super().axes(rank)
        return tuple(range(plane, rank)) if self.instance() else (plane,)


@implements("cudnn.SpatialLogSoftMax")
class CudnnSpatialLogSoftMax(CudnnSpatialSoftMax):
    def log(self) -> bool:
        return True


@implements("cudnn.SoftMax")
class CudnnSoftMax(CudnnSpatialSoftMax):
    def instance(self) -> bool:
        return True


@implements("cudnn.LogSoftMax")
class CudnnLogSoftMax(CudnnSpatialLogSoftMax):
    def instance(self) -> bool:
        return True


@implements("cudnn.VolumetricSoftMax", "cudnn.VolumetricLogSoftMax")
class CudnnVolumetricSoftMax(Op):
    def forward(self, x: Array) -> Value:
        if x.ndim not in (4, 5):
            raise self.error(f"its input has {x.ndim} dimensions, expected 4 or 5")
        self._inner = self.call(self.module_at("ssm"), self._folded(x))
        return self._inner.output.reshape(x.shape)

    def backward(self, gy: Array) -> Value:
        return self._inner.backward(self._folded(gy)).reshape(gy.shape)

    @staticmethod
    def _folded(x: Array) -> Array:
        return x.reshape(*x.shape[:-3], x.shape[-3] * x.shape[-2], x.shape[-1])
