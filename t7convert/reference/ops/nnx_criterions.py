"""nnx's criterions, from their Lua and C files."""

from __future__ import annotations

from typing import Any

import numpy as np

from t7convert.format.objects import Array
from t7convert.reference.op import Value, implements
from t7convert.reference.ops.criterion_containers import Several
from t7convert.reference.ops.criterion_elementwise import Criterion


@implements("nn.SuperCriterion")
class SuperCriterion(Several):
    def loss(self, x: list[Value], target: Value) -> Value:
        count = len(self.modules_at("criterions"))
        targets = target if isinstance(target, list) else [target] * count
        return self.run([[x[i], targets[i]] for i in range(count)])

    def gradient(self, x: list[Value], target: Value) -> Value:
        return self.gradients()


def _softmax(x: Array) -> Array:
    powers = np.exp(x - x.max(-1, keepdims=True))
    return np.asarray(powers / powers.sum(-1, keepdims=True))


@implements("nn.DistNLLCriterion")
class DistNLLCriterion(Criterion):
    def loss(self, x: Array, target: Array) -> Value:
        self.wanted = target if self.flag("targetIsProbability") else _softmax(target)
        self.given = -x if self.flag("inputIsADistance") else x
        if self.flag("inputIsLogProbability"):
            logs = self.given
        elif self.flag("inputIsProbability"):
            logs = np.log(self.given)
        else:
            logs = np.log(_softmax(self.given))
        return -(logs * self.wanted).sum()

    def gradient(self, x: Array, target: Array) -> Value:
        gx = -self.wanted
        if not self.flag("inputIsLogProbability"):
            if self.flag("inputIsProbability"):
                gx = gx / self.given
            else:
                gx = gx - _softmax(self.given) * gx.sum(-1, keepdims=True)
        return -gx if self.flag("inputIsADistance") else gx


@implements("nn.DistMarginCriterion")
class DistMarginCriterion(Criterion):
    def loss(self, x: Array, target: Array) -> Value:
        rows = np.atleast_2d(x)
        total = x.dtype.type(0)
        self.slopes = np.zeros_like(rows)
        share = x.dtype.type(1 / rows.shape[1] if self.flag("sizeAverage") else 1)
        for row, slopes, listed in zip(
            rows, self.slopes, np.reshape(target, rows.shape), strict=True
        ):
            if (listed < 0).any() or (listed > len(row)).any():
                raise self.error("a target is out of range")
            wanted: list[int] = []
            for number in listed:
                place = int(number - 1)  # towards zero, as C casts
                if place == -1:
                    break
                wanted.append(place)
            if not wanted:
                continue
            least = min(wanted, key=lambda place: (row[place], wanted.index(place)))
            for place in set(range(len(row))) - set(wanted):
                z = 1 - row[least] + row[place]
                if z > 0:
                    total += z * share
                    slopes[place] = share
                    slopes[least] -= share
        return total

    def gradient(self, x: Array, target: Array) -> Value:
        return self.slopes.reshape(x.shape)


@implements("nn.TreeNLLCriterion")
class TreeNLLCriterion(Criterion):
    def loss(self, x: Array, target: Any) -> Value:
        if x.ndim != 1 and (x.ndim != 2 or x.shape[1] != 1):
            raise self.error(f"its input has the shape {x.shape}")
        return -x.mean()

    def gradient(self, x: Array, target: Any) -> Value:
        return np.full_like(x, -1 / len(x))
