"""Unpoolings: values back to where a pooling found its maxima."""

from __future__ import annotations

import numpy as np

from t7convert.format.objects import Array
from t7convert.reference.op import Op, implements
from t7convert.reference.ops._pool import scatter


@implements("nn.SpatialMaxUnpooling", "nn.VolumetricMaxUnpooling")
class MaxUnpooling(Op):
    def forward(self, x: Array) -> Array:
        state = self.executor.state(self.module_at("pooling"))
        if "where" not in state:
            raise self.error("its pooling has not run")
        self.where: Array = state["where"]
        return scatter(x, self.where, state["size"])

    def backward(self, gy: Array) -> Array:
        shape = self.where.shape
        dims = len(self.executor.state(self.module_at("pooling"))["size"])
        flat = gy.reshape(*gy.shape[:-dims], -1)
        lead = shape[: len(shape) - dims]
        return np.take_along_axis(flat, self.where.reshape(*lead, -1), -1).reshape(shape)
