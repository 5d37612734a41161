"""Padding and resampling of images, as lua---nnx does it."""

from __future__ import annotations

from math import floor
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd import Function

from t7convert.nn.autograd import apply
from t7convert.nn.memory import Memory
from t7convert.nn.single import single

Mode = Literal["simple", "average", "bilinear"]


def pad_image(
    input: Tensor, pads: tuple[int, int, int, int], y_dim: int, x_dim: int, value: float = 0.0
) -> Tensor:
    """Return ``input`` with (left, right, top, bottom) columns and rows more; negative ones crop.

    Raises:
        ValueError: if nothing would be left.
    """
    left, right, top, bottom = pads
    if input.shape[x_dim] + left + right < 1 or input.shape[y_dim] + top + bottom < 1:
        raise ValueError(f"an input of shape {tuple(input.shape)} is too small for pads {pads}")
    amounts = [0] * (2 * input.dim())
    for dim, ends in ((x_dim, (left, right)), (y_dim, (top, bottom))):
        place = 2 * (input.dim() - 1 - dim)
        amounts[place : place + 2] = ends
    return F.pad(input, amounts, value=value)


class SpatialPadding(nn.Module):
    """Pad (left, right, top, bottom) with ``value``, or crop where negative.

    Source: nnx SpatialPadding.lua.
    """

    def __init__(
        self,
        pads: tuple[int, int, int, int],
        y_dim: int = 1,
        x_dim: int = 2,
        value: float = 0.0,
    ) -> None:
        super().__init__()
        self.pads, self.y_dim, self.x_dim, self.value = pads, y_dim, x_dim, value

    def forward(self, input: Tensor) -> Tensor:
        return pad_image(input, self.pads, self.y_dim, self.x_dim, self.value)

    def extra_repr(self) -> str:
        return f"{self.pads}, y_dim={self.y_dim}, x_dim={self.x_dim}, value={self.value:g}"


def repeat_image(input: Tensor, times: tuple[int, int], y_dim: int, x_dim: int) -> Tensor:
    """Return every pixel ``times`` (down, across)."""
    tall = input.repeat_interleave(times[0], y_dim)
    return tall.repeat_interleave(times[1], x_dim)


class SpatialUpSampling(nn.Module):
    """Repeat every pixel ``scale`` times (down, across). Source: nnx SpatialUpSampling.lua."""

    def __init__(self, scale: tuple[int, int], y_dim: int = 1) -> None:
        super().__init__()
        self.scale, self.y_dim = scale, y_dim

    def forward(self, input: Tensor) -> Tensor:
        return repeat_image(input, self.scale, self.y_dim, self.y_dim + 1)

    def extra_repr(self) -> str:
        return f"scale={self.scale}, y_dim={self.y_dim}"


def _window_sums(
    input: Tensor, y_dim: int, size: tuple[int, int], window: tuple[int, int]
) -> Tensor:
    """Return the sums of ``size`` windows that lie side by side from the first pixel on."""
    x_dim = y_dim + 1
    rows = input.narrow(y_dim, 0, size[0] * window[0])
    image = rows.narrow(x_dim, 0, size[1] * window[1])
    parts = image.unflatten(x_dim, (size[1], window[1])).unflatten(y_dim, (size[0], window[0]))
    sums: Tensor = parts.sum((y_dim + 1, x_dim + 2))
    return sums


class SpatialDownSampling(nn.Module):
    """The means of windows side by side, of (C, H, W). Source: nnx generic/SpatialDownSampling.c.

    The reciprocal of the window's area is a C float.
    """

    def __init__(self, ratio: tuple[int, int]) -> None:
        super().__init__()
        self.ratio = ratio

    def forward(self, input: Tensor) -> Tensor:
        if input.dim() != 3:
            raise ValueError(f"expected 3 dimensions, got {input.dim()}")
        size = input.shape[1] // self.ratio[0], input.shape[2] // self.ratio[1]
        if 0 in size:
            raise ValueError(f"an input of shape {tuple(input.shape)} is too small")
        share = single(1 / (self.ratio[0] * self.ratio[1]))
        return _window_sums(input, 1, size, self.ratio) * share

    def extra_repr(self) -> str:
        return f"ratio={self.ratio}"


def _between(size: int, count: int, like: Tensor) -> tuple[tuple[Tensor, Tensor], ...]:
    """Return (positions, weights) of the pixels before and after, weights in single precision.

    Raises:
        ValueError: for one row or column, where Torch7 divided by zero.
    """
    if count < 2:
        raise ValueError(f"bilinear resampling to {count} rows or columns has no meaning in Torch7")
    steps = torch.arange(count, dtype=torch.float32, device=like.device)
    places = steps * ((size - 1) / (count - 1))
    before = places.floor()
    after = before + 1
    return (
        (before.long(), after - places),
        (after.long().clamp(max=size - 1), places - before),
    )


def resample_bilinear(input: Tensor, size: tuple[int, int], y_dim: int) -> Tensor:
    """Return the image of ``size``, corners on corners, with weights in single precision.

    Source: nnx generic/SpatialReSampling.c.
    """
    x_dim = y_dim + 1
    shape = [1] * input.dim()
    shape[y_dim], shape[x_dim] = size
    total: Tensor | None = None
    for row, down in _between(input.shape[y_dim], size[0], input):
        for column, across in _between(input.shape[x_dim], size[1], input):
            weight = (down.unsqueeze(1) * across).to(input.dtype).view(shape)
            part = input.index_select(y_dim, row).index_select(x_dim, column) * weight
            total = part if total is None else total + part
    assert total is not None
    return total


