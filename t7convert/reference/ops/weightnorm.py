"""Weight normalisation."""

from __future__ import annotations

from dataclasses import replace
from math import prod

import numpy as np

from t7convert.format.objects import Array, ArrayPayload, LuaStorage, LuaTensor
from t7convert.reference.op import Op, Value, implements


@implements("nn.WeightNorm")
class WeightNorm(Op):
    def forward(self, x: Value) -> Value:
        size, self._dim = self.integers("weightSize"), self.integer("outputDim") - 1
        self._norm = np.sqrt((self.array("v") ** 2).sum(1, keepdims=True) + 1e-4)
        self._scale = self.array("g").reshape(-1, 1) / self._norm
        front = [size[self._dim], *size[: self._dim], *size[self._dim + 1 :]]
        weight = np.moveaxis((self.array("v") * self._scale).reshape(front), 0, self._dim)
        self._weight = _tensor(size)
        lent = _tensor(size)
        self.executor.provide(lent, np.ascontiguousarray(weight))
        (self._child,) = self.modules_at()
        self._complete = replace(self._child, fields={**self._child.fields, "weight": lent})
        self._inner = self.call(self._complete, x)
        return self._inner.output

    def backward(self, gy: Value) -> Value:
        gx = self._inner.backward(gy)
        gradients = self.executor.gradients
        gradient = gradients.pop((id(self._complete), "weight"))
        for name in self._child.spec.parameters:
            if (id(self._complete), name) in gradients:
                own = gradients.pop((id(self._complete), name))
                self.executor.accumulate(self._child, name, own)
        v = self.array("v")
        gradient = np.moveaxis(gradient, self._dim, 0).reshape(v.shape)
        grad_g = (gradient * v / self._norm).sum(1, keepdims=True)
        self.accumulate("v", gradient * self._scale - v * self._scale / self._norm * grad_g)
        self.accumulate("g", grad_g.reshape(self.shape("g")))
        return gx


def _tensor(size: list[int]) -> LuaTensor:
    stride = tuple(prod(size[position + 1 :]) for position in range(len(size)))
    nothing: Array = np.empty(0, "f4")
    storage = LuaStorage("torch.FloatStorage", prod(size), ArrayPayload(nothing))
    return LuaTensor("torch.FloatTensor", tuple(size), stride, 0, storage)
