"""Batch normalisation in evaluation mode (THNN generic/BatchNormalization.c)."""

from __future__ import annotations

import numpy as np

from t7convert.format.objects import Array
from t7convert.reference.op import Op, implements
from t7convert.reference.ops._unfold import batched, unbatched


class BatchNormalization(Op):
    """Normalise every feature by its running statistics; ``dims`` counts the batch dimension."""

    dims = 2

    def line(self, values: Array) -> Array:
        """Return one value per feature in the shape that multiplies the input."""
        return values.reshape(1, -1, *(1,) * (self.dims - 2))

    def scale(self) -> tuple[Array, Array]:
        """Return the mean and 1 / standard deviation per feature."""
        mean, eps = self.array("running_mean"), self.number("eps")
        if self.has("running_var"):
            variance = self.array("running_var")
        else:  # "V 1": BatchNormalization.lua, ``read``
            variance = self.array("running_std") ** -2 - mean.dtype.type(eps)
        return mean, 1 / np.sqrt(variance + mean.dtype.type(eps))

    def forward(self, x: Array) -> Array:
        mean, inverse = self.scale()
        y = (batched(x, self.dims) - self.line(mean)) * self.line(inverse)
        if self.has("weight"):
            y = y * self.line(self.array("weight"))
        if self.has("bias"):
            y = y + self.line(self.array("bias"))
        return y  # with a batch dimension: ``makeBatch`` adds it to the input for good

    def backward(self, gy: Array) -> Array:
        mean, inverse = self.scale()
        x, grads = batched(self.input, self.dims), batched(gy, self.dims)
        gx = grads * self.line(inverse)
        rest = (0, *range(2, self.dims))
        if self.has("weight"):
            self.accumulate("weight", ((x - self.line(mean)) * grads).sum(rest) * inverse)
            gx = gx * self.line(self.array("weight"))
        if self.has("bias"):
            self.accumulate("bias", grads.sum(rest))
        return unbatched(gx, self.input)


@implements("nn.BatchNormalization", "cudnn.BatchNormalization")
class FlatBatchNormalization(BatchNormalization):
    pass


@implements(
    "nn.SpatialBatchNormalization",
    "cudnn.SpatialBatchNormalization",
)
class SpatialBatchNormalization(BatchNormalization):
    dims = 4


@implements("nn.VolumetricBatchNormalization", "cudnn.VolumetricBatchNormalization")
class VolumetricBatchNormalization(BatchNormalization):
    dims = 5


class InverseStdNormalization(BatchNormalization):
    """fbcunn's: running_std multiplies as it is, "stddev is actually 1 / stddev"."""

    def scale(self) -> tuple[Array, Array]:
        return self.array("running_mean"), self.array("running_std")


@implements("fbnn.BatchNormalization")
class FbnnBatchNormalization(InverseStdNormalization):
    pass


@implements("fbnn.SpatialBatchNormalization")
class FbnnSpatialBatchNormalization(InverseStdNormalization):
    dims = 4
