"""Criterions that compare input and target element by element.

Each takes ``(input, target)`` and gives a scalar: the sum over all elements, divided by their
number with ``size_average``. The target has the input's number of elements and, as in Lua, gets no
gradient.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from t7convert.nn.criterion_gradient import carry


def target_like(target: Tensor, input: Tensor) -> Tensor:
    """Return ``target`` in the shape and dtype of ``input``, cut off from its gradient.

    Raises:
        RuntimeError: if the numbers of elements differ.
    """
    return target.detach().reshape(input.shape).to(input.dtype)


class Averaged(nn.Module):
    """Base of the criterions that know ``sizeAverage``."""

    def __init__(self, size_average: bool = True) -> None:
        super().__init__()
        self.size_average = size_average

    def averaged(self, total: Tensor, count: int) -> Tensor:
        """Return ``total``, divided by ``count`` if averages are wanted."""
        return total / count if self.size_average else total

    def extra_repr(self) -> str:
        return "" if self.size_average else "size_average=False"


class AbsCriterion(Averaged):
    """Sum of ``|input - target|``; the gradient where they are equal is 1, not 0.

    Source: THNN AbsCriterion.c.
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        difference = input - target_like(target, input)
        return self.averaged(
            torch.where(difference >= 0, difference, -difference).sum(), input.numel()
        )


class MSECriterion(Averaged):
    """Sum of ``(input - target)^2``. Source: THNN MSECriterion.c."""

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        difference = input - target_like(target, input)
        return self.averaged((difference * difference).sum(), input.numel())


class WeightedMSECriterion(MSECriterion):
    """MSE against ``weight * target``: the weight acts on the target only.

    ``weight`` has the shape of one sample, or of the whole target.
    Source: torch/nn WeightedMSECriterion.lua.
    """

    weight: Tensor

    def __init__(self, weight: Tensor, size_average: bool = True) -> None:
        super().__init__(size_average)
        self.register_buffer("weight", weight)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        weight = self.weight
        if input.dim() - 1 != weight.dim():
            weight = weight.reshape(input.shape)
        return super().forward(input, target_like(target, input) * weight)


class SpatialAutoCropMSECriterion(MSECriterion):
    """MSE against the centre of a target that is at least as high and wide as the input.

    Takes ``(C, H, W)`` or ``(N, C, H, W)``. Lua's backward refused targets that needed cropping;
    here their gradient is the derivative. Source: torch/nn SpatialAutoCropMSECriterion.lua.
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        if input.dim() != target.dim() or input.dim() not in (3, 4):
            raise ValueError(
                f"expected 3 or 4 dimensions in input and target, got {input.dim()}"
                f" and {target.dim()}"
            )
        height, width = input.shape[-2:]
        if height > target.shape[-2] or width > target.shape[-1]:
            raise ValueError(
                f"the input, {height} x {width}, is larger than the target,"
                f" {target.shape[-2]} x {target.shape[-1]}"
            )
        top, left = (target.shape[-2] - height) // 2, (target.shape[-1] - width) // 2
        return super().forward(input, target[..., top : top + height, left : left + width])


class SmoothL1Criterion(Averaged):
    """Sum of ``z^2 / 2`` where ``z = |input - target| < 1``, else ``z - 1/2``.

    Source: THNN SmoothL1Criterion.c.
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        z = (input - target_like(target, input)).abs()
        return self.averaged(torch.where(z < 1, 0.5 * z * z, z - 0.5).sum(), input.numel())


class BCECriterion(Averaged):
    """Binary cross entropy of probabilities, with 1e-12 inside both logarithms.

    ``weights`` has one entry per element of a 1-D target, or per column of a batch. The gradient is
    ``(x - y) / ((1 - x + eps) * (x + eps))``, which is not quite the derivative.
    Source: torch/nn BCECriterion.lua, THNN BCECriterion.c.
    """

    weights: Tensor | None
    eps = 1e-12

    def __init__(self, weights: Tensor | None = None, size_average: bool = True) -> None:
        super().__init__(size_average)
        self.register_buffer("weights", weights)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        x, y = input.detach(), target_like(target, input)
        loss = -((x + self.eps).log() * y + (1 - x + self.eps).log() * (1 - y))
        gradient = (x - y) / ((1 - x + self.eps) * (x + self.eps))
        if self.weights is not None:
            weights = column_weights(self.weights, target).reshape(input.shape)
            loss, gradient = loss * weights, gradient * weights
        count = input.numel()
        return carry(self.averaged(loss.sum(), count), [input], [self.averaged(gradient, count)])


def column_weights(weights: Tensor, target: Tensor) -> Tensor:
    """Return ``weights`` (one per column of a batch) in the shape of ``target``."""
    if target.dim() == 1:
        return weights
    return weights.view(1, target.shape[1]).expand_as(target)


class MultiLabelSoftMarginCriterion(Averaged):
    """Binary cross entropy of ``sigmoid(input)``, in the form that doesn't overflow.

    ``weights`` as in :class:`BCECriterion`. Source: torch/nn MultiLabelSoftMarginCriterion.lua.
    """

    weights: Tensor | None

    def __init__(self, weights: Tensor | None = None, size_average: bool = True) -> None:
        super().__init__(size_average)
        self.register_buffer("weights", weights)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        positive = (input >= 0).to(input.dtype)
        label = target_like(target, input)
        loss = (1 + (input - 2 * input * positive).exp()).log() - input * (label - positive)
        if self.weights is not None:
            loss = loss * column_weights(self.weights, target).reshape(input.shape)
        return self.averaged(loss.sum(), input.numel())


class DistKLDivCriterion(Averaged):
    """Kullback-Leibler divergence of log probabilities from target probabilities.

    Elements with a target of 0 or less count nothing. The average is over all elements.
    Source: torch/nn DistKLDivCriterion.lua, THNN DistKLDivCriterion.c.
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        if input.shape != target.shape:
            raise ValueError(
                f"the input has shape {tuple(input.shape)}, the target {tuple(target.shape)}"
            )
        wanted = target_like(target, input)
        known = wanted > 0
        safe = torch.where(known, wanted, torch.ones_like(wanted))
        loss = torch.where(known, safe * (safe.log() - input), torch.zeros_like(input))
        return self.averaged(loss.sum(), input.numel())


class MarginCriterion(Averaged):
    """Sum of ``max(0, margin - input * target)`` with targets of 1 and -1.

    Source: THNN MarginCriterion.c.
    """

    def __init__(self, margin: float = 1, size_average: bool = True) -> None:
        super().__init__(size_average)
        self.margin = margin

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        slack = self.margin - input * target_like(target, input)
        return self.averaged(slack.relu().sum(), input.numel())

    def extra_repr(self) -> str:
        return ", ".join(filter(None, (f"margin={self.margin:g}", super().extra_repr())))


class SoftMarginCriterion(Averaged):
    """Sum of ``log(1 + exp(-input * target))`` with targets of 1 and -1.

    Source: THNN SoftMarginCriterion.c.
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        loss = (1 + (-input * target_like(target, input)).exp()).log()
        return self.averaged(loss.sum(), input.numel())


class L1Cost(nn.Module):
    """Sum of ``|input|``; a target is taken and ignored. Source: THNN L1Cost.c."""

    def forward(self, input: Tensor, target: object = None) -> Tensor:
        return input.abs().sum()
