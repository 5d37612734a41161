"""Criterions of Facebook's fbnn."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from t7convert.nn.criterion_classes import class_positions, rows_and_classes
from t7convert.nn.criterion_elementwise import Averaged


class TrueNLLCriterion(Averaged):
    """Negative logarithm of the target's probability plus 1e-8; classes count from 1.

    Source: fbnn TrueNLLCriterion.lua.
    """

    def forward(self, input: Tensor, target: Tensor | int) -> Tensor:
        rows, classes = rows_and_classes(input, target)
        loss = -(rows.gather(1, classes[:, None]) + 1e-8).log().sum()
        return self.averaged(loss, len(rows)) if input.dim() == 2 else loss


class ClassNLLCriterionWithUNK(nn.Module):
    """The criterion ``crit`` of the samples whose class is not ``unknown`` (from 1).

    A batch that has an unknown class gives the sum of the samples' losses, any other batch what
    ``crit`` makes of it; with ``always_sum`` (files from CUDA) every batch gives the sum. One
    unknown sample gives 0, where Lua repeated its last loss.
    Source: fbnn ClassNLLCriterionWithUNK.lua.
    """

    def __init__(
        self, crit: nn.Module, unknown: int | None = None, always_sum: bool = False
    ) -> None:
        super().__init__()
        self.crit, self.unknown, self.always_sum = crit, unknown, always_sum

    def forward(self, input: Tensor, target: Tensor | int) -> Tensor:
        classes = [c + 1 for c in class_positions(target, input).tolist()]
        if input.dim() == 1:
            known = classes[0] != self.unknown
            one: Tensor = self.crit(input, target) if known else input.sum() * 0
            return one
        if self.unknown is None or not (self.always_sum or self.unknown in classes):
            loss: Tensor = self.crit(input, target)
            return loss
        pairs = zip(input, classes, strict=True)
        return sum((self.crit(x, c) for x, c in pairs if c != self.unknown), input.sum() * 0)

    def extra_repr(self) -> str:
        return f"unknown={self.unknown}"


def log_sum_exp(input: Tensor) -> Tensor:
    """Return the logarithm of the sum of exponentials of each row, (N, 1)."""
    return input.logsumexp(1, keepdim=True)


def softplus(value: Tensor) -> Tensor:
    """Return ``log(1 + exp(value))``, and the value itself above 20."""
    small = value.clamp(max=20)
    return torch.where(value > 20, value, (1 + small.exp()).log())


class SoftPlusLSECriterion(nn.Module):
    """Sum of ``log(1 + sum(exp(row)))``; a target is ignored.

    Source: fbnn SoftPlusLSECriterion.lua.
    """

    def forward(self, input: Tensor, target: object = None) -> Tensor:
        return softplus(log_sum_exp(input)).sum()


class SoftPlusLSEMinusLSECriterion(nn.Module):
    """Sum of ``log(1 + sum(exp(row))) - log(sum(exp(row)))``; a target is ignored.

    Source: fbnn SoftPlusLSEMinusLSECriterion.lua.
    """

    def forward(self, input: Tensor, target: object = None) -> Tensor:
        total = log_sum_exp(input)
        return (softplus(total) - total).sum()


class ClassHierarchicalNLLCriterion(nn.Module):
    """A linear map and the negative log likelihood of a cluster and of a class inside it.

    Takes one sample ``(in,)`` and its class from 1. ``mapping`` is ``(classes, 2)``: each class's
    cluster and its number there, both from 1; ``startIndex`` says where a cluster's rows of
    ``classMatrix`` begin, from 1, and ``clusterCounts`` how many they are.
    Source: fbnn ClassHierarchicalNLLCriterion.lua.
    """

    def __init__(self, mapping: Tensor, start: Tensor, counts: Tensor, in_features: int) -> None:
        super().__init__()
        for name, rows in (("cluster", len(counts)), ("class", len(mapping))):
            weight = torch.randn(rows, in_features) * in_features**-0.5
            self.register_parameter(f"{name}Matrix", nn.Parameter(weight))
            self.register_parameter(f"{name}Bias", nn.Parameter(torch.zeros(rows)))
        self.register_buffer("mapping", mapping)
        self.register_buffer("startIndex", start)
        self.register_buffer("clusterCounts", counts)

    def forward(self, input: Tensor, target: Tensor | int) -> Tensor:
        if input.dim() != 1:
            raise ValueError(f"expected one sample, got {input.dim()} dimensions")
        (place,) = class_positions(target, input).tolist()
        cluster, inner = (int(n) - 1 for n in self.get_buffer("mapping")[place])
        start = int(self.get_buffer("startIndex")[cluster]) - 1
        rows = slice(start, start + int(self.get_buffer("clusterCounts")[cluster]))
        return self._loss("cluster", slice(None), input, cluster) + self._loss(
            "class", rows, input, inner
        )

    def _loss(self, name: str, rows: slice, input: Tensor, wanted: int) -> Tensor:
        weight = self.get_parameter(f"{name}Matrix")[rows]
        scores = weight @ input + self.get_parameter(f"{name}Bias")[rows]
        return -scores.log_softmax(0)[wanted]


class SequentialCriterion(nn.Module):
    """A module and a criterion of its output; both may learn.

    Source: fbnn SequentialCriterion.lua.
    """

    def __init__(self, module: nn.Module, criterion: nn.Module) -> None:
        super().__init__()
        self.module, self.criterion = module, criterion

    def forward(self, input: Any, target: Any = None) -> Tensor:
        loss: Tensor = self.criterion(self.module(input), target)
        return loss
