"""Element types and layouts."""

from __future__ import annotations

import numpy as np

from t7convert.format.objects import Array, dtype_of
from t7convert.reference.nested import map_arrays
from t7convert.reference.op import Op, Value, implements
from t7convert.reference.ops.decorators import Decorator


def typed(op: Op, field: str, value: Value) -> Value:
    """Return ``value`` as the tensor class that a field names; floating: the executor's dtype."""
    dtype = dtype_of(op.get(field, "torch.FloatTensor"))
    wanted = op.executor.dtype if dtype.kind == "f" else dtype
    return map_arrays(lambda array: array.astype(wanted), value)


@implements("nn.Copy")
class Copy(Op):
    def forward(self, x: Value) -> Value:
        return x if self.flag("alias") else typed(self, "outtype", x)

    def backward(self, gy: Value) -> Value:
        return gy


@implements("nn.DontCast")
class DontCast(Decorator):
    def forward(self, x: Value) -> Value:
        given = typed(self, "moduleType", x) if self.flag("castin") else x
        y = super().forward(given)
        return typed(self, "outtype", y) if self.flag("castout") else y


@implements("nn.Convert")
class Convert(Op):
    """Source: torch/nn Convert.lua, ``transpose``, ``bf``, ``b`` and ``bt``."""

    def forward(self, x: Array) -> Array:
        x = typed(self, "outtype", x)
        source, target = self.require("inputShape"), self.require("outputShape")
        self.given = x.shape
        if source == "b*":
            return x
        alone = x.ndim < len(source)
        if alone:
            x = np.expand_dims(x, source.index("b"))
        self.batched = x.shape
        y = self._converted(x, source, target)
        self.made = y.shape
        return np.squeeze(y, target.index("b")) if alone else y

    def _converted(self, x: Array, source: str, target: str) -> Array:
        batch = source.index("b")
        if sorted(source) == sorted(target):
            self.order = list(range(x.ndim))
            for place, letter in enumerate(target):  # further dimensions stay, missing ones too
                if source.index(letter) != place:
                    self.order[place] = source.index(letter)
            return np.array(np.transpose(x, self.order), order="C")
        if target == "b":
            other = 1 - batch
            if "f" in source and x.shape[other] > 1:
                raise self.error(f"{source} can't become b with {x.shape[other]} features")
            return np.asarray(np.take(x, 0, other))
        front = np.swapaxes(x, 0, batch)
        return np.ascontiguousarray(front).reshape(front.shape[0], -1)

    def backward(self, gy: Array) -> Array:
        source, target = self.require("inputShape"), self.require("outputShape")
        if source == "b*":
            return gy
        gy = gy.reshape(self.made)
        batch = source.index("b")
        if sorted(source) == sorted(target):
            gradient = gy.transpose(np.argsort(self.order))
        elif target == "b":
            gradient = np.zeros(self.batched, gy.dtype)
            np.moveaxis(gradient, 1 - batch, 0)[0] = gy
        else:
            front = list(self.batched)
            front[0], front[batch] = front[batch], front[0]
            gradient = np.swapaxes(gy.reshape(front), 0, batch)
        return np.reshape(gradient, self.given)
