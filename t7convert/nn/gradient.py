"""Modules that give their input back and change the gradient only."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd import Function

from t7convert.nn.autograd import apply


class _Scale(Function):
    @staticmethod
    def forward(input: Tensor, factor: float) -> Tensor:
        return input.view_as(input)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, float], output: Tensor) -> None:
        ctx.factor = inputs[1]

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        return (torch.zeros_like(grad) if ctx.factor == 0 else grad * ctx.factor), None


class GradientReversal(nn.Module):
    """The identity, whose gradient is multiplied by -``strength``.

    Source: torch/nn GradientReversal.lua.
    """

    def __init__(self, strength: float = 1.0) -> None:
        super().__init__()
        self.strength = strength

    def forward(self, input: Tensor) -> Tensor:
        return apply(_Scale, input, -self.strength)

    def extra_repr(self) -> str:
        return f"strength={self.strength:g}"


class ZeroGrad(nn.Module):
    """The identity, whose gradient is zero. Source: torch/nn ZeroGrad.lua."""

    def forward(self, input: Tensor) -> Tensor:
        return apply(_Scale, input, 0.0)


class _Penalty(Function):
    @staticmethod
    def forward(input: Tensor, weight: float, pass_gradient: bool) -> Tensor:
        return input.view_as(input)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, float, bool], output: Tensor) -> None:
        input, ctx.weight, ctx.pass_gradient = inputs
        ctx.save_for_backward(input)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        (input,) = ctx.saved_tensors
        penalty = input.sign() * ctx.weight
        return (penalty + grad if ctx.pass_gradient else penalty), None, None


class L1Penalty(nn.Module):
    """The identity, whose gradient gains that of ``weight`` times the input's absolute sum.

    Args:
        weight: how much the penalty counts.
        size_average: divide the penalty by the number of elements.
        pass_gradient: let the output's gradient through, too.

    Source: torch/nn L1Penalty.lua.
    """

    def __init__(
        self, weight: float, size_average: bool = False, pass_gradient: bool = True
    ) -> None:
        super().__init__()
        self.weight, self.size_average, self.pass_gradient = weight, size_average, pass_gradient

    def scale(self, input: Tensor) -> float:
        """Return the factor of the input's absolute sum."""
        return self.weight / input.numel() if self.size_average else self.weight

    def penalty(self, input: Tensor) -> Tensor:
        """Return the loss that Lua kept in the module's field ``loss``."""
        return input.abs().sum() * self.scale(input)

    def forward(self, input: Tensor) -> Tensor:
        return apply(_Penalty, input, self.scale(input), self.pass_gradient)

    def extra_repr(self) -> str:
        return (
            f"{self.weight:g}, size_average={self.size_average}, pass_gradient={self.pass_gradient}"
        )
