"""Transposed convolutions that may be told their output's size by a second input.

Source: torch/nn SpatialFullConvolution.lua and VolumetricFullConvolution.lua, ``calculateAdj``.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn


def adjustment(
    target: Sequence[int],
    kernel: Sequence[int],
    padding: Sequence[int],
    stride: Sequence[int],
) -> tuple[int, ...]:
    """Return the output padding that gives a size equal to ``target`` modulo the stride."""
    return tuple(
        (n + 2 * p - k) % s for n, k, p, s in zip(target, kernel, padding, stride, strict=True)
    )


def _ints(values: Sequence[int] | str) -> tuple[int, ...]:
    return tuple(int(n) for n in values)


class ConvTranspose2d(nn.ConvTranspose2d):
    """A transposed convolution of an image, or of ``[image, target]``.

    With a target, ``output_padding`` is what brings the output to the target's height and width,
    up to multiples of the stride; the target's values don't matter.
    """

    def forward(
        self, input: Tensor | Sequence[Tensor], output_size: list[int] | None = None
    ) -> Tensor:
        if isinstance(input, Tensor):
            return super().forward(input, output_size)
        image, target = input
        padding = _ints(self.padding)
        adj = adjustment(target.shape[-2:], self.kernel_size, padding, self.stride)
        return F.conv_transpose2d(
            image, self.weight, self.bias, self.stride, padding, adj, self.groups, self.dilation
        )


class ConvTranspose3d(nn.ConvTranspose3d):
    """A transposed convolution of a volume, or of ``[volume, target]``, as ConvTranspose2d."""

    def forward(
        self, input: Tensor | Sequence[Tensor], output_size: list[int] | None = None
    ) -> Tensor:
        if isinstance(input, Tensor):
            return super().forward(input, output_size)
        volume, target = input
        padding = _ints(self.padding)
        adj = adjustment(target.shape[-3:], self.kernel_size, padding, self.stride)
        return F.conv_transpose3d(
            volume, self.weight, self.bias, self.stride, padding, adj, self.groups, self.dilation
        )
