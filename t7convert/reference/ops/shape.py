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
        gradient: Array = gy.reshape(self.input.shape)
        return gradient


@implements("nn.View")
class View(_Reshaping):
    """Source: torch/nn View.lua, ``batchsize``."""

    def forward(self, x: Array) -> Array:
        size = self.integers("size")
        limit = self.get("numInputDims")
        dims = x.ndim if limit is None else self.integer("numInputDims")
        named = prod(n for n in size if n >= 0)
        if dims > x.ndim:
            raise self.error(f"an input of shape {x.shape} has no {dims} dimensions")
        elements = prod(x.shape[x.ndim - dims :])
        if elements % named:
            raise self.error(f"an input of shape {x.shape} can't be seen as {size}")
        batch = 1 if -1 in size else elements // named
        batch *= prod(x.shape[: x.ndim - dims])
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


@implements("nn.Contiguous")
class Contiguous(_Reshaping):
    def forward(self, x: Array) -> Array:
        return np.ascontiguousarray(x)


@implements("nn.Transpose")
class Transpose(Op):
    def order(self, x: Array) -> list[int]:
        offset = 0
        if self.get("numInputDims") is not None:
            offset = x.ndim - self.integer("numInputDims")
        order = list(range(x.ndim))
        for one, other in self.require("permutations"):
            a, b = int(one) - 1 + offset, int(other) - 1 + offset
            if min(a, b) < 0:
                raise self.error(f"an input of shape {x.shape} has too few dimensions")
            order[a], order[b] = order[b], order[a]
        return order

    def forward(self, x: Array) -> Array:
        return np.array(np.transpose(x, self.order(x)), order="C")

    def backward(self, gy: Array) -> Array:
        back = np.argsort(self.order(self.input))
        return np.array(np.transpose(gy, back), order="C")


@implements("nn.Squeeze")
class Squeeze(_Reshaping):
    """TH never drops the last dimension that is left."""

    def forward(self, x: Array) -> Array:
        batch = self.get("numInputDims") is not None and x.ndim == self.integer("numInputDims") + 1
        if self.get("dim") is not None:
            axis = self.integer("dim") - 1 + batch
            if not 0 <= axis < x.ndim:
                raise self.error(f"an input of shape {x.shape} has no dimension {axis + 1}")
            return np.squeeze(x, axis) if x.shape[axis] == 1 and x.ndim > 1 else x
        kept = [n for n in x.shape if n != 1]
        if batch and x.shape[0] == 1:
            kept.insert(0, 1)
        return x.reshape(kept or [1])


@implements("nn.Unsqueeze")
class Unsqueeze(_Reshaping):
    def forward(self, x: Array) -> Array:
        offset = 0
        if self.get("numInputDims") is not None:
            offset = x.ndim - self.integer("numInputDims")
        if offset < 0:
            raise self.error(f"an input of shape {x.shape} has too few dimensions")
        axis = self.integer("pos") - 1 + offset
        if not 0 <= axis <= x.ndim:
            raise self.error(f"an input of shape {x.shape} has no place {axis + 1} between")
        return np.expand_dims(x, axis)


@implements("nn.Collapse")
class Collapse(_Reshaping):
    def forward(self, x: Array) -> Array:
        if x.ndim > self.integer("nInputDim"):
            return np.ascontiguousarray(x).reshape(x.shape[0], -1)
        return np.ascontiguousarray(x).reshape(-1)


@implements("nn.Replicate")
class Replicate(Op):
    """The output is a view with stride 0 along the new dimension."""

    def axis(self) -> int:
        batch = self.get("ndim") is not None and self.input.ndim > self.integer("ndim")
        return self.integer("dim") - 1 + batch

    def forward(self, x: Array) -> Array:
        axis = self.axis()
        shape = (*x.shape[:axis], self.integer("nfeatures"), *x.shape[axis:])
        return np.broadcast_to(np.expand_dims(x, axis), shape)

    def backward(self, gy: Array) -> Array:
        total: Array = gy.sum(self.axis())
        return total
