"""Learned offsets and factors, broadcast as torch/nn broadcast them."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def spread(parameter: Tensor, input: Tensor) -> Tensor:
    """Return ``parameter`` in a shape that broadcasts over the input.

    As many elements as the input: one each. As many dimensions, or one element: as it is. Else the
    input's first dimension is a batch and the others have the parameter's elements, in order.
    Source: torch/nn CMul.lua, CAdd.lua, ``updateOutput``.
    """
    if parameter.numel() == input.numel():
        return parameter.reshape(input.shape)
    if parameter.dim() == input.dim():
        if any(p not in (1, n) for p, n in zip(parameter.shape, input.shape, strict=True)):
            raise RuntimeError(f"{tuple(parameter.shape)} can't spread over {tuple(input.shape)}")
        return parameter
    if parameter.numel() == 1:
        return parameter.reshape(())
    return parameter.reshape(1, *input.shape[1:])


class CAdd(nn.Module):
    """Add a learned tensor; see :func:`spread`. Source: torch/nn CAdd.lua."""

    def __init__(self, *size: int) -> None:
        super().__init__()
        bias = torch.empty(size)
        self.bias = nn.Parameter(bias.uniform_(-1, 1) * bias.numel() ** -0.5)

    def forward(self, input: Tensor) -> Tensor:
        return input + spread(self.bias, input)

    def extra_repr(self) -> str:
        return ", ".join(map(str, self.bias.shape))


class CMul(nn.Module):
    """Multiply by a learned tensor; see :func:`spread`. Source: torch/nn CMul.lua."""

    def __init__(self, *size: int) -> None:
        super().__init__()
        weight = torch.empty(size)
        self.weight = nn.Parameter(weight.uniform_(-1, 1) * weight.numel() ** -0.5)

    def forward(self, input: Tensor) -> Tensor:
        return input * spread(self.weight, input)

    def extra_repr(self) -> str:
        return ", ".join(map(str, self.weight.shape))


class Add(nn.Module):
    """Add a learned bias: one number (``scalar``), or one per element of a sample.

    Source: torch/nn Add.lua.
    """

    def __init__(self, *size: int, scalar: bool = False) -> None:
        super().__init__()
        self.scalar = scalar
        bias = torch.empty((1,) if scalar else size)
        self.bias = nn.Parameter(bias.uniform_(-1, 1) * bias.shape[0] ** -0.5)

    def forward(self, input: Tensor) -> Tensor:
        # of another rank, shapes aren't compared: an exported graph's batch may have any size
        if self.scalar or (input.dim() == self.bias.dim() and input.shape == self.bias.shape):
            return input + self.bias
        return input + self.bias.reshape(1, *input.shape[1:])

    def extra_repr(self) -> str:
        return ", ".join(map(str, self.bias.shape)) + (", scalar=True" if self.scalar else "")


class Mul(nn.Module):
    """Multiply by one learned number. Source: torch/nn Mul.lua."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(1).uniform_(-1, 1))

    def forward(self, input: Tensor) -> Tensor:
        return input * self.weight
