"""Local response normalisation across feature maps."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn


class CrossMapLRN(nn.Module):
    """``x * (k + alpha / size * sum of x ** 2 over the neighbouring maps) ** -beta``.

    Map c's neighbours are c - (size - 1) // 2 to c + size // 2; for an even size that is one more
    above than below, where ``torch.nn.LocalResponseNorm`` has one more below.
    Input: (C, H, W) or (N, C, H, W). Source: torch/nn SpatialCrossMapLRN.lua, THCUNN
    SpatialCrossMapLRN.cu.
    """

    def __init__(self, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> None:
        super().__init__()
        self.size = size
        self.alpha = alpha
        self.beta = beta
        self.k = k

    def forward(self, input: Tensor) -> Tensor:
        maps = input if input.dim() == 4 else input.unsqueeze(0)
        n, c, h, w = maps.shape
        squares = (maps * maps).reshape(n, 1, c, h * w)
        before = (self.size - 1) // 2
        padded = F.pad(squares, (0, 0, before, self.size - 1 - before))
        # a mean over the window is the sum over size
        mean = F.avg_pool2d(padded, (self.size, 1), stride=1)
        scale = mean.reshape(n, c, h, w) * self.alpha + self.k
        return (maps * scale.pow(-self.beta)).reshape(input.shape)

    def extra_repr(self) -> str:
        return f"{self.size}, alpha={self.alpha}, beta={self.beta}, k={self.k}"
