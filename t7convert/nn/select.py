"""Choosing, cutting and joining the entries of lists."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn


def shifted(dim: int, rank: int, num_input_dims: int | None) -> int:
    """Return a dimension of one sample as a dimension of an input of this rank.

    A negative ``dim`` counts from the end; another one moves behind the batch dimension where the
    input has exactly one dimension more than ``num_input_dims``.
    Source: ``_getPositiveDimension`` of torch/nn JoinTable.lua and others.

    Raises:
        IndexError: if the input has no such dimension.
    """
    batch = num_input_dims is not None and rank == num_input_dims + 1
    axis = rank + dim if dim < 0 else dim + batch
    if not 0 <= axis < rank:
        raise IndexError(f"an input of {rank} dimensions has no dimension {dim}")
    return axis


class AlongDimension(nn.Module):
    """A module that works along one dimension of a sample; see :func:`shifted`."""

    def __init__(self, dim: int, num_input_dims: int | None = None) -> None:
        super().__init__()
        self.dim, self.num_input_dims = dim, num_input_dims

    def axis(self, input: Tensor) -> int:
        """Return the dimension of ``input`` that is meant."""
        return shifted(self.dim, input.dim(), self.num_input_dims)

    def extra_repr(self) -> str:
        dims = "" if self.num_input_dims is None else f", num_input_dims={self.num_input_dims}"
        return f"dim={self.dim}{dims}"


class JoinTable(AlongDimension):
    """Join the tensors of a list along ``dim``.

    Lua's batch normalisation adds a missing batch dimension to its input itself, so that a branch
    beside it has that dimension too; here it is added to entries that lack it.
    Source: torch/nn JoinTable.lua.
    """

    def forward(self, input: Sequence[Tensor]) -> Tensor:
        rank = max(item.dim() for item in input)
        batches = [item if item.dim() == rank else item.unsqueeze(0) for item in input]
        return torch.cat(batches, self.axis(batches[0]))


class SplitTable(AlongDimension):
    """Give the list of the slices along ``dim``.

    Source: torch/nn SplitTable.lua.
    """

    def forward(self, input: Tensor) -> list[Tensor]:
        return list(input.unbind(self.axis(input)))


class SelectTable(nn.Module):
    """Give one entry of a list (a negative ``index`` counts from the end) or of a dict.

    Source: torch/nn SelectTable.lua.
    """

    def __init__(self, index: int | str) -> None:
        super().__init__()
        self.index = index

    def forward(self, input: Any) -> Any:
        return input[self.index]

    def extra_repr(self) -> str:
        return repr(self.index)


class NarrowTable(nn.Module):
    """Give ``length`` entries of a list from ``start`` on.

    Source: torch/nn NarrowTable.lua.
    """

    def __init__(self, start: int, length: int = 1) -> None:
        super().__init__()
        self.start, self.length = start, length

    def forward(self, input: Sequence[Any]) -> list[Any]:
        return list(input[self.start : self.start + self.length])

    def extra_repr(self) -> str:
        return f"start={self.start}, length={self.length}"


class FlattenTable(nn.Module):
    """Give the tensors of nested lists as one list.

    Source: torch/nn FlattenTable.lua.
    """

    def forward(self, input: Sequence[Any]) -> list[Tensor]:
        if isinstance(input, Tensor):
            raise TypeError("a list of tensors expected, found a tensor")
        flat: list[Tensor] = []
        for item in input:
            flat += self.forward(item) if isinstance(item, (list, tuple)) else [item]
        return flat


class ZipTable(nn.Module):
    """Turn ``[[a1, a2], [b1, b2]]`` into ``[[a1, b1], [a2, b2]]``.

    Source: torch/nn ZipTable.lua.
    """

    def forward(self, input: Sequence[Sequence[Any]]) -> list[list[Any]]:
        return [list(row) for row in zip(*input, strict=True)]


class ZipTableOneToMany(nn.Module):
    """Turn ``[v, [a, b]]`` into ``[[v, a], [v, b]]``.

    Source: torch/nn ZipTableOneToMany.lua.
    """

    def forward(self, input: Sequence[Any]) -> list[list[Any]]:
        first, table = input
        return [[first, item] for item in table]
