"""Linear maps."""

from __future__ import annotations

import numpy as np

from t7convert.format.objects import Array
from t7convert.reference.op import Op, implements


@implements("nn.Linear")
class Linear(Op):
    def forward(self, x: Array) -> Array:
        y = x @ self.array("weight").T
        return y + self.array("bias") if self.has("bias") else y

    def backward(self, gy: Array) -> Array:
        x, rows = np.atleast_2d(self.input), np.atleast_2d(gy)
        self.accumulate("weight", rows.T @ x)
        if self.has("bias"):
            self.accumulate("bias", rows.sum(0))
        return gy @ self.array("weight")
