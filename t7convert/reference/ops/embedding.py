"""Tables of vectors and one-hot vectors."""

from __future__ import annotations

import numpy as np

from t7convert.format.objects import Array
from t7convert.reference.op import Op, Value, implements


@implements("nn.LookupTable")
class LookupTable(Op):
    def forward(self, x: Array) -> Value:
        self._rows = np.asarray(x).astype(np.int64) - 1
        weight = self.array("weight")
        if self._rows.size and not 0 <= self._rows.min() <= self._rows.max() < len(weight):
            raise self.error(f"an index is outside 1..{len(weight)}")
        if self.get("maxNorm", False) is not False:
            weight = self._shortened(weight)
        return weight[self._rows]

    def _shortened(self, weight: Array) -> Array:
        """LookupTable_renorm: the weight itself changes, for everyone who shares it."""
        weight = weight.copy()
        p = 2.0 if self.get("normType") is None else self.number("normType")
        limit = self.number("maxNorm")
        for row in np.unique(self._rows):
            norm = (np.abs(weight[row]) ** p).sum() ** (1 / p)
            if norm > limit:
                weight[row] *= limit / (norm + 1e-7)
        self.executor.provide(self.tensor("weight"), weight)
        return weight

    def backward(self, gy: Array) -> Value:
        gradient = np.zeros_like(self.array("weight"))
        rows = self._rows.reshape(-1)
        gy = gy.reshape(len(rows), *gradient.shape[1:])
        if self.flag("shouldScaleGradByFreq"):
            counts = np.bincount(rows, minlength=len(gradient))[rows].astype(gy.dtype)
            gy = gy / counts.reshape(-1, *(1,) * (gy.ndim - 1))
        used = rows != self.integer("paddingValue") - 1
        np.add.at(gradient, rows[used], gy[used])
        self.accumulate("weight", gradient)
        return np.zeros_like(self.input)


@implements("nn.OneHot")
class OneHot(Op):
    def forward(self, x: Value) -> Value:
        size = self.integer("outputSize")
        index = np.asarray(x).astype(np.int64) - 1
        if index.size and not 0 <= index.min() <= index.max() < size:
            raise self.error(f"an index is outside 1..{size}")
        return np.eye(size, dtype=self.executor.dtype)[index]

    def backward(self, gy: Array) -> Value:
        return np.zeros_like(self.input)
