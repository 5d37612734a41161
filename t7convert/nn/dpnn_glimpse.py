"""The retina of Element-Research/dpnn."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd import Function
from torch.nn import functional as F

from t7convert.nn.autograd import apply


class _ZeroGradientOf(Function):
    """Give ``output`` back; ``location`` gets a gradient of zero, so that its backward runs."""

    @staticmethod
    def forward(output: Tensor, location: Tensor) -> Tensor:
        return output.clone()

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor], output: Tensor) -> None:
        ctx.save_for_backward(inputs[1])

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor]:
        (location,) = ctx.saved_tensors
        return grad, torch.zeros_like(location)


class SpatialGlimpse(nn.Module):
    """Patches of growing size around a place, all brought to one size, as more planes.

    The input is ``[images, locations]``: ``(N, C, H, W)`` and ``(N, 2)``, or ``(C, H, W)`` and
    ``(2,)``. A location is (y, x) from -1 to 1. Patch k is ``scale`` times as large as patch k - 1;
    with a ``scale`` of 2 the larger ones are averaged over blocks, otherwise ``module`` resamples
    them to ``size``. The output is ``(N, depth * C, *size)``. Locations get a gradient of zero.
    Source: dpnn SpatialGlimpse.lua (torch/rnn's is the same).
    """

    def __init__(
        self,
        size: tuple[int, int],
        depth: int = 3,
        scale: float = 2,
        module: nn.Module | None = None,
    ) -> None:
        super().__init__()
        self.size, self.depth, self.scale, self.module = size, depth, scale, module

    def forward(self, input: Sequence[Tensor]) -> Tensor:
        images, location = input[0], input[1]
        single = images.dim() == 3
        batch = images[None] if single else images
        place = (location[None] if location.dim() == 1 else location).detach()
        if batch.dim() != 4 or place.dim() != 2:
            raise ValueError(
                f"expected images and locations, got shapes {tuple(images.shape)}"
                f" and {tuple(location.shape)}"
            )
        patches = []
        height, width = self.size
        for depth in range(self.depth):
            if depth:
                height, width = math.floor(height * self.scale), math.floor(width * self.scale)
            patch = _patch(batch, place, height, width)
            patches.append(self._reduced(patch) if depth else patch)
        output = apply(_ZeroGradientOf, torch.cat(patches, 1), location)
        return output[0] if single else output

    def _reduced(self, patch: Tensor) -> Tensor:
        if self.module is not None:
            resampled: Tensor = self.module(patch)
            return resampled.reshape(*patch.shape[:2], *self.size)
        kernel = [have // want for have, want in zip(patch.shape[2:], self.size, strict=True)]
        if any(
            have != want * k or k % 2
            for have, want, k in zip(patch.shape[2:], self.size, kernel, strict=True)
        ):
            raise ValueError(f"a patch of {tuple(patch.shape[2:])} can't be halved to {self.size}")
        return F.avg_pool2d(patch, kernel)

    def extra_repr(self) -> str:
        return f"size={self.size}, depth={self.depth}, scale={self.scale:g}"


def _patch(batch: Tensor, place: Tensor, height: int, width: int) -> Tensor:
    """Cut ``(N, C, height, width)`` out of the images with zeros around, each at its place."""
    pad_y, pad_x = (height - 1) // 2, (width - 1) // 2
    padded = F.pad(batch, (pad_x, pad_x, pad_y, pad_y))
    rooms = padded.shape[2] - height, padded.shape[3] - width
    # Lua computes in double precision, which Apple's devices don't have
    place = place.cpu().double() if place.device.type == "mps" else place.double()
    starts = [
        ((place[:, axis] + 1) / 2 * room)
        .clamp(min=0)
        .clamp(max=room)
        .floor()
        .long()
        .to(batch.device)
        for axis, room in enumerate(rooms)
    ]
    rows = starts[0][:, None] + torch.arange(height, device=batch.device)
    columns = starts[1][:, None] + torch.arange(width, device=batch.device)
    sample = torch.arange(len(batch), device=batch.device)[:, None, None]
    return padded[sample, :, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)
