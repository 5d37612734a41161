"""fbnn's linear maps and look-ups, from their Lua and C files."""

from __future__ import annotations

import numpy as np

from t7convert.format.objects import Array
from t7convert.reference.op import Op, Value, implements


class Affine(Op):
    """``x W' + b`` over the last dimension, with Lua's gradients."""

    def forward(self, x: Array) -> Value:
        y = x @ self.array("weight").T
        return y + self.array("bias") if self.has("bias") else y

    def learn(self, x: Array, gy: Array) -> None:
        """Accumulate the gradients of the parameters."""
        rows = gy.reshape(-1, gy.shape[-1])
        self.accumulate("weight", rows.T @ x.reshape(-1, x.shape[-1]))
        if self.has("bias"):
            self.accumulate("bias", rows.sum(0))


@implements("nn.LinearNB")
class LinearNB(Affine):
    def backward(self, gy: Array) -> Value:
        self.learn(self.input, gy)
        return gy @ self.array("weight")


@implements("nn.LinearNoBackprop")
class LinearNoBackprop(Affine):
    def backward(self, gy: Array) -> Value:
        self.learn(self.input, gy)
        return np.zeros_like(self.input)


@implements("fbnn.NormalizedLinearNoBias")
class NormalizedLinearNoBias(Affine):
    def backward(self, gy: Array) -> Value:
        rows = gy.reshape(-1, gy.shape[-1])
        self.accumulate("weight", rows.T @ self.input.reshape(-1, self.input.shape[-1]))
        if self.has("bias"):  # added, never learned
            self.accumulate("bias", np.zeros_like(self.array("bias")))
        return gy @ self.array("weight")


@implements("nn.UnfoldedTemporalConvolution")
class UnfoldedTemporalConvolution(Affine):
    def forward(self, x: Array) -> Value:
        pad, width = self.integer("pad"), self.integer("kW")
        around = [(0, 0)] * (x.ndim - 2) + [(pad, pad), (0, 0)]
        padded = np.pad(x, around)
        steps = padded.shape[-2] - width + 1
        self.rows = np.concatenate([padded[..., k : k + steps, :] for k in range(width)], -1)
        return super().forward(self.rows)

    def backward(self, gy: Array) -> Value:
        self.learn(self.rows, gy)
        pad, width, size = self.integer("pad"), self.integer("kW"), self.input.shape[-1]
        steps, length = gy.shape[-2], self.input.shape[-2]
        rows = gy @ self.array("weight")
        gx = np.zeros((*gy.shape[:-2], length + 2 * pad, size), gy.dtype)
        for k in range(width):
            gx[..., k : k + steps, :] += rows[..., k * size : (k + 1) * size]
        return gx[..., pad : pad + length, :]


@implements("nn.FasterLookup")
class FasterLookup(Op):
    def forward(self, x: Array) -> Value:
        rows = self.array("weight")
        if x.min() < 1 or x.max() > len(rows):
            raise self.error(f"an index is not between 1 and {len(rows)}")
        return rows[x - 1]

    def backward(self, gy: Array) -> Value:
        gradient = np.zeros_like(self.array("weight"))
        np.add.at(gradient, self.input - 1, gy)
        self.accumulate("weight", gradient)
        return np.zeros(self.input.shape, gy.dtype)


@implements("nn.SparseThreshold")
class SparseThreshold(Op):
    def forward(self, x: Array) -> Value:
        self.inner = self.call(self.module_at("module"), x[..., 1])
        return np.stack((x[..., 0], self.inner.output), -1)

    def backward(self, gy: Array) -> Value:
        return np.stack((gy[..., 0], self.inner.backward(gy[..., 1])), -1)


@implements("fbnn.SparseLinear")
class SparseLinear(Op):
    def forward(self, x: Value) -> Value:
        if isinstance(x, list):
            keys, values = x
        else:  # pairs, as nn.SparseLinear takes them
            keys, values = x[..., 0], x[..., 1]
        self.index = np.where(values == 0, 1, keys).astype(np.int64) - 1
        self.amounts = values
        y = (self.array("weight").T[self.index] * values[..., None]).sum(-2) + self.array("bias")
        return y[0] if isinstance(x, list) and y.ndim == 2 and len(y) == 1 else y

    def backward(self, gy: Array) -> Value:
        rows = gy.reshape(*self.amounts.shape[:-1], -1)
        each = self.amounts[..., None] * rows[..., None, :]
        gradient = np.zeros_like(self.array("weight"))
        np.add.at(gradient.T, self.index, each)
        gradient += self.number("weightDecay") * self.array("weight")
        self.accumulate("weight", gradient)
        self.accumulate("bias", rows.reshape(-1, rows.shape[-1]).sum(0))
        if isinstance(self.input, list):
            return [np.zeros(self.input[0].shape, gy.dtype), np.zeros_like(self.input[1])]
        return np.zeros_like(self.input)


@implements("fbnn.SegSparseLinear")
class SegSparseLinear(Op):
    def forward(self, x: Value) -> Value:
        entries = x if isinstance(x, dict) else dict(enumerate(x, start=1))
        segments, keys, self.amounts = entries[1], entries[2], entries[3]
        size = int(entries.get("batch_size", entries.get(4, segments.max())))
        self.segments, self.keys = segments.astype(int) - 1, keys.astype(int) - 1
        y = np.repeat(self.array("bias")[None], size, 0)
        np.add.at(y, self.segments, self.array("weight")[self.keys] * self.amounts[:, None])
        return y

    def backward(self, gy: Array) -> Value:
        gradient = np.zeros_like(self.array("weight"))
        np.add.at(gradient, self.keys, gy[self.segments] * self.amounts[:, None])
        self.accumulate("weight", gradient)
        self.accumulate("bias", gy.sum(0))
        return [
            np.zeros(np.shape(part), gy.dtype) for part in (self.segments, self.keys, self.amounts)
        ]
