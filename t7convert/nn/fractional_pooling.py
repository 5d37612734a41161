"""Fractional max pooling, whose windows are drawn at random in evaluation too."""

from __future__ import annotations

from collections.abc import Sequence
from math import floor

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class FractionalMaxPool(nn.Module):
    """Max pooling over windows whose places are drawn anew for every plane at every call.

    With ``fixed`` the samples stay as long as batch and planes keep their numbers; ``samples``
    (N, C, dimensions; in the order of the dimensions) are the first ones then.
    Input: one or no batch dimension, planes, and as many dimensions as ``kernel_size`` has.
    Source: torch/nn SpatialFractionalMaxPooling.lua, VolumetricFractionalMaxPooling.lua.
    """

    samples: Tensor | None

    def __init__(
        self,
        kernel_size: Sequence[int],
        output_size: Sequence[int] | None = None,
        output_ratio: Sequence[float] | None = None,
        *,
        fixed: bool = False,
        samples: Tensor | None = None,
    ) -> None:
        super().__init__()
        if (output_size is None) == (output_ratio is None):
            raise ValueError("either output_size or output_ratio must be given")
        self.kernel_size = tuple(kernel_size)
        self.output_size = None if output_size is None else tuple(output_size)
        self.output_ratio = None if output_ratio is None else tuple(output_ratio)
        self.fixed = fixed
        self.register_buffer("samples", samples, persistent=False)

    def _samples_for(self, batch: Tensor) -> Tensor:
        n, c = batch.shape[:2]
        if self.fixed and self.samples is not None and self.samples.shape[:2] == (n, c):
            return self.samples.to(batch.dtype)
        drawn = torch.rand(n, c, len(self.kernel_size), dtype=batch.dtype, device=batch.device)
        if self.fixed:
            self.samples = drawn
        return drawn

    def _size_for(self, batch: Tensor) -> tuple[int, ...]:
        if self.output_size is not None:
            return self.output_size
        ratios = self.output_ratio or ()
        return tuple(floor(n * r) for n, r in zip(batch.shape[2:], ratios, strict=True))

    def forward(self, input: Tensor) -> Tensor:
        dims = len(self.kernel_size)
        batch = input if input.dim() == dims + 2 else input.unsqueeze(0)
        samples, size = self._samples_for(batch), self._size_for(batch)
        if dims == 2:  # torch, too, takes the sample for the width first, but for volumes last
            output, _ = F.fractional_max_pool2d_with_indices(
                batch, self.kernel_size, size, _random_samples=samples.flip(-1)
            )
        else:
            output, _ = F.fractional_max_pool3d_with_indices(
                batch, self.kernel_size, size, _random_samples=samples
            )
        return output if input.dim() == dims + 2 else output.squeeze(0)

    def extra_repr(self) -> str:
        return (
            f"kernel_size={self.kernel_size}, output_size={self.output_size}, "
            f"output_ratio={self.output_ratio}, fixed={self.fixed}"
        )
