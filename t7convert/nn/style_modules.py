"""Modules of fast-neural-style and AdaIN-style that compute something."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt

import torch
from torch import Tensor, nn


def normalised(input: Tensor, eps: float, statistics: bool) -> Tensor:
    """Return the planes of (..., H, W) less their mean, over their deviation.

    Without ``statistics``, mean and variance count as 0 and 1.
    """
    if not statistics:
        return input * (1 / sqrt(1 + eps))
    variance, mean = torch.var_mean(input, (-2, -1), correction=0, keepdim=True)
    output: Tensor = (input - mean) * (variance + eps).rsqrt()
    return output


class InstanceNormalization(nn.Module):
    """Normalise every plane of (C, H, W) or (N, C, H, W) by itself, in evaluation too.

    Args:
        planes: C.
        eps: added to the variance.
        affine: whether there are ``weight`` and ``bias``.
        statistics: take every plane's mean and variance; else 0 and 1, which is what nn's batch
            normalisation of 2017 and later makes of these classes.
        disabled: give a copy of the input.

    Source: fast-neural-style InstanceNormalization.lua, AdaIN-style InstanceNormalization.lua.
    """

    def __init__(
        self,
        planes: int,
        eps: float = 1e-5,
        *,
        affine: bool = True,
        statistics: bool = True,
        disabled: bool = False,
    ) -> None:
        super().__init__()
        self.planes, self.eps = planes, eps
        self.statistics, self.disabled = statistics, disabled
        self.weight = nn.Parameter(torch.rand(planes)) if affine else None
        self.bias = nn.Parameter(torch.zeros(planes)) if affine else None

    def forward(self, input: Tensor) -> Tensor:
        if self.disabled:
            return input.clone()
        if input.dim() not in (3, 4) or input.shape[-3] != self.planes:
            raise ValueError(f"the shape is {tuple(input.shape)}, expected {self.planes} planes")
        output = normalised(input, self.eps, self.statistics)
        if self.weight is None or self.bias is None:
            return output
        return output * self.weight.view(-1, 1, 1) + self.bias.view(-1, 1, 1)

    def extra_repr(self) -> str:
        return (
            f"{self.planes}, eps={self.eps:g}, affine={self.weight is not None},"
            f" statistics={self.statistics}, disabled={self.disabled}"
        )


class AdaptiveInstanceNormalization(nn.Module):
    """Give the planes of the first of a pair the means and deviations of the second's.

    Both are (C, H, W) or (N, C, H, W), of any sizes; the output has four dimensions. ``disabled``
    gives the first as it is. Source: AdaIN-style AdaptiveInstanceNormalization.lua.
    """

    def __init__(
        self,
        planes: int,
        eps: float = 1e-5,
        *,
        statistics: bool = True,
        disabled: bool = False,
    ) -> None:
        super().__init__()
        self.planes, self.eps = planes, eps
        self.statistics, self.disabled = statistics, disabled

    def forward(self, input: Sequence[Tensor]) -> Tensor:
        content, style = input
        if self.disabled:
            return content
        if content.dim() == 3:
            content, style = content.unsqueeze(0), style.unsqueeze(0)
        wanted = (len(content), self.planes)
        if tuple(content.shape[:2]) != wanted or tuple(style.shape[:2]) != wanted:
            shapes = [tuple(item.shape) for item in input]
            raise ValueError(f"the shapes are {shapes}, expected {self.planes} planes in both")
        variance, mean = torch.var_mean(style, (2, 3), correction=0, keepdim=True)
        return normalised(content, self.eps, self.statistics) * variance.sqrt() + mean

    def extra_repr(self) -> str:
        return (
            f"{self.planes}, eps={self.eps:g}, statistics={self.statistics},"
            f" disabled={self.disabled}"
        )


class ShaveImage(nn.Module):
    """Crop ``size`` pixels from every side of (N, C, H, W). Source: ShaveImage.lua."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size

    def forward(self, input: Tensor) -> Tensor:
        if input.dim() != 4 or min(input.shape[2:]) <= 2 * self.size:
            raise ValueError(f"can't shave {self.size} pixels off the shape {tuple(input.shape)}")
        height, width = (n - 2 * self.size for n in input.shape[2:])
        return input.narrow(2, self.size, height).narrow(3, self.size, width).clone()

    def extra_repr(self) -> str:
        return f"size={self.size}"


class GramMatrix(nn.Module):
    """The products of all pairs of planes, (C, H, W) to (C, C) or with N in front.

    With ``normalize``, over C * H * W. Source: fast-neural-style GramMatrix.lua.
    """

    def __init__(self, normalize: bool = True) -> None:
        super().__init__()
        self.normalize = normalize

    def forward(self, input: Tensor) -> Tensor:
        if input.dim() not in (3, 4):
            raise ValueError(f"expected 3 or 4 dimensions, got {input.dim()}")
        flat = input.flatten(-2)
        products = flat @ flat.transpose(-1, -2)
        return products / (flat.shape[-1] * flat.shape[-2]) if self.normalize else products

    def extra_repr(self) -> str:
        return f"normalize={self.normalize}"
