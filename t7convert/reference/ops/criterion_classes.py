"""Criterions whose target names classes, counted from 1, from THNN's C files."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from t7convert.format.objects import Array
from t7convert.lua.tree import LuaModule
from t7convert.reference.op import Value, implements
from t7convert.reference.ops.criterion_elementwise import Criterion, MSECriterion


def log_softmax(x: Array, axis: int) -> Value:
    """Return the logarithm of the softmax along one axis."""
    shifted: Array = x - x.max(axis, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis, keepdims=True))


def log_softmax_backward(output: Array, gy: Array, axis: int) -> Value:
    """Return the gradient at the scores, from the log probabilities and their gradient."""
    return gy - np.exp(output) * gy.sum(axis, keepdims=True)


def class_list(target: Any) -> Value:
    """Return a number or tensor of classes as a flat array of whole numbers, from 1."""
    return np.reshape(target, -1).astype(np.int64)


class Likelihood(Criterion):
    """Picks one log probability per row; rows are what ``rows`` makes of the input."""

    def rows(self, x: Array) -> Value:
        return x[None] if x.ndim == 1 else x

    def unrows(self, rows: Array, x: Array) -> Value:
        return rows.reshape(x.shape)

    def loss(self, x: Array, target: Any) -> Value:
        rows, classes = self.rows(x), class_list(target)[: len(self.rows(x))]
        if len(classes) != len(rows):
            raise self.error(f"{len(classes)} targets for {len(rows)} samples")
        counted = [i for i, c in enumerate(classes) if c != self.get("ignoreIndex")]
        if any(not 1 <= classes[i] <= rows.shape[1] for i in counted):
            raise self.error(f"a target is not between 1 and {rows.shape[1]}")
        weights = self.array("weights") if self.has("weights") else np.ones_like(rows[0])
        self.picked = [(i, classes[i] - 1, weights[classes[i] - 1]) for i in counted]
        self.total = sum((w for _, _, w in self.picked), rows.dtype.type(0))
        loss = -sum((rows[i, c] * w for i, c, w in self.picked), rows.dtype.type(0))
        return loss / self.total if self.flag("sizeAverage") and self.total != 0 else loss

    def gradient(self, x: Array, target: Any) -> Value:
        rows = np.zeros_like(self.rows(x))
        if self.total > 0:
            for i, c, w in self.picked:
                rows[i, c] = -w / self.total if self.flag("sizeAverage") else -w
        return self.unrows(rows, x)


@implements("nn.ClassNLLCriterion")
class ClassNLLCriterion(Likelihood):
    pass


@implements("nn.SpatialClassNLLCriterion")
class SpatialClassNLLCriterion(Likelihood):
    def rows(self, x: Array) -> Value:
        return np.moveaxis(x, 1, -1).reshape(-1, x.shape[1])

    def unrows(self, rows: Array, x: Array) -> Value:
        batch, classes, height, width = x.shape
        return np.moveaxis(rows.reshape(batch, height, width, classes), -1, 1)


def averaging(criterion: LuaModule, average: bool) -> LuaModule:
    """Return the criterion with its sizeAverage set."""
    return replace(criterion, fields={**criterion.fields, "sizeAverage": average})


@implements("nn.CrossEntropyCriterion")
class CrossEntropyCriterion(Criterion):
    def loss(self, x: Array, target: Any) -> Value:
        nll = self.module_at("nll")
        if self.get("sizeAverage") != self.get("oldSizeAverage"):
            nll = averaging(nll, self.flag("sizeAverage"))
        self.logs = log_softmax(np.atleast_1d(np.squeeze(x)), -1)
        self.nll = self.call(nll, [self.logs, target])
        return self.nll.output

    def gradient(self, x: Array, target: Any) -> Value:
        return log_softmax_backward(self.logs, self.nll.backward(1.0), -1).reshape(x.shape)


@implements("cudnn.SpatialCrossEntropyCriterion")
class SpatialCrossEntropyCriterion(Criterion):
    def loss(self, x: Array, target: Array) -> Value:
        nll = averaging(self.module_at("nll"), self.flag("sizeAverage"))
        self.logs = log_softmax(x, 1)
        self.nll = self.call(nll, [self.logs, target])
        return self.nll.output

    def gradient(self, x: Array, target: Array) -> Value:
        return log_softmax_backward(self.logs, self.nll.backward(1.0), 1)


@implements("cudnn.VolumetricCrossEntropyCriterion")
class VolumetricCrossEntropyCriterion(Criterion):
    def loss(self, x: Array, target: Array) -> Value:
        n, c, t, h, w = x.shape
        folded = [x.reshape(n, c, t * h, w), target.reshape(n, t * h, w)]
        self.scec = self.call(self.module_at("scec"), folded)
        return self.scec.output

    def gradient(self, x: Array, target: Array) -> Value:
        return np.reshape(self.scec.backward(1.0), x.shape)


@implements("nn.MultiMarginCriterion")
class MultiMarginCriterion(Criterion):
    def loss(self, x: Array, target: Any) -> Value:
        rows, classes = np.atleast_2d(x), class_list(target)[: len(np.atleast_2d(x))] - 1
        if any(not 0 <= c < rows.shape[1] for c in classes) or len(classes) != len(rows):
            raise self.error(f"the targets don't fit an input of shape {x.shape}")
        squared = self.integer("p") == 2
        weights = self.array("weights") if self.has("weights") else np.ones_like(rows[0])
        total, self.slopes = rows.dtype.type(0), np.zeros_like(rows)
        count = rows.shape[1] * (len(rows) if self.flag("sizeAverage") else 1)
        for row, c, slope in zip(rows, classes, self.slopes, strict=True):
            z = np.maximum(self.number("margin") - row[c] + row, 0).astype(row.dtype)
            z[c] = 0
            total += weights[c] * (z * z if squared else z).sum()
            slope[:] = weights[c] * (2 * z if squared else z > 0) / count
            slope[c] = -slope.sum()
        return total / count

    def gradient(self, x: Array, target: Any) -> Value:
        return self.slopes.reshape(x.shape)


@implements("nn.MultiLabelMarginCriterion")
class MultiLabelMarginCriterion(Criterion):
    def loss(self, x: Array, target: Array) -> Value:
        rows = np.atleast_2d(x)
        total, self.slopes = rows.dtype.type(0), np.zeros_like(rows)
        count = rows.shape[1] * (len(rows) if self.flag("sizeAverage") else 1)
        for row, wanted, slope in zip(rows, np.atleast_2d(target), self.slopes, strict=True):
            classes = [int(c) - 1 for c in wanted]
            if 0 in wanted:  # the list of classes ends there
                classes = classes[: classes.index(-1)]
            others = np.setdiff1d(np.arange(len(row)), classes)
            for c in classes:
                z = 1 - row[c] + row[others]
                total += z[z > 0].sum()
                slope[others[z > 0]] += 1 / count
                slope[c] -= (z > 0).sum() / count
        return total / count

    def gradient(self, x: Array, target: Array) -> Value:
        return self.slopes.reshape(x.shape)


@implements("nn.ClassSimplexCriterion")
class ClassSimplexCriterion(MSECriterion):
    def loss(self, x: Array, target: Any) -> Value:
        return super().loss(x, self.array("simplex")[class_list(target) - 1])

    def gradient(self, x: Array, target: Any) -> Value:
        return super().gradient(x, self.array("simplex")[class_list(target) - 1])
