"""Modules that only change the shape."""

from __future__ import annotations

from math import prod

import numpy as np

from t7convert.format.objects import Array
from t7convert.reference.op import Op, Value, implements


@implements("nn.Identity")
class Identity(Op):
    def forward(self, x: Value) -> Value:
        return x

    def backward(self, gy: Value) -> Value:
        return gy


class _Reshaping(Op):
    def backward(self, gy: Array) -> Array:
        return gy.reshape(self.input.shape)


@implements("nn.View")
class View(_Reshaping):
    """Source: torch/nn View.lua, ``batchsize``."""

    def forward(self, x: Array) -> Array:
        size = self.integers("size")
        limit = self.get("numInputDims")
        dims = x.ndim if limit is None else self.integer("numInputDims")
        named = prod(n for n in size if n >= 0)
        elements = prod(x.shape[max(x.ndim - dims, 0) :])
        if elements % named:
            raise self.error(f"an input of shape {x.shape} can't be seen as {size}")
        batch = 1 if -1 in size else elements // named
        batch *= prod(x.shape[: max(x.ndim - dims, 0)])
        if batch == 1 and (limit is None or x.ndim <= dims):
            return x.reshape(size)
        return x.reshape(batch, *size)


@implements("nn.Reshape")
class Reshape(_Reshaping):
    def forward(self, x: Array) -> Array:
        size = self.integers("size")
        mode = self.get("batchMode")
        fits = x.size == prod(size) and x.shape[0] != 1
        if mode is False or (mode is None and fits):
            return np.ascontiguousarray(x).reshape(size)
        return np.ascontiguousarray(x).reshape(x.shape[0], *size)
