"""Parametrisations that show one base Parameter under other shapes, so that ties stay ties.

None has a ``right_inverse``: assigning through a view would corrupt the shared base.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class PermutedView(nn.Module):
    """The base with its dimensions reordered, e.g. the transposed weight of a tied decoder."""

    def __init__(self, dims: Sequence[int]) -> None:
        super().__init__()
        self.dims = tuple(dims)

    def forward(self, base: Tensor) -> Tensor:
        return base.permute(self.dims)

    def extra_repr(self) -> str:
        return f"dims={self.dims}"


class SlicedView(nn.Module):
    """A run of the base's elements, in C order, under a shape of its own."""

    def __init__(self, start: int, shape: Sequence[int]) -> None:
        super().__init__()
        self.start, self.shape = start, tuple(shape)

    def forward(self, base: Tensor) -> Tensor:
        stop = self.start + torch.Size(self.shape).numel()
        return base.reshape(-1)[self.start : stop].view(self.shape)

    def extra_repr(self) -> str:
        return f"start={self.start}, shape={self.shape}"


class IndexedView(nn.Module):
    """Any elements of the base, by their positions in C order."""

    positions: Tensor

    def __init__(self, positions: Tensor) -> None:
        super().__init__()
        self.register_buffer("positions", positions, persistent=False)

    def forward(self, base: Tensor) -> Tensor:
        return base.reshape(-1)[self.positions]

    def extra_repr(self) -> str:
        return f"shape={tuple(self.positions.shape)}"
