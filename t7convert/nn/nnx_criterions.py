"""Criterions of lua---nnx."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class SuperCriterion(nn.Sequential):
    """Weighted sum of criterions, each of its own element of the input list.

    A list of targets is shared out likewise; another target is everybody's.
    Source: nnx SuperCriterion.lua.
    """

    def __init__(self, criterions: Iterable[nn.Module], weights: Sequence[float]) -> None:
        super().__init__(*criterions)
        self.weights = list(weights)

    def forward(self, input: Sequence[Any], target: Any = None) -> Tensor:
        shared = not isinstance(target, (list, tuple))
        total = torch.zeros(())
        for i, (weight, criterion) in enumerate(zip(self.weights, self, strict=True)):
            total = total + weight * criterion(input[i], target if shared else target[i]).squeeze()
        return total

    def extra_repr(self) -> str:
        return f"weights={self.weights}"


class DistNLLCriterion(nn.Module):
    """The target distribution's cross entropy with the input's, (C) or (N, C), summed.

    Args:
        distance: the input is turned round first.
        probability: the input is a distribution; else its log_softmax is taken.
        log_probability: the input is the logarithm of a distribution.
        target_probability: the target is a distribution; else its softmax is taken.

    Source: nnx DistNLLCriterion.lua.
    """

    def __init__(
        self,
        *,
        distance: bool = False,
        probability: bool = False,
        log_probability: bool = False,
        target_probability: bool = True,
    ) -> None:
        super().__init__()
        self.distance, self.probability = distance, probability
        self.log_probability, self.target_probability = log_probability, target_probability

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        if input.dim() not in (1, 2):
            raise ValueError(f"expected 1 or 2 dimensions, got {input.dim()}")
        wanted = target.detach().to(input.dtype)
        if not self.target_probability:
            wanted = wanted.softmax(-1)
        logs = -input if self.distance else input
        if not self.log_probability:
            logs = logs.log() if self.probability else logs.log_softmax(-1)
        return -(logs * wanted).sum()

    def extra_repr(self) -> str:
        return (
            f"distance={self.distance}, probability={self.probability},"
            f" log_probability={self.log_probability},"
            f" target_probability={self.target_probability}"
        )


class DistMarginCriterion(nn.Module):
    """How far classes that aren't targets come up to 1 below the least likely target, summed.

    A target is a list of classes (from 1), as long as there are classes, that ends at the first 0;
    numbers are cut to whole ones, so that those between 0 and 1 mean class 1. With
    ``size_average``, the sum is divided by the number of classes.
    Source: nnx generic/DistMarginCriterion.c.
    """

    def __init__(self, size_average: bool = True) -> None:
        super().__init__()
        self.size_average = size_average

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        if input.dim() not in (1, 2):
            raise ValueError(f"expected 1 or 2 dimensions, got {input.dim()}")
        rows = torch.atleast_2d(input)
        given = target.detach().reshape(rows.shape)
        classes = rows.shape[1]
        if not bool(((given >= 0) & (given <= classes)).all()):
            raise ValueError(f"a target is not between 0 and {classes}")
        places = (given - 1).trunc().long()
        listed = (places >= 0).long().cumprod(1).bool()
        index = places.clamp(min=0)
        scores = torch.where(listed, rows.gather(1, index), torch.inf)
        least = scores.min(1, keepdim=True).values
        wanted = torch.zeros_like(rows).scatter_add(1, index, listed.to(rows.dtype)) > 0
        loss = torch.where(wanted, 0.0, F.relu(1 - least + rows)).sum()
        return loss / classes if self.size_average else loss

    def extra_repr(self) -> str:
        return f"size_average={self.size_average}"


class TreeNLLCriterion(nn.Module):
    """The mean of what a SoftMaxTree gave, (N) or (N, 1), times -1; the target is ignored.

    Source: nnx TreeNLLCriterion.lua.
    """

    def forward(self, input: Tensor, target: Any = None) -> Tensor:
        if input.dim() != 1 and (input.dim() != 2 or input.shape[1] != 1):
            raise ValueError(f"the shape is {tuple(input.shape)}, expected one number per row")
        return -input.mean()
