"""Modules of Element-Research/dpnn that are random in training."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn


class TotalDropout(nn.Module):
    """In training, all zeros with probability p, else the input as it is.

    Source: dpnn TotalDropout.lua.
    """

    def __init__(self, p: float = 0.5) -> None:
        super().__init__()
        self.p = p

    def forward(self, input: Tensor) -> Tensor:
        if not self.training:
            return input.clone()
        kept = torch.rand((), device=input.device) < 1 - self.p
        return input * kept.to(input.dtype)

    def extra_repr(self) -> str:
        return f"p={self.p:g}"


class SpatialRegionDropout(nn.Module):
    """In training, zero the part p of the rows or columns at a side drawn at random.

    The rest is divided by ``1 - p``. Takes ``(C, H, W)`` or ``(N, C, H, W)``; all of a batch lose
    the same. Source: dpnn SpatialRegionDropout.lua.
    """

    def __init__(self, p: float = 0.2) -> None:
        super().__init__()
        self.p = p

    def forward(self, input: Tensor) -> Tensor:
        if not self.training:
            return input.clone()
        if input.dim() not in (3, 4):
            raise ValueError(f"expected 3 or 4 dimensions, got {input.dim()}")
        side = int(torch.randint(4, ()))
        dim = -2 if side < 2 else -1
        size = input.shape[dim]
        place = torch.arange(size, device=input.device)
        lost = math.floor(size * self.p)
        kept = place >= lost if side % 2 == 0 else place < size - lost
        mask = kept.to(input.dtype) / (1 - self.p)
        return input * (mask[:, None] if dim == -2 else mask)

    def extra_repr(self) -> str:
        return f"p={self.p:g}"


def _channels(input: Tensor, channels: int) -> tuple[int, ...]:
    """Return the shape of one number per sample and channel.

    Raises:
        ValueError: if the input isn't ``(C, H, W)`` or ``(N, C, H, W)``.
    """
    if input.dim() not in (3, 4) or input.shape[-3] != channels:
        raise ValueError(f"expected {channels} channels, got shape {tuple(input.shape)}")
    return tuple(input.shape[:-2])


class SimpleColorTransform(nn.Module):
    """In training, add to each channel of each image a number from ``-range[c]`` to ``range[c]``.

    Source: dpnn SimpleColorTransform.lua.
    """

    range: Tensor

    def __init__(self, range: Tensor) -> None:
        super().__init__()
        self.register_buffer("range", range)

    def forward(self, input: Tensor) -> Tensor:
        if not self.training:
            return input.clone()
        shape = _channels(input, len(self.range))
        noise = torch.rand(shape, dtype=input.dtype, device=input.device) * 2 - 1
        return input + (noise * self.range)[..., None, None]


class PCAColorTransform(nn.Module):
    """In training, add to each image a random mixture of the colour space's principal components.

    The mixture is ``eigenVectors @ (eigenValues * alpha)`` with alpha normal of deviation ``std``.
    Source: dpnn PCAColorTransform.lua.
    """

    def __init__(self, vectors: Tensor, values: Tensor, std: float = 0.1) -> None:
        super().__init__()
        self.std = std
        self.register_buffer("eigenVectors", vectors)
        self.register_buffer("eigenValues", values)

    def forward(self, input: Tensor) -> Tensor:
        if not self.training:
            return input.clone()
        vectors, values = self.get_buffer("eigenVectors"), self.get_buffer("eigenValues")
        shape = _channels(input, len(values))
        alphas = torch.randn(shape, dtype=input.dtype, device=input.device) * self.std
        noise = (alphas * values) @ vectors.T
        return input + noise[..., None, None]

    def extra_repr(self) -> str:
        return f"channels={len(self.get_buffer('eigenValues'))}, std={self.std:g}"


class SpatialUniformCrop(nn.Module):
    """Crop ``(C, H, W)`` or ``(N, C, H, W)`` to ``size``, at random places in training.

    With ``scale`` (the smallest and the greatest) a crop in training is that much larger than
    ``size`` and ``scaler`` brings it back. Evaluation takes the window in the middle, whose first
    row is ``ceil((H - h) / 2)`` counted from 1: equal sizes are an error, as in Lua.
    Source: dpnn SpatialUniformCrop.lua.
    """

    def __init__(
        self,
        size: tuple[int, int],
        scale: tuple[float, float] | None = None,
        scaler: nn.Module | None = None,
    ) -> None:
        super().__init__()
        self.size, self.scale, self.scaler = size, scale, scaler

    def forward(self, input: Tensor) -> Tensor:
        batch = input if input.dim() == 4 else input[None]
        if not self.training:
            output = self._middle(batch)
        elif self.scale is None or self.scaler is None:
            output = torch.stack([self._crop(image) for image in batch])
        else:
            output = torch.stack([self._scaled_crop(image, *self.scale) for image in batch])
        return output if input.dim() == 4 else output[0]

    def _middle(self, batch: Tensor) -> Tensor:
        starts = [
            math.ceil((have - want) / 2)
            for have, want in zip(batch.shape[2:], self.size, strict=True)
        ]
        return _window(batch, starts, self.size).clone()  # Lua copies

    def _crop(self, image: Tensor) -> Tensor:
        room = [have - want for have, want in zip(image.shape[1:], self.size, strict=True)]
        return _window(image, [math.ceil(_uniform(1e-2, r)) for r in room], self.size)

    def _scaled_crop(self, image: Tensor, low: float, high: float) -> Tensor:
        factor = _uniform(low, high)
        height, width = (math.ceil(factor * n) for n in self.size)
        rows, columns = image.shape[1:]
        y = math.ceil(_uniform(1e-2, rows - height))
        x = math.ceil(_uniform(1e-2, columns - width))
        middle_y = math.ceil(rows / 2 - (rows - height) / 2 + y)
        middle_x = math.ceil(columns / 2 - (rows - width) / 2 + x)  # Lua takes the rows here too
        starts = [max(middle_y - math.ceil(height / 2), 1), max(middle_x - math.ceil(width / 2), 1)]
        crop = _window(image, starts, (height, width))
        scaled: Tensor = self.scaler(crop) if self.scaler is not None else crop
        return scaled.reshape(len(image), *self.size)

    def extra_repr(self) -> str:
        return f"size={self.size}, scale={self.scale}"


def _uniform(low: float, high: float) -> float:
    return low + (high - low) * float(torch.rand((), dtype=torch.float64))


def _window(image: Tensor, starts: list[int], size: tuple[int, int]) -> Tensor:
    """Return a window by its first row and column, counted from 1.

    Raises:
        ValueError: if it doesn't lie inside.
    """
    (y, x), (height, width) = starts, size
    if min(y, x) < 1 or y + height - 1 > image.shape[-2] or x + width - 1 > image.shape[-1]:
        raise ValueError(
            f"a window of {height} x {width} from {y}, {x} on (counted from 1) doesn't lie in"
            f" {image.shape[-2]} x {image.shape[-1]}"
        )
    return image[..., y - 1 : y - 1 + height, x - 1 : x - 1 + width]
