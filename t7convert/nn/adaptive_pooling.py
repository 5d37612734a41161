"""Max pooling to a given size, with windows computed in single precision as in C."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, floor

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from t7convert.nn.single import single

Window = tuple[int, int]


def max_windows(size: int, count: int) -> list[Window]:
    """Return (start, end) of the windows of max pooling.

    Source: THNN generic/SpatialAdaptiveMaxPooling.c, ``updateOutput_frame``.
    """
    return [
        (
            floor(single(single(i / count) * size)),
            ceil(single(single((i + 1) / count) * size)),
        )
        for i in range(count)
    ]


def exact_windows(size: int, count: int) -> list[Window]:
    """Return the windows of torch.nn, computed in integers."""
    return [(i * size // count, -(-(i + 1) * size // count)) for i in range(count)]


class AdaptiveMaxPool(nn.Module):
    """The maximum of windows that cover the image; (C, H, W) or (N, C, H, W).

    Average pooling rounds differently (START_IND, END_IND) and has torch.nn's windows as long as
    size times count stays below 2 ** 24.
    """

    def __init__(self, output_size: tuple[int, int]) -> None:
        super().__init__()
        self.output_size = output_size

    def forward(self, input: Tensor) -> Tensor:
        sizes = list(zip(input.shape[-2:], self.output_size, strict=True))
        windows = [max_windows(n, count) for n, count in sizes]
        # ONNX has no windows of several sizes: an exported graph picks their elements
        traced = torch.compiler.is_exporting() and self.output_size != (1, 1)
        if not traced and windows == [exact_windows(n, count) for n, count in sizes]:
            return F.adaptive_max_pool2d(input, self.output_size)
        rows, columns = (_places(spans, input.device) for spans in windows)
        parts = input[..., rows, :][..., columns]  # (..., oH, kH, oW, kW)
        return parts.transpose(-2, -3).flatten(-2).max(-1).values

    def extra_repr(self) -> str:
        return f"output_size={self.output_size}"


def _places(windows: Sequence[Window], device: torch.device) -> Tensor:
    """Return the positions in every window, its last one repeated where others are longer."""
    longest = max(end - start for start, end in windows)
    rows = [[min(start + n, end - 1) for n in range(longest)] for start, end in windows]
    return torch.tensor(rows, device=device)
