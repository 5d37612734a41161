"""Criterions of waifu2x (w2nn)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from t7convert.nn.criterion_elementwise import target_like
from t7convert.nn.criterion_gradient import carry
from t7convert.nn.w2nn_modules import clip_straight_through


class ClippedMSECriterion(nn.Module):
    """Mean square of the clipped input's distance from the target.

    The gradient is the distance over the number of elements: half the derivative, and not zero
    where the input was clipped. Source: waifu2x ClippedMSECriterion.lua.
    """

    def __init__(self, low: float = 0, high: float = 1) -> None:
        super().__init__()
        self.low, self.high = low, high

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        difference = input.detach().clamp(self.low, self.high) - target_like(target, input)
        loss = difference.square().mean()
        return carry(loss, [input], [difference * (1 / input.numel())])

    def extra_repr(self) -> str:
        return f"low={self.low:g}, high={self.high:g}"


def huber(difference: Tensor, gamma: float) -> tuple[Tensor, Tensor]:
    """Return Huber's loss and its slope, element by element."""
    size = difference.abs()
    loss = torch.where(size < gamma, 0.5 * difference.square(), gamma * (size - 0.5 * gamma))
    return loss, torch.where(size < gamma, difference, gamma * difference.sign())


class ClippedWeightedHuberCriterion(nn.Module):
    """Mean Huber loss of the clipped input's distance from the target, times ``weight``.

    ``weight`` has the shape of a sample. The gradient is Huber's slope over the number of elements,
    without the weight, and not zero where the input was clipped.
    Source: waifu2x ClippedWeightedHuberCriterion.lua.
    """

    weight: Tensor

    def __init__(
        self, weight: Tensor, gamma: float = 1, clip: tuple[float, float] = (0, 1)
    ) -> None:
        super().__init__()
        self.gamma, self.clip = gamma, clip
        self.register_buffer("weight", weight)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        difference = input.detach().clamp(*self.clip) - target_like(target, input)
        loss, slope = huber(difference * self.weight, self.gamma)
        return carry(loss.mean(), [input], [slope * (1 / input.numel())])

    def extra_repr(self) -> str:
        return f"gamma={self.gamma:g}, clip={self.clip}"


class L1Criterion(nn.Module):
    """Mean absolute distance. Source: waifu2x L1Criterion.lua.

    Of a 1-D input only the first element is compared, with a target that is a number; the others
    count as they are.
    """

    def forward(self, input: Tensor, target: Tensor | float) -> Tensor:
        if input.dim() == 1:
            number = float(target)
            first = torch.arange(len(input), device=input.device) == 0
            difference = torch.where(first, input - number, input)
        elif isinstance(target, Tensor):
            difference = input - target_like(target, input)
        else:
            raise TypeError(f"expected a target tensor for an input of {input.dim()} dimensions")
        return difference.abs().sum() / input.numel()


class SSIMCriterion(nn.Module):
    """Mean structural similarity; ``conv`` is the blur. Higher is more alike.

    Lua has no backward; here the gradient is the derivative. Source: waifu2x SSIMCriterion.lua.
    """

    def __init__(self, conv: nn.Module, c1: float = 0.01**2, c2: float = 0.03**2) -> None:
        super().__init__()
        self.conv, self.c1, self.c2 = conv, c1, c2

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        wanted = target_like(target, input)
        mean1, mean2 = self.conv(input), self.conv(wanted)
        variance1 = self.conv(input * input) - mean1 * mean1
        variance2 = self.conv(wanted * wanted) - mean2 * mean2
        covariance = self.conv(input * wanted) - mean1 * mean2
        above = (2 * mean1 * mean2 + self.c1) * (2 * covariance + self.c2)
        below = (mean1 * mean1 + mean2 * mean2 + self.c1) * (variance1 + variance2 + self.c2)
        similarity: Tensor = (above / below).mean()
        return similarity


class LBPCriterion(nn.Module):
    """Mean Huber loss between fixed random filters of input and target, both clipped to 0 and 1.

    Takes ``(N, C, H, W)``, or ``(N, C * k * k)``. The gradient is Huber's slope times ``filters``
    over the input's number of elements, back through the filters, and not zero where the input was
    clipped. Source: waifu2x LBPCriterion.lua.
    """

    def __init__(
        self,
        filter1: nn.Module,
        filter2: nn.Module,
        channels: int,
        filters: int,
        gamma: float = 0.1,
    ) -> None:
        super().__init__()
        self.filter1, self.filter2 = filter1, filter2
        self.channels, self.filters, self.gamma = channels, filters, gamma

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        with torch.no_grad():
            wanted = self.filter2(self._images(target).clamp(0, 1))
        found = self.filter1(clip_straight_through(self._images(input), 0, 1))
        loss, slope = huber(found.detach() - wanted, self.gamma)
        return carry(loss.mean(), [found], [slope * (self.filters / input.numel())])

    def _images(self, rows: Tensor) -> Tensor:
        if rows.dim() != 2:
            return rows
        side = round((rows.shape[1] / self.channels) ** 0.5)
        return rows.reshape(len(rows), self.channels, side, side)

    def extra_repr(self) -> str:
        return f"channels={self.channels}, filters={self.filters}, gamma={self.gamma:g}"
