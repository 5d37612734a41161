"""Modules around one other module, and one that only watches."""

from __future__ import annotations

from math import prod

import numpy as np

from t7convert.format.objects import Array
from t7convert.reference.nested import map_arrays
from t7convert.reference.op import Op, Value, implements
from t7convert.reference.ops.containers import Concat

implements("nn.ModelParallel")(Concat)


@implements("nn.Decorator", "nn.Profile", "nn.GPU", "nn.DataParallelTable", "nn.DataParallel")
class Decorator(Op):
    def forward(self, x: Value) -> Value:
        (child,) = self.modules_at()
        self.inner = self.call(child, x)
        return self.inner.output

    def backward(self, gy: Value) -> Value:
        return self.inner.backward(gy)


@implements("nn.Bottle")
class Bottle(Decorator):
    """Source: torch/nn Bottle.lua; all dimensions before the last nInputDim - 1 become one."""

    def forward(self, x: Array) -> Array:
        fused = x.ndim - self.integer("nInputDim")
        if fused <= 0:
            return np.asarray(super().forward(x))
        lead = x.shape[:fused]
        rows = np.ascontiguousarray(x).reshape(prod(lead) * x.shape[fused], *x.shape[fused + 1 :])
        y = super().forward(rows)
        wanted = self.get("nOutputDim") or self.integer("nInputDim")
        if y.ndim != wanted:
            raise self.error(f"the module gave {y.ndim} dimensions, expected {wanted}")
        return np.reshape(y, (*lead, y.shape[0] // prod(lead), *y.shape[1:]))

    def backward(self, gy: Array) -> Array:
        gradient = super().backward(gy.reshape(self.inner.output.shape))
        return np.reshape(gradient, self.input.shape)


@implements("nn.NaN")
class NaN(Decorator):
    def forward(self, x: Value) -> Value:
        y = super().forward(x)
        map_arrays(self._check, y)
        return y

    def _check(self, y: Array) -> Array:
        if np.isnan(y).any():
            raise self.error("its output holds a NaN")
        return y


@implements("nn.PrintSize")
class PrintSize(Op):
    def forward(self, x: Value) -> Value:
        return x

    def backward(self, gy: Value) -> Value:
        return gy
