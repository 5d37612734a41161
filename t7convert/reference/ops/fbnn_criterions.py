"""fbnn's criterions, from their Lua files."""

from __future__ import annotations

from typing import Any

import numpy as np

from t7convert.format.objects import Array
from t7convert.reference.op import Value, implements
from t7convert.reference.ops.criterion_classes import class_list, log_softmax
from t7convert.reference.ops.criterion_elementwise import Criterion


@implements("nn.TrueNLLCriterion")
class TrueNLLCriterion(Criterion):
    EPS = 1e-8

    def loss(self, x: Array, target: Any) -> Value:
        rows = np.atleast_2d(x)
        self.places = (np.arange(len(rows)), class_list(target)[: len(rows)] - 1)
        self.picked = rows[self.places] + self.EPS
        total = -np.log(self.picked).sum()
        return self.averaged(total, len(rows)) if x.ndim == 2 else total

    def gradient(self, x: Array, target: Any) -> Value:
        gradient = np.zeros_like(np.atleast_2d(x))
        gradient[self.places] = -1 / self.picked
        if x.ndim == 2:
            gradient = self.averaged(gradient, len(gradient))
        return gradient.reshape(x.shape)


@implements("nn.ClassNLLCriterionWithUNK")
class ClassNLLCriterionWithUNK(Criterion):
    """Of one unknown sample Lua repeats the last loss; here it is 0."""

    def loss(self, x: Array, target: Any) -> Value:
        unknown, crit = self.get("unk_index"), self.module_at("crit")
        classes = class_list(target).tolist()
        cuda = self.get("tensortype") == "torch.CudaTensor"
        self.whole = x.ndim == 2 and (unknown is None or not (cuda or unknown in classes))
        if self.whole:
            self.calls = [self.call(crit, [x, target])]
            return self.calls[0].output
        rows = np.atleast_2d(x)
        known = [i for i in range(len(rows)) if classes[i] != unknown]
        self.calls = [self.call(crit, [rows[i], classes[i]]) for i in known]
        self.known = known
        return sum((call.output for call in self.calls), x.dtype.type(0))

    def gradient(self, x: Array, target: Any) -> Value:
        if self.whole:
            return self.calls[0].backward(1.0)
        gradient = np.zeros_like(np.atleast_2d(x))
        for i, call in zip(self.known, self.calls, strict=True):
            gradient[i] = call.backward(1.0)
        return gradient.reshape(x.shape)


class LogSumExp(Criterion):
    def totals(self, x: Array) -> tuple[Array, Array]:
        """Return log(sum(exp)) of each row, and log(1 + sum(exp)), both (N, 1)."""
        greatest = x.max(1, keepdims=True)
        total = np.log(np.exp(x - greatest).sum(1, keepdims=True)) + greatest
        return total, np.where(total > 20, total, np.log(1 + np.exp(np.minimum(total, 20))))


@implements("nn.SoftPlusLSECriterion")
class SoftPlusLSECriterion(LogSumExp):
    def loss(self, x: Array, target: object) -> Value:
        return self.totals(x)[1].sum()

    def gradient(self, x: Array, target: object) -> Value:
        return np.exp(x - self.totals(x)[1])


@implements("nn.SoftPlusLSEMinusLSECriterion")
class SoftPlusLSEMinusLSECriterion(LogSumExp):
    def loss(self, x: Array, target: object) -> Value:
        total, plus = self.totals(x)
        return (plus - total).sum()

    def gradient(self, x: Array, target: object) -> Value:
        total, plus = self.totals(x)
        return np.exp(x - plus) - np.exp(x - total)


@implements("nn.ClassHierarchicalNLLCriterion")
class ClassHierarchicalNLLCriterion(Criterion):
    multiplies = True

    def loss(self, x: Array, target: Any) -> Value:
        if x.ndim != 1:
            raise self.error(f"an input of {x.ndim} dimensions, expected one sample")
        cluster, inner = self.array("mapping")[int(target) - 1].astype(int)
        start = int(self.array("startIndex")[cluster - 1]) - 1
        stop = start + int(self.array("clusterCounts")[cluster - 1])
        everything = slice(0, len(self.array("clusterBias")))
        self.levels = [
            ("cluster", everything, cluster - 1),
            ("class", slice(start, stop), inner - 1),
        ]
        self.logs = []
        for name, rows, _ in self.levels:
            scores = self.array(f"{name}Matrix")[rows] @ x + self.array(f"{name}Bias")[rows]
            self.logs.append(log_softmax(scores, 0))
        return -sum(logs[place] for logs, (_, _, place) in zip(self.logs, self.levels, strict=True))

    def gradient(self, x: Array, target: Any) -> Value:
        gx = np.zeros_like(x)
        for logs, (name, rows, place) in zip(self.logs, self.levels, strict=True):
            slope = np.exp(logs)
            slope[place] -= 1
            slope *= self.factor
            weight = np.zeros_like(self.array(f"{name}Matrix"))
            bias = np.zeros_like(self.array(f"{name}Bias"))
            weight[rows], bias[rows] = np.outer(slope, x), slope
            self.accumulate(f"{name}Matrix", weight)
            self.accumulate(f"{name}Bias", bias)
            gx += self.array(f"{name}Matrix")[rows].T @ slope
        return gx


@implements("nn.SequentialCriterion")
class SequentialCriterion(Criterion):
    multiplies = True

    def loss(self, x: Value, target: Value) -> Value:
        self.first = self.call(self.module_at("module"), x)
        self.second = self.call(self.module_at("criterion"), [self.first.output, target])
        return self.second.output

    def gradient(self, x: Value, target: Value) -> Value:
        return self.first.backward(self.second.backward(self.factor))
