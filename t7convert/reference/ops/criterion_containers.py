"""Criterions made of criterions, from their Lua files."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from t7convert.format.objects import LuaStorage
from t7convert.reference.nested import add, map_arrays, zeros_like
from t7convert.reference.op import Op, Value, implements
from t7convert.reference.ops.criterion_elementwise import Criterion


class Several(Criterion):
    """Criterions with weights; the weights are a list or a storage."""

    def weights(self) -> list[float]:
        value = self.require("weights")
        listed = value.numpy().tolist() if isinstance(value, LuaStorage) else value
        return [float(weight) for weight in listed]

    def run(self, pairs: list[list[Any]]) -> Value:
        """Call each criterion on its pair and return the weighted sum."""
        children = self.modules_at("criterions")
        self.calls = [self.call(c, p) for c, p in zip(children, pairs, strict=False)]
        return sum(w * call.output for w, call in zip(self.weights(), self.calls, strict=False))

    def gradients(self) -> list[Value]:
        """Return each criterion's weighted gradient."""
        pairs = zip(self.weights(), self.calls, strict=False)
        return [map_arrays(partial(np.multiply, w), call.backward(1.0)) for w, call in pairs]


@implements("nn.MultiCriterion")
class MultiCriterion(Several):
    def loss(self, x: Value, target: Value) -> Value:
        return self.run([[x, target]] * len(self.modules_at("criterions")))

    def gradient(self, x: Value, target: Value) -> Value:
        total = zeros_like(x)
        for gradient in self.gradients():
            total = add(total, gradient)
        return total


@implements("nn.ParallelCriterion")
class ParallelCriterion(Several):
    def loss(self, x: list[Value], target: Value) -> Value:
        count = len(self.modules_at("criterions"))
        if self.flag("repeatTarget"):
            targets = [target] * count
        else:  # an entry may be missing where the criterion takes no target
            targets = [target[i] if i < len(target) else None for i in range(count)]
        return self.run([[x[i], t] for i, t in enumerate(targets)])

    def gradient(self, x: list[Value], target: Value) -> Value:
        gradients = self.gradients()
        return [*gradients, *zeros_like(x[len(gradients) :])]


@implements("nn.ModuleCriterion")
class ModuleCriterion(Criterion):
    multiplies = True

    def loss(self, x: Value, target: Value) -> Value:
        self.prepared: Op | None = None
        if self.get("inputModule") is not None:
            self.prepared = self.call(self.module_at("inputModule"), x)
            x = self.prepared.output
        if self.get("targetModule") is not None:
            target = self.call(self.module_at("targetModule"), target).output
        self.criterion = self.call(self.module_at("criterion"), [x, target])
        return self.criterion.output

    def gradient(self, x: Value, target: Value) -> Value:
        gradient = self.criterion.backward(self.factor)
        return gradient if self.prepared is None else self.prepared.backward(gradient)


@implements("nn.CriterionTable")
class CriterionTable(Op):
    """A module: the input is the list of input and target; gradOutput is ignored."""

    def forward(self, x: list[Value]) -> Value:
        self.criterion = self.call(self.module_at("criterion"), [*x, None][:2])
        return self.criterion.output

    def backward(self, gy: Value) -> Value:
        return [self.criterion.backward(1.0)]
