"""Normalisation of every pixel by the mean and deviation of its neighbourhood, over all planes."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class LocalMean(nn.Module):
    """The weighted mean of every pixel's neighbourhood, over all planes: (N, C, H, W) to one plane.

    Args:
        kernels: one weight (1, C, kH, kW), or a horizontal one per plane (C, 1, k) and a vertical
            one over the planes (1, C, k, 1). All sizes are odd; zeros surround the image.
    """

    def __init__(self, kernels: Sequence[Tensor]) -> None:
        super().__init__()
        self.separable = len(kernels) == 2
        for number, kernel in enumerate(kernels):
            self.register_buffer(f"kernel{number}", kernel, persistent=False)

    def forward(self, input: Tensor) -> Tensor:
        kernel = self.get_buffer("kernel0").to(input.dtype)
        if not self.separable:
            return F.conv2d(input, kernel, padding=(kernel.shape[2] // 2, kernel.shape[3] // 2))
        row = kernel.unsqueeze(1)
        planes = F.conv2d(input, row, padding=(0, row.shape[3] // 2), groups=input.shape[1])
        column = self.get_buffer("kernel1").to(input.dtype)
        return F.conv2d(planes, column, padding=(column.shape[2] // 2, 0))

    def share(self, input: Tensor) -> Tensor:
        """Return what part of every neighbourhood's weight lies in the image, (1, 1, H, W)."""
        share: Tensor = self(torch.ones_like(input[:1]))
        return share


class LocalSubtract(nn.Module):
    """The image less the mean of every neighbourhood; at the border, of its part in the image.

    ``share`` is what part of the neighbourhoods lies in images of its size, as Lua computed it once
    for inputs of the shape ``size``.
    Input: (C, H, W) or (N, C, H, W). Source: torch/nn SpatialSubtractiveNormalization.lua.
    """

    def __init__(
        self, mean: LocalMean, size: Sequence[int] = (), share: Tensor | None = None
    ) -> None:
        super().__init__()
        self.mean = mean
        self.size = tuple(size)
        self.register_buffer("share", share, persistent=False)

    def forward(self, input: Tensor) -> Tensor:
        images = input if input.dim() == 4 else input.unsqueeze(0)
        share = self._buffers["share"]
        if torch.compiler.is_compiling() or share is None or tuple(input.shape) != self.size:
            share = self.mean.share(images)
        output: Tensor = images - self.mean(images) / share
        return output if input.dim() == 4 else output.squeeze(0)


class LocalDivide(nn.Module):
    """The image over the root of the mean square of every neighbourhood.

    Roots that are not above ``threshold`` are replaced by ``value``.
    Input: (C, H, W) or (N, C, H, W). Source: torch/nn SpatialDivisiveNormalization.lua.
    """

    def __init__(self, mean: LocalMean, square: LocalMean, threshold: float, value: float) -> None:
        super().__init__()
        self.mean = mean
        self.square = square
        self.threshold = threshold
        self.value = value

    def forward(self, input: Tensor) -> Tensor:
        images = input if input.dim() == 4 else input.unsqueeze(0)
        squares = self.square(images * images)
        nothing = squares == 0  # nn.Sqrt's gradient is zero there
        roots = torch.where(nothing, 0.0, torch.where(nothing, 1.0, squares).sqrt())
        roots = roots / self.mean.share(images)
        output = images / torch.where(roots > self.threshold, roots, self.value)
        return output if input.dim() == 4 else output.squeeze(0)

    def extra_repr(self) -> str:
        return f"threshold={self.threshold}, value={self.value}"