class SpatialReSampling(Memory):
    """Bilinear resampling of (C, H, W) or (N, C, H, W) to a size, or by ratios.

    ``size`` and ``ratio`` are (height, width); where a size is None, it's the ratio times the
    first input's, cut off. Later inputs get the same size, until ``forget()``, as in Lua.
    Source: nnx SpatialReSampling.lua, generic/SpatialReSampling.c.
    """

    def __init__(
        self,
        size: tuple[float | None, float | None] = (None, None),
        ratio: tuple[float | None, float | None] = (None, None),
    ) -> None:
        super().__init__()
        self.size, self.ratio = size, ratio

    def forward(self, input: Tensor) -> Tensor:
        if input.dim() not in (3, 4):
            raise ValueError(f"expected 3 or 4 dimensions, got {input.dim()}")
        y_dim = input.dim() - 2
        size = self.memory.get("size")
        if size is None:
            size = [
                int(goal if goal is not None else (ratio or 0) * old)
                for goal, ratio, old in zip(self.size, self.ratio, input.shape[y_dim:], strict=True)
            ]
            self.keep(size=size)
        return resample_bilinear(input, (size[0], size[1]), y_dim)

    def extra_repr(self) -> str:
        return f"size={self.size}, ratio={self.ratio}"


class _Scale(Function):
    """Multiply by one factor, and the gradient by another."""

    @staticmethod
    def forward(input: Tensor, factor: float, slope: float) -> Tensor:
        return input * factor

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, float, float], output: Tensor) -> None:
        ctx.slope = inputs[2]

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        return grad * ctx.slope, None, None


class SpatialReSamplingEx(nn.Module):
    """Resample two neighbouring dimensions to a size, or by ratios, both up or both down.

    Args:
        size: (height, width); where None, the ratio times the input's, rounded.
        ratio: (height, width).
        mode: ``simple`` repeats or drops pixels, ``average`` takes means of windows on the way
            down, ``bilinear`` interpolates.
        y_dim: the dimension of the rows (0-based); the columns stand in the next one.

    Source: nnx SpatialReSamplingEx.lua, generic/SpatialReSamplingEx.c.
    """

    def __init__(
        self,
        size: tuple[float | None, float | None] = (None, None),
        ratio: tuple[float | None, float | None] = (None, None),
        mode: Mode = "simple",
        y_dim: int = 1,
    ) -> None:
        super().__init__()
        self.size, self.ratio, self.mode, self.y_dim = size, ratio, mode, y_dim

    def _goal(self, old: tuple[int, int]) -> tuple[int, int]:
        height, width = (
            int(goal) if goal is not None else floor((ratio or 0) * n + 0.5)
            for goal, ratio, n in zip(self.size, self.ratio, old, strict=True)
        )
        if (height >= old[0]) != (width >= old[1]):
            raise ValueError(f"{old} to {(height, width)}: up in one dimension, down in the other")
        return height, width

    def forward(self, input: Tensor) -> Tensor:
        y, x = self.y_dim, self.y_dim + 1
        old = input.shape[y], input.shape[x]
        new = self._goal(old)
        if self.mode == "bilinear":
            return resample_bilinear(input, new, y)
        steps = [torch.arange(n, device=input.device) for n in new]
        if new[0] >= old[0]:
            rows, columns = (
                step // -(-goal // n) for step, goal, n in zip(steps, new, old, strict=True)
            )
            return input.index_select(y, rows).index_select(x, columns)
        window = old[0] // new[0], old[1] // new[1]
        if self.mode == "average":
            share = 1 / (window[0] * window[1])
            sums = _window_sums(input, y, new, window)
            return apply(_Scale, sums, single(share), share)
        rows, columns = (step * n for step, n in zip(steps, window, strict=True))
        return input.index_select(y, rows).index_select(x, columns)

    def extra_repr(self) -> str:
        return f"size={self.size}, ratio={self.ratio}, mode={self.mode}, y_dim={self.y_dim}"


def _windows(size: int, count: int, device: torch.device) -> Tensor:
    """Return the positions in every window; shorter ones repeat their last."""
    step = single(size / count)
    starts = [int(single(i * step)) for i in range(count + 1)]
    ends = [max(starts[i] + 1, starts[i + 1]) for i in range(count)]
    longest = max(end - start for start, end in zip(starts, ends, strict=False))
    rows = [[min(starts[i] + n, ends[i] - 1) for n in range(longest)] for i in range(count)]
    return torch.tensor(rows, device=device)


class SpatialMaxSampling(nn.Module):
    """The maxima of ``size`` windows of (C, H, W). Source: nnx generic/SpatialMaxSampling.c."""

    def __init__(self, size: tuple[int, int]) -> None:
        super().__init__()
        self.size = size

    def forward(self, input: Tensor) -> Tensor:
        if input.dim() != 3:
            raise ValueError(f"expected 3 dimensions, got {input.dim()}")
        rows, columns = (
            _windows(n, count, input.device)
            for n, count in zip(input.shape[1:], self.size, strict=True)
        )
        parts = input[:, rows][..., columns]  # (C, oH, kH, oW, kW)
        return parts.transpose(2, 3).flatten(3).max(-1).values

    def extra_repr(self) -> str:
        return f"size={self.size}"
