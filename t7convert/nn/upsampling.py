"""Enlargements of the last dimensions by whole factors or to a given size."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class UpsampleNearest(nn.Module):
    """Repeat every element ``scale`` times in each of the last ``dims`` dimensions.

    Without ``dims``, in all but the first two: images (N, C, H, W) or volumes (N, C, T, H, W).
    Source: torch/nn SpatialUpSamplingNearest.lua, UpSampling.lua.
    """

    def __init__(self, scale: int, dims: int | None = None) -> None:
        super().__init__()
        self.scale = scale
        self.dims = dims

    def forward(self, input: Tensor) -> Tensor:
        dims = input.dim() - 2 if self.dims is None else self.dims
        output = input
        for dim in range(-dims, 0):
            output = output.repeat_interleave(self.scale, dim)
        return output

    def extra_repr(self) -> str:
        return f"scale={self.scale}" + ("" if self.dims is None else f", dims={self.dims}")


class UpsampleLinear(nn.Module):
    """Linear interpolation along the last ``dims`` dimensions, corners on corners.

    To ``size``, or by ``scale``. Coordinates are computed in single precision whatever the input's
    type, as in C; ``torch.nn.Upsample`` differs by some 1e-7 in double precision.
    Without ``dims``, along all but the first two dimensions.
    Source: torch/nn SpatialUpSamplingBilinear.lua, UpSampling.lua; THNN
    generic/SpatialUpSamplingBilinear.c, VolumetricUpSamplingTrilinear.c.
    """

    def __init__(
        self,
        scale: int | None = None,
        size: Sequence[int] | None = None,
        dims: int | None = None,
    ) -> None:
        super().__init__()
        if (scale is None) == (size is None):
            raise ValueError("either scale or size must be given")
        self.scale = scale
        self.size = None if size is None else tuple(size)
        self.dims = dims

    def _sizes(self, input: Tensor) -> list[int]:
        dims = input.dim() - 2 if self.dims is None else self.dims
        if self.scale is not None:
            return [n * self.scale for n in input.shape[-dims:]]
        size = self.size or ()
        if len(size) < dims:
            raise ValueError(f"{dims} sizes are needed, there are {len(size)}")
        return list(size[-dims:])

    def forward(self, input: Tensor) -> Tensor:
        sizes = self._sizes(input)
        output = input
        for dim, size in zip(range(-1, -len(sizes) - 1, -1), reversed(sizes), strict=True):
            output = _stretch(output, dim, size)
        return output

    def extra_repr(self) -> str:
        size = f"scale={self.scale}" if self.size is None else f"size={self.size}"
        return size + ("" if self.dims is None else f", dims={self.dims}")


def _stretch(input: Tensor, dim: int, size: int) -> Tensor:
    """Interpolate one dimension to ``size`` places."""
    old = input.shape[dim]
    if old == size:
        return input
    place = torch.arange(size, dtype=torch.float32, device=input.device)
    if size > 1:
        steps = torch.tensor([old - 1, size - 1], dtype=torch.float32, device=input.device)
        place = place * (steps[0] / steps[1])
    low = place.to(torch.long)
    high = (low + 1).clamp(max=old - 1)
    shape = [-1] + [1] * (-dim - 1)
    part = (place - low.to(torch.float32)).to(input.dtype).reshape(shape)
    return (1 - part) * input.index_select(dim, low) + part * input.index_select(dim, high)
