"""imagine-nn (inn), from its Lua files."""

from __future__ import annotations

import numpy as np

from t7convert.format.objects import Array
from t7convert.reference.op import Op, implements
from t7convert.reference.ops import lrn, pooling
from t7convert.reference.ops.containers import Concat, Sequential


@implements("inn.ConstAffine")
class ConstAffine(Op):
    def line(self, name: str, x: Array) -> Array:
        if x.ndim not in (2, 4):
            raise self.error(f"its input has {x.ndim} dimensions, expected 2 or 4")
        return self.array(name).reshape(1, -1, *[1] * (x.ndim - 2))

    def forward(self, x: Array) -> Array:
        return np.asarray(x * self.line("a", x) + self.line("b", x))

    def backward(self, gy: Array) -> Array:
        return np.asarray(gy * self.line("a", gy))


@implements("inn.MeanSubtraction")
class MeanSubtraction(Op):
    def forward(self, x: Array) -> Array:
        mean = self.array("mean")
        if x.ndim == 4 and (mean.ndim != 4 or len(mean) != len(x)):
            if mean.ndim == 4 and len(mean) != 1:
                mean = mean[0]
            mean = mean.reshape(1, *x.shape[1:])
        elif mean.size != x.size:
            raise self.error(f"a mean of shape {mean.shape} for an input of shape {x.shape}")
        else:
            mean = mean.reshape(x.shape)
        return np.asarray(x - mean)

    def backward(self, gy: Array) -> Array:
        return gy


@implements("inn.SpatialSameResponseNormalization")
class SpatialSameResponseNormalization(Sequential):
    pass


@implements("inn.SpatialCrossResponseNormalization")
class SpatialCrossResponseNormalization(lrn.SpatialCrossMapLRN):
    pass


@implements("inn.SpatialPyramidPooling")
class SpatialPyramidPooling(Concat):
    def axis(self) -> int:
        rank = self.input.ndim
        if rank not in (3, 4):
            raise self.error(f"its input has {rank} dimensions, expected 3 or 4")
        return int(rank) - 3


@implements("inn.SpatialMaxPooling")
class SpatialMaxPooling(pooling.SpatialMaxPooling):
    pass


@implements("inn.SpatialAveragePooling")
class SpatialAveragePooling(pooling.SpatialAveragePooling):
    pass
