"""Modules of imagine-nn (inn)."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from t7convert.nn.containers import Concat


class ConstAffine(nn.Module):
    """Scale and shift every plane of (N, C) or (N, C, H, W) by constants.

    Source: imagine-nn ConstAffine.lua.
    """

    a: Tensor
    b: Tensor

    def __init__(self, planes: int) -> None:
        super().__init__()
        self.register_buffer("a", torch.ones(planes))
        self.register_buffer("b", torch.zeros(planes))

    def forward(self, input: Tensor) -> Tensor:
        if input.dim() not in (2, 4):
            raise ValueError(f"expected 2 or 4 dimensions, got {input.dim()}")
        shape = (1, -1, *[1] * (input.dim() - 2))
        return input * self.a.view(shape) + self.b.view(shape)

    def extra_repr(self) -> str:
        return f"{self.a.shape[0]}"


class MeanSubtraction(nn.Module):
    """The input less a mean image. Source: imagine-nn MeanSubtraction.lua.

    A batch of images, (N, C, H, W), is compared with a mean of one sample; a mean with as many
    samples as the batch is taken sample by sample, of one with another number the first counts.
    """

    mean: Tensor

    def __init__(self, mean: Tensor) -> None:
        super().__init__()
        self.register_buffer("mean", mean)

    def forward(self, input: Tensor) -> Tensor:
        mean = self.mean
        if input.dim() == 4 and (mean.dim() != 4 or mean.shape[0] != input.shape[0]):
            sample = mean[0] if mean.dim() == 4 else mean
            return input - sample.reshape(1, *input.shape[1:])
        return input - mean.reshape(input.shape)

    def extra_repr(self) -> str:
        return f"mean={tuple(self.mean.shape)}"


class SpatialPyramidPooling(Concat):
    """Join the features that poolings make of (C, H, W) or (N, C, H, W): (F) or (N, F).

    Source: imagine-nn SpatialPyramidPooling.lua.
    """

    def __init__(self, *children: nn.Module) -> None:
        super().__init__(-1, *children)

    def forward(self, input: Any) -> Tensor:
        if input.dim() not in (3, 4):
            raise ValueError(f"expected 3 or 4 dimensions, got {input.dim()}")
        return torch.cat([child(input) for child in self], input.dim() - 3)
