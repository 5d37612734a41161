"""Pooling to a given size, with windows computed in single precision as in C."""

from __future__ import annotations

from collections.abc import Sequence
from ctypes import c_float
from math import ceil, floor

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Window = tuple[int, int]


def _single(value: float) -> float:
    return c_float(value).value


def average_windows(size: int, count: int) -> list[Window]:
    """Return (start, end) of the windows of average pooling.

    Source: THNN generic/SpatialAdaptiveAveragePooling.c, START_IND and END_IND.
    """
    return [
        (
            floor(_single(_single(i * size) / _single(count))),
            ceil(_single(_single((i + 1) * size) / _single(count))),
        )
        for i in range(count)
    ]


def max_windows(size: int, count: int) -> list[Window]:
    """Return (start, end) of the windows of max pooling.

    Source: THNN generic/SpatialAdaptiveMaxPooling.c, ``updateOutput_frame``.
    """
    return [
        (
            floor(_single(_single(i / count) * size)),
            ceil(_single(_single((i + 1) / count) * size)),
        )
        for i in range(count)
    ]


def exact_windows(size: int, count: int) -> list[Window]:
    """Return the windows of torch.nn, computed in integers."""
    return [(i * size // count, -(-(i + 1) * size // count)) for i in range(count)]


class _AdaptivePool(nn.Module):
    """Pooling of (C, H, W) or (N, C, H, W) to ``output_size`` rows and columns."""

    def __init__(self, output_size: tuple[int, int]) -> None:
        super().__init__()
        self.output_size = output_size

    def extra_repr(self) -> str:
        return f"output_size={self.output_size}"


class AdaptiveAvgPool(_AdaptivePool):
    """The mean of windows that cover the image; (C, H, W) or (N, C, H, W)."""

    def forward(self, input: Tensor) -> Tensor:
        sizes = list(zip(input.shape[-2:], self.output_size, strict=True))
        windows = [average_windows(n, count) for n, count in sizes]
        if windows == [exact_windows(n, count) for n, count in sizes]:
            return F.adaptive_avg_pool2d(input, self.output_size)
        rows, columns = (
            _means(spans, n, input) for spans, n in zip(windows, input.shape[-2:], strict=True)
        )
        return rows @ input @ columns.transpose(0, 1)


def _means(windows: Sequence[Window], size: int, like: Tensor) -> Tensor:
    """Return the matrix (windows, size) that takes the mean of every window."""
    rows = [
        [1 / (end - start) if start <= n < end else 0.0 for n in range(size)]
        for start, end in windows
    ]
    return torch.tensor(rows, dtype=like.dtype, device=like.device)


class AdaptiveMaxPool(_AdaptivePool):
    """The maximum of windows that cover the image; (C, H, W) or (N, C, H, W)."""

    def forward(self, input: Tensor) -> Tensor:
        sizes = list(zip(input.shape[-2:], self.output_size, strict=True))
        windows = [max_windows(n, count) for n, count in sizes]
        if windows == [exact_windows(n, count) for n, count in sizes]:
            return F.adaptive_max_pool2d(input, self.output_size)
        rows, columns = (_places(spans, input.device) for spans in windows)
        parts = input[..., rows, :][..., columns]  # (..., oH, kH, oW, kW)
        return parts.transpose(-2, -3).flatten(-2).max(-1).values


def _places(windows: Sequence[Window], device: torch.device) -> Tensor:
    """Return the positions in every window, its last one repeated where others are longer."""
    longest = max(end - start for start, end in windows)
    rows = [[min(start + n, end - 1) for n in range(longest)] for start, end in windows]
    return torch.tensor(rows, device=device)
