"""Linear maps whose input names the features that are not zero."""

from __future__ import annotations

import numpy as np

from t7convert.format.objects import Array
from t7convert.reference.op import Op, Value, implements


@implements("nn.SparseLinear")
class SparseLinear(Op):
    def forward(self, x: Value) -> Value:
        self._single = isinstance(x, np.ndarray) and x.ndim == 2
        self._samples = [x] if self._single else list(x)
        if any(pairs.ndim != 2 or pairs.shape[1] != 2 for pairs in self._samples):
            raise self.error("its input is not made of pairs of index and value")
        weight, bias = self.array("weight"), self.array("bias")
        y = np.stack([bias for _ in self._samples])
        for number, pairs in enumerate(self._samples):
            for index, value in pairs:
                if value != 0:
                    y[number] += value * weight[:, self._column(index)]
        return y[0] if self._single else y

    def _column(self, index: float) -> int:
        columns = self.shape("weight")[1]
        if not 1 <= int(index) <= columns:
            raise self.error(f"the index {int(index)} is outside 1..{columns}")
        return int(index) - 1

    def backward(self, gy: Array) -> Value:
        """``updateGradInput`` gives dense gradients as pairs, or an empty table."""
        weight = self.array("weight")
        rows = np.atleast_2d(gy)
        gradient = self.number("weightDecay") * weight
        for row, pairs in zip(rows, self._samples, strict=True):
            for index, value in pairs:
                if value != 0:
                    gradient[:, self._column(index)] += value * row
        self.accumulate("weight", gradient)
        self.accumulate("bias", rows.sum(0))
        if not self.flag("doGradInput"):
            return []
        every = np.arange(1, weight.shape[1] + 1, dtype=weight.dtype)
        return [np.stack([every, row @ weight], 1) for row in rows]


@implements("nn.IndexLinear")
class IndexLinear(Op):
    def forward(self, x: Value) -> Value:
        self._single = len(x) == 2 and isinstance(x[0], np.ndarray)
        keys, values, sizes = self._flat(x)
        self._keys = keys.astype(np.int64) + self.integer("offset")
        if self._keys.size and self._keys.min() < 0:
            raise self.error(f"the key {keys.min()} is too small")
        self._values = self._normalised(values) if self.integer("normalize") else values
        self._sample = np.repeat(np.arange(len(sizes)), sizes)
        rows = self.array("weight")[self._keys, self.integer("normalize") :]
        y = np.tile(self.array("bias"), (len(sizes), 1))
        np.add.at(y, self._sample, rows * self._values[:, None])
        return y[0] if self._single else y

    def _flat(self, x: Value) -> tuple[Array, Array, Array]:
        if len(x) == 3:
            return x[0], x[1], np.asarray(x[2]).astype(np.int64).reshape(-1)
        keys, values = ([x[0]], [x[1]]) if self._single else x
        return np.concatenate(keys), np.concatenate(values), np.array([len(k) for k in keys])

    def _normalised(self, values: Array) -> Array:
        greatest, inverse, _, bias = self.array("weight")[self._keys, :4].T
        inside = np.where(np.abs(values) > greatest, np.sign(values), values * inverse)
        normalised: Array = inside + bias
        return normalised

    def backward(self, gy: Array) -> Value:
        """The weight's gradient, per key in Lua, is given for the whole weight."""
        weight, rows = self.array("weight"), np.atleast_2d(gy)
        normalize = self.integer("normalize")
        if normalize and self.flag("doGradInput"):
            raise self.error("updateGradInput is not implemented in max-normalize mode")
        gradient = np.zeros_like(weight)
        each = rows[self._sample]
        np.add.at(gradient[:, normalize:], self._keys, each * self._values[:, None])
        if normalize:
            np.add.at(gradient[:, 3], self._keys, (each * weight[self._keys, 4:]).sum(1))
        self.accumulate("weight", gradient)
        self.accumulate("bias", rows.sum(0))
        if not self.flag("doGradInput"):
            return []
        every = np.arange(1, len(weight) + 1)
        dense = rows @ weight.T
        if len(self.input) == 3:
            return [np.tile(every, (len(rows), 1)), dense]
        if self._single:
            return [every, dense[0]]
        return [[every for _ in rows], list(dense)]
