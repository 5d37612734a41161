"""Modules of waifu2x (w2nn)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd import Function
from torch.nn import functional as F

from t7convert.nn.autograd import apply


class _Clip(Function):
    """Clipping whose gradient passes unclipped."""

    @staticmethod
    def forward(ctx: Any, input: Tensor, low: float, high: float, inplace: bool) -> Tensor:
        if inplace:
            ctx.mark_dirty(input)
            return input.clamp_(low, high)
        return input.clamp(low, high)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Any:
        return grads[0], None, None, None


def clip_straight_through(input: Tensor, low: float, high: float, inplace: bool = False) -> Tensor:
    """Return the input clipped to ``low`` and ``high``; its gradient is the output's."""
    return apply(_Clip, input, low, high, inplace)


class InplaceClip01(nn.Module):
    """Clip to 0 and 1; the gradient passes unclipped. Source: waifu2x InplaceClip01.lua.

    ``inplace`` writes into the input, as Lua did; only needed where somebody else reads it.
    """

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        return clip_straight_through(input, 0, 1, self.inplace)

    def extra_repr(self) -> str:
        return "inplace=True" if self.inplace else ""


class _Leaky(Function):
    @staticmethod
    def forward(input: Tensor, slope: float) -> Tensor:
        return torch.where(input > 0, input, slope * input)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, float], output: Tensor) -> None:
        ctx.slope = inputs[1]
        ctx.save_for_backward(inputs[0])

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        (input,) = ctx.saved_tensors
        # Lua's gradient reads the sign of slope * input where that part was kept
        sign = torch.where(input < 0, ctx.slope * input, torch.zeros_like(input)).sign()
        return grad * (sign + 1) - grad * sign * ctx.slope, None


class LeakyReLU(nn.Module):
    """A leaky ReLU with gradient 1 at 0. Source: waifu2x LeakyReLU.lua.

    For slopes of 0 or less Lua's gradient isn't the derivative; this is Lua's.
    """

    def __init__(self, negative_scale: float = 0.333) -> None:
        super().__init__()
        self.negative_scale = negative_scale

    def forward(self, input: Tensor) -> Tensor:
        return apply(_Leaky, input, self.negative_scale)

    def extra_repr(self) -> str:
        return f"negative_scale={self.negative_scale:g}"


class AuxiliaryLossTable(nn.Module):
    """Pass on a list of tensors in training, its entry ``index`` (from 0) in evaluation.

    Source: waifu2x AuxiliaryLossTable.lua.
    """

    def __init__(self, index: int = 0) -> None:
        super().__init__()
        self.index = index

    def forward(self, input: Sequence[Tensor]) -> Tensor | list[Tensor]:
        if self.training:
            return [entry.clone() for entry in input]
        return input[self.index].clone()

    def extra_repr(self) -> str:
        return f"index={self.index}"


class _Weigh(Function):
    @staticmethod
    def forward(input: Tensor, factor: float) -> Tensor:
        return input.clone()

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, float], output: Tensor) -> None:
        ctx.factor = inputs[1]

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        return grad * ctx.factor, None


class GradWeight(nn.Module):
    """The identity, whose gradient is multiplied by ``factor``. Source: waifu2x GradWeight.lua."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, input: Tensor) -> Tensor:
        return apply(_Weigh, input, self.factor)

    def extra_repr(self) -> str:
        return f"factor={self.factor:g}"


class ScaleTable(nn.Module):
    """Scale ``(N, C, H, W)`` by ``(N, C, 1, 1)``, a pair. Source: waifu2x ScaleTable.lua."""

    def forward(self, input: Sequence[Tensor]) -> Tensor:
        planes, scale = input
        if planes.shape[1] != scale.shape[1]:
            raise ValueError(f"{scale.shape[1]} scales for {planes.shape[1]} planes")
        return planes * scale.expand_as(planes)


class _Shake(Function):
    @staticmethod
    def forward(first: Tensor, second: Tensor, alpha: Tensor, beta: Tensor) -> Tensor:
        return 2 * (first * (1 - alpha) + second * alpha)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        ctx.save_for_backward(inputs[3])

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (beta,) = ctx.saved_tensors
        return grad * beta, grad * (1 - beta), None, None


class ShakeShakeTable(nn.Module):
    """The sum of a pair; in training a random mixture, with another one for the gradient.

    In training each sample gives ``2 * ((1 - alpha) * a + alpha * b)``; a gets ``beta`` times the
    gradient, b ``1 - beta`` times; alpha and beta are uniform. Source: waifu2x ShakeShakeTable.lua.
    """

    def forward(self, input: Sequence[Tensor]) -> Tensor:
        first, second = input
        if not self.training:
            return first + second
        shape = (len(first), *[1] * (first.dim() - 1))
        alpha, beta = torch.rand(2, *shape, dtype=first.dtype, device=first.device)
        return apply(_Shake, first, second, alpha, beta)


class FixedConvolution(nn.Conv2d):
    """A convolution whose weight never gets a gradient.

    Source: waifu2x RandomBinaryConvolution.lua, EdgeFilter.lua.
    """

    def forward(self, input: Tensor) -> Tensor:
        bias = None if self.bias is None else self.bias.detach()
        weight = self.weight.detach()
        return F.conv2d(input, weight, bias, self.stride, self.padding, self.dilation)
