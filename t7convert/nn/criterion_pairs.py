"""Criterions whose input is a pair of tensors, or a distance between two."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from t7convert.nn.criterion_elementwise import Averaged, target_like
from t7convert.nn.criterion_gradient import carry


def _number(target: Tensor | float) -> float | None:
    """Return a target that is one number, not a tensor with a dimension."""
    if not isinstance(target, Tensor):
        return float(target)
    return float(target) if target.dim() == 0 else None


class HingeEmbeddingCriterion(Averaged):
    """A distance for targets of 1, ``max(0, margin - distance)`` for targets of -1.

    Any other target counts both; its gradient is the target itself, as Lua has it.
    Source: torch/nn HingeEmbeddingCriterion.lua.
    """

    def __init__(self, margin: float = 1, size_average: bool = True) -> None:
        super().__init__(size_average)
        self.margin = margin

    def forward(self, input: Tensor, target: Tensor | float) -> Tensor:
        if not isinstance(target, Tensor):
            target = input.new_tensor([target])
        x, y = input.detach(), target_like(target, input)
        near = x.masked_fill(y == -1, 0).sum()
        far = (self.margin - x).relu().masked_fill(y == 1, 0).sum()
        gradient = y.masked_fill((y == -1) & (x > self.margin), 0)
        count = input.numel()
        return carry(self.averaged(near + far, count), [input], [self.averaged(gradient, count)])

    def extra_repr(self) -> str:
        return ", ".join(filter(None, (f"margin={self.margin:g}", super().extra_repr())))


class L1HingeEmbeddingCriterion(nn.Module):
    """L1 distance of a pair, or ``max(0, margin - distance)`` where the target is the number -1.

    Where the two are equal the gradient is 1 or -1 by chance, as in Lua. A target that is a tensor
    with a dimension never counts as -1: Lua compared it with a number.
    Source: torch/nn L1HingeEmbeddingCriterion.lua.
    """

    def __init__(self, margin: float = 1) -> None:
        super().__init__()
        self.margin = margin

    def forward(self, input: Sequence[Tensor], target: Tensor | float) -> Tensor:
        first, second = input
        difference = first.detach() - second.detach().reshape(first.shape)
        distance = difference.abs().sum()
        chance = torch.randint(0, 2, difference.shape, device=first.device).to(first.dtype) * 2 - 1
        gradient = torch.where(difference == 0, chance, difference.sign())
        if _number(target) == -1:
            gradient = -gradient * (distance <= self.margin)
            distance = (self.margin - distance).relu()
        return carry(distance, [first, second], [gradient, -gradient.reshape(second.shape)])

    def extra_repr(self) -> str:
        return f"margin={self.margin:g}"


class CosineEmbeddingCriterion(Averaged):
    """``1 - cos`` for targets of 1, ``max(0, cos - margin)`` for targets of -1.

    Takes a pair of ``(N, D)`` or ``(D,)`` and one target per sample. The squared norms get 1e-12
    added. A sample whose loss isn't positive has no gradient.
    Source: torch/nn CosineEmbeddingCriterion.lua.
    """

    def __init__(self, margin: float = 0, size_average: bool = True) -> None:
        super().__init__(size_average)
        self.margin = margin

    def forward(self, input: Sequence[Tensor], target: Tensor | float) -> Tensor:
        first, second = (x[None] if x.dim() == 1 else x for x in input)
        y = target if isinstance(target, Tensor) else first.new_tensor([target])
        y = y.detach().reshape(-1)
        eps = 1e-12
        scale = ((first * first).sum(1) + eps) * ((second * second).sum(1) + eps)
        cosine = (first * second).sum(1) * (1 / scale).sqrt()
        loss = torch.where(y == -1, (cosine - self.margin).relu(), cosine)
        loss = torch.where(y == 1, 1 - loss, loss)
        loss = torch.where(loss > 0, loss, loss.detach())
        return self.averaged(loss.sum(), len(y))

    def extra_repr(self) -> str:
        return ", ".join(filter(None, (f"margin={self.margin:g}", super().extra_repr())))


class MarginRankingCriterion(Averaged):
    """``max(0, margin - y * (a - b))`` of a pair, with targets of 1 and -1.

    The gradient at the kink is that of the slope. A target that is a number looks at the first
    elements only; the average is over the target's first dimension.
    Source: torch/nn MarginRankingCriterion.lua.
    """

    def __init__(self, margin: float = 1, size_average: bool = True) -> None:
        super().__init__(size_average)
        self.margin = margin

    def forward(self, input: Sequence[Tensor], target: Tensor | float) -> Tensor:
        first, second = input
        number = _number(target)
        if number is not None or not isinstance(target, Tensor):
            first, second = first.reshape(-1)[0], second.reshape(-1)[0]
            return self._hinge(-(target if number is None else number) * (first - second))
        y = target_like(target, first)
        loss = self._hinge(-(first - second.reshape(first.shape)) * y).sum()
        return self.averaged(loss, len(target))

    def _hinge(self, value: Tensor) -> Tensor:
        slack = value + self.margin
        return torch.where(slack >= 0, slack, torch.zeros_like(slack))

    def extra_repr(self) -> str:
        return ", ".join(filter(None, (f"margin={self.margin:g}", super().extra_repr())))


class DistanceRatioCriterion(Averaged):
    """``-log(exp(-x) / (exp(-x) + exp(-y)))`` of a pair of distances; a target is ignored.

    The average is over the first dimension. Source: torch/nn DistanceRatioCriterion.lua.
    """

    def forward(self, input: Sequence[Tensor], target: object = None) -> Tensor:
        near, far = input
        loss = near + ((-near).exp() + (-far.reshape(near.shape)).exp()).log()
        return self.averaged(loss.sum(), len(near))
