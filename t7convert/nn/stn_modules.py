"""Spatial transformers (stnbhwd): parameters to a matrix to a grid to sampled images."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class AffineTransformMatrixGenerator(nn.Module):
    """Affine matrices (2, 3) from (P) or (N, P): angle, scale, two translations, or all six.

    The matrix is rotation times scale times translation, of those that are used; with none, the
    six parameters are the matrix. Source: stnbhwd AffineTransformMatrixGenerator.lua.
    """

    def __init__(
        self, rotation: bool = False, scale: bool = False, translation: bool = False
    ) -> None:
        super().__init__()
        self.rotation, self.scale, self.translation = rotation, scale, translation
        self.size = int(rotation) + int(scale) + 2 * int(translation) or 6

    def forward(self, input: Tensor) -> Tensor:
        if input.shape[-1] != self.size or input.dim() not in (1, 2):
            raise ValueError(f"the shape is {tuple(input.shape)}, expected {self.size} parameters")
        if self.size == 6:
            return input.reshape(*input.shape[:-1], 2, 3)
        parts = list(input.unbind(-1))
        one, zero = torch.ones_like(parts[0]), torch.zeros_like(parts[0])
        cosine, sine = one, zero
        if self.rotation:
            angle = parts.pop(0)
            cosine, sine = angle.cos(), angle.sin()
        if self.scale:
            scale = parts.pop(0)
            cosine, sine = cosine * scale, sine * scale
        right = down = zero
        if self.translation:
            tx, ty = parts
            right, down = cosine * tx - sine * ty, sine * tx + cosine * ty
        rows = [cosine, -sine, right], [sine, cosine, down]
        return torch.stack([torch.stack(row, -1) for row in rows], -2)

    def extra_repr(self) -> str:
        return f"rotation={self.rotation}, scale={self.scale}, translation={self.translation}"


def base_grid(height: int, width: int) -> Tensor:
    """Return (height, width, 3): y and x from -1 to 1, and 1. float64, on the CPU."""
    rows, columns = (
        torch.tensor([-1 + i / (n - 1) * 2 for i in range(n)], dtype=torch.float64, device="cpu")
        for n in (height, width)
    )
    y, x = torch.meshgrid(rows, columns, indexing="ij")
    return torch.stack([y, x, torch.ones_like(y)], -1)


class AffineGridGeneratorBHWD(nn.Module):
    """Grids (y, x) that affine matrices make: (2, 3) to (H, W, 2), (N, 2, 3) to (N, H, W, 2).

    Source: stnbhwd AffineGridGeneratorBHWD.lua.
    """

    grid: Tensor

    def __init__(self, height: int, width: int, grid: Tensor | None = None) -> None:
        super().__init__()
        self.height, self.width = height, width
        base = base_grid(height, width) if grid is None else grid
        self.register_buffer("grid", base, persistent=False)

    def forward(self, input: Tensor) -> Tensor:
        if input.dim() not in (2, 3) or input.shape[-2:] != (2, 3):
            raise ValueError(f"the shape is {tuple(input.shape)}, expected (2, 3) or (N, 2, 3)")
        points = self.grid.to(input.dtype).reshape(-1, 3)
        moved = points @ input.transpose(-1, -2)
        return moved.reshape(*input.shape[:-2], self.height, self.width, 2)

    def extra_repr(self) -> str:
        return f"{self.height}, {self.width}"


class BilinearSamplerBHWD(nn.Module):
    """Images (N, H, W, C) sampled at grids (N, h, w, 2) of (y, x), a pair; or both without N.

    -1 is the first and 1 the last pixel's centre; what is outside the image counts as zero.
    Source: stnbhwd generic/BilinearSamplerBHWD.c.
    """

    def forward(self, input: Sequence[Tensor]) -> Tensor:
        images, grids = input
        alone = images.dim() == 3
        if alone:
            images, grids = images.unsqueeze(0), grids.unsqueeze(0)
        fits = images.dim() == grids.dim() == 4 and images.shape[0] == grids.shape[0]
        if not fits or grids.shape[3] != 2:
            shapes = [tuple(item.shape) for item in input]
            raise ValueError(f"the shapes are {shapes}, expected (N, H, W, C) and (N, h, w, 2)")
        sides = images.shape[1:3]
        places = [(grids[..., i] + 1) * (sides[i] - 1) / 2 for i in (0, 1)]
        firsts = [place.detach().floor() for place in places]
        rows, columns = (
            ((first, 1 - (place - first)), (first + 1, place - first))
            for place, first in zip(places, firsts, strict=True)
        )
        total = torch.zeros_like(images[:, :1, :1])
        for y, down in rows:
            for x, across in columns:
                weight = (down * across).unsqueeze(-1)
                total = total + weight * self._pixels(images, y, x)
        return total.squeeze(0) if alone else total

    @staticmethod
    def _pixels(images: Tensor, y: Tensor, x: Tensor) -> Tensor:
        """Return the pixels at whole coordinates, zero outside the image."""
        n, height, width, channels = images.shape
        inside = (y >= 0) & (y <= height - 1) & (x >= 0) & (x <= width - 1)
        place = y.clamp(0, height - 1) * width + x.clamp(0, width - 1)
        index = place.long().reshape(n, -1, 1).expand(-1, -1, channels)
        pixels = images.reshape(n, -1, channels).gather(1, index)
        return torch.where(inside.unsqueeze(-1), pixels.reshape(*y.shape, channels), 0)
