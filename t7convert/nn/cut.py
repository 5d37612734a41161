"""Parts of a tensor, padding, and constants."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn


class Select(nn.Module):
    """Give one slice along ``dim``; negative numbers count from the end.

    Source: torch/nn Select.lua.
    """

    def __init__(self, dim: int, index: int) -> None:
        super().__init__()
        self.dim, self.index = dim, index

    def forward(self, input: Tensor) -> Tensor:
        if input.dim() < 2:
            raise RuntimeError("2 dimensions or more expected, found a vector")
        return input.select(self.dim, self.index)

    def extra_repr(self) -> str:
        return f"dim={self.dim}, index={self.index}"


class Narrow(nn.Module):
    """Give ``length`` slices along ``dim`` from ``start`` on.

    A negative ``length`` counts from the end: -1 takes all, -2 all but the last. A negative
    ``start`` takes the slices from the first on, all but ``length``.
    Source: torch/nn Narrow.lua.
    """

    def __init__(self, dim: int, start: int, length: int = 1) -> None:
        super().__init__()
        self.dim, self.start, self.length = dim, start, length

    def forward(self, input: Tensor) -> Tensor:
        size, start, length = input.shape[self.dim], self.start, self.length
        if length < 0:
            length += size - (start + 1 if start >= 0 else start) + 2
        if start < 0:
            start, length = 0, size - length
        if length < 1:
            raise RuntimeError(f"{length} slices asked for, of {size}")
        return input.narrow(self.dim, start, length)

    def extra_repr(self) -> str:
        return f"dim={self.dim}, start={self.start}, length={self.length}"


class Index(nn.Module):
    """Give the slices along ``dim`` of ``[tensor, positions]``; positions count from 1.

    Source: torch/nn Index.lua.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, input: tuple[Tensor, Tensor]) -> Tensor:
        tensor, positions = input
        return tensor.index_select(self.dim, positions.long() - 1)

    def extra_repr(self) -> str:
        return f"dim={self.dim}"


class MaskedSelect(nn.Module):
    """Give the elements of ``[tensor, mask]`` where the mask isn't 0, as a vector.

    Source: torch/nn MaskedSelect.lua.
    """

    def forward(self, input: tuple[Tensor, Tensor]) -> Tensor:
        tensor, mask = input
        return tensor.masked_select(mask.bool().reshape(tensor.shape))


class Padding(nn.Module):
    """Put ``abs(pad)`` slices of ``value`` into dimension ``dim``.

    They stand in front of slice ``index`` (from 1), counted from the start where ``pad`` is
    negative; where it is positive, behind slice ``index`` counted from the end. An input whose rank
    isn't ``num_input_dims`` has a batch dimension in front.
    Source: torch/nn Padding.lua.
    """

    def __init__(
        self,
        dim: int,
        pad: int,
        num_input_dims: int | None = None,
        value: float = 0,
        index: int = 1,
    ) -> None:
        super().__init__()
        self.dim, self.pad, self.num_input_dims = dim, pad, num_input_dims
        self.value, self.index = value, index

    def forward(self, input: Tensor) -> Tensor:
        batch = self.num_input_dims is not None and input.dim() != self.num_input_dims
        dim = self.dim + batch
        size = input.shape[dim]
        place = size - self.index + 1 if self.pad > 0 else self.index - 1
        shape = list(input.shape)
        shape[dim] = abs(self.pad)
        parts = [
            input.narrow(dim, 0, place),
            input.new_full(shape, self.value),
            input.narrow(dim, place, size - place),
        ]
        return torch.cat(parts, dim)

    def extra_repr(self) -> str:
        return (
            f"dim={self.dim}, pad={self.pad}, num_input_dims={self.num_input_dims}, "
            f"value={self.value}, index={self.index}"
        )


class Constant(nn.Module):
    """Give ``value`` whatever the input; once per sample if it has more than ``num_input_dims``.

    Source: torch/nn Constant.lua.
    """

    value: Tensor

    def __init__(self, value: Tensor, num_input_dims: int | None = None) -> None:
        super().__init__()
        self.register_buffer("value", value, persistent=False)
        self.num_input_dims = num_input_dims

    def forward(self, input: Any) -> Tensor:
        if self.num_input_dims is not None and input.dim() > self.num_input_dims:
            return self.value.repeat(input.shape[0], *[1] * self.value.dim())
        return self.value.clone()

    def extra_repr(self) -> str:
        return f"shape={tuple(self.value.shape)}, num_input_dims={self.num_input_dims}"
