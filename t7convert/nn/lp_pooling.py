"""Lp pooling over features."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class FeatureLPPool(nn.Module):
    """Lp norm over windows of ``width`` features, ``stride`` apart.

    Where the norm is zero, so is its gradient. Input: (N, C), (N, C, a) or (N, C, a, b) where
    ``batched``, else (C), (C, a) or (C, a, b).
    Source: torch/nn lib/THNN/generic/FeatureLPPooling.c.
    """

    def __init__(self, width: int, stride: int, power: float, *, batched: bool = False) -> None:
        super().__init__()
        self.width = width
        self.stride = stride
        self.power = power
        self.batched = batched

    def forward(self, input: Tensor) -> Tensor:
        windows = input.unfold(1 if self.batched else 0, self.width, self.stride)
        sums = windows.pow(self.power).sum(-1)
        nothing = sums == 0
        norms = torch.where(nothing, 1.0, sums).pow(1 / self.power)
        return torch.where(nothing, 0.0, norms)

    def extra_repr(self) -> str:
        return f"{self.width}, {self.stride}, power={self.power}, batched={self.batched}"
