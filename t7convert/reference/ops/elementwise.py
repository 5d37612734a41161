"""Element-wise functions."""

from __future__ import annotations

import numpy as np

from t7convert.format.objects import Array
from t7convert.reference.op import Op, implements


@implements("nn.ReLU", "cudnn.ReLU")
class ReLU(Op):
    def forward(self, x: Array) -> Array:
        return np.where(x > 0, x, x.dtype.type(0))

    def backward(self, gy: Array) -> Array:
        return np.where(self.input > 0, gy, gy.dtype.type(0))
