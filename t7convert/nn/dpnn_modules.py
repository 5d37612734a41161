"""Modules of Element-Research/dpnn without randomness."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd import Function
from torch.nn import functional as F
from torch.nn.grad import conv2d_input, conv2d_weight

from t7convert.nn.autograd import apply
from t7convert.nn.decorators import Decorator


class Inception(Decorator):
    """Pass a batch on to the columns inside.

    One image makes a batch; Lua then gives the output's third dimension away, which it can only
    where that is 1. Source: dpnn Inception.lua.
    """

    def forward(self, input: Tensor) -> Tensor:
        if input.dim() != 3:
            output: Tensor = super().forward(input)
            return output
        output = super().forward(input[None])
        if output.shape[2] != 1:
            raise ValueError(f"one image gives the shape {tuple(output.shape)}; give a batch")
        return output.squeeze(2)


class _Clip(Function):
    @staticmethod
    def forward(input: Tensor, low: float, high: float) -> Tensor:
        high_clipped = input.masked_fill(input > high, high)
        return high_clipped.masked_fill(high_clipped < low, low)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        """Keep nothing."""

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        return grad, None, None


class Clip(nn.Module):
    """Clip to ``low`` and ``high``; the gradient passes unclipped. Source: dpnn Clip.lua."""

    def __init__(self, low: float, high: float) -> None:
        super().__init__()
        self.low, self.high = low, high

    def forward(self, input: Tensor) -> Tensor:
        return apply(_Clip, input, self.low, self.high)

    def extra_repr(self) -> str:
        return f"{self.low:g}, {self.high:g}"


class ArgMax(nn.Module):
    """Where along ``dim`` the greatest entry is, counted from 1; the first of several.

    ``dim`` counts from 1 in an input of up to ``num_input_dims`` dimensions; larger inputs have a
    batch in front. ``as_long`` gives long integers, else the input's dtype.
    Source: dpnn ArgMax.lua.
    """

    def __init__(self, dim: int = 1, num_input_dims: int = 9999, as_long: bool = True) -> None:
        super().__init__()
        self.dim, self.num_input_dims, self.as_long = dim, num_input_dims, as_long

    def forward(self, input: Tensor) -> Tensor:
        dim = self.dim if input.dim() > self.num_input_dims else self.dim - 1
        index = input.argmax(dim, keepdim=input.dim() == 1) + 1
        return index if self.as_long else index.to(input.dtype)

    def extra_repr(self) -> str:
        return f"dim={self.dim}, num_input_dims={self.num_input_dims}, as_long={self.as_long}"


class SpatialFeatNormalization(nn.Module):
    """Subtract ``mean`` and divide by ``std`` per plane, ``(C, H, W)`` or ``(N, C, H, W)``.

    Source: dpnn SpatialFeatNormalization.lua.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, mean: Tensor, std: Tensor) -> None:
        super().__init__()
        self.register_buffer("mean", mean)
        self.register_buffer("std", std)

    def forward(self, input: Tensor) -> Tensor:
        if input.dim() not in (3, 4) or input.shape[-3] != len(self.mean):
            raise ValueError(f"expected {len(self.mean)} planes, got shape {tuple(input.shape)}")
        return (input - self.mean[:, None, None]) / self.std[:, None, None]


class ReverseTable(nn.Module):
    """The list from its end. Source: dpnn ReverseTable.lua."""

    def forward(self, input: Sequence[Any]) -> list[Any]:
        return list(reversed(input))


class _Entropy(Function):
    @staticmethod
    def forward(input: Tensor, scale: float, limit: float | None, average: bool) -> Tensor:
        return input.view_as(input)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        input, ctx.scale, ctx.limit, ctx.average = inputs
        ctx.save_for_backward(input)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (input,) = ctx.saved_tensors
        total = input.sum()
        p = input.sum(0) / total
        shifted = p + 1e-6
        slope = (shifted.log() + p / shifted) / total * ctx.scale
        if ctx.average:
            slope = slope / len(input)
        if ctx.limit is not None:
            entropy = -(p * shifted.log()).sum()
            slope = torch.where(entropy < ctx.limit, slope, torch.zeros_like(slope))
        return grad + slope, None, None, None


class CategoricalEntropy(nn.Module):
    """The identity of a batch of class probabilities; its gradient pushes their entropy up.

    The gradient gains ``-scale`` times that of the entropy of the batch's mean distribution, over
    the number of samples with ``size_average``, where the entropy is below ``min_entropy``.
    Source: dpnn CategoricalEntropy.lua.
    """

    def __init__(
        self, scale: float = 1, min_entropy: float | None = None, size_average: bool = True
    ) -> None:
        super().__init__()
        self.scale, self.min_entropy, self.size_average = scale, min_entropy, size_average

    def forward(self, input: Tensor) -> Tensor:
        if input.dim() != 2:
            raise ValueError(f"expected a batch of vectors, got {input.dim()} dimensions")
        return apply(_Entropy, input, self.scale, self.min_entropy, self.size_average)

    def extra_repr(self) -> str:
        return f"scale={self.scale:g}, min_entropy={self.min_entropy}"


class _BinaryConvolution(Function):
    @staticmethod
    def forward(input: Tensor, weight: Tensor, stride: Any, padding: Any, training: bool) -> Tensor:
        signs = _signs(weight)
        norms = weight.abs().mean((1, 2, 3))
        return F.conv2d(input, signs, stride=stride, padding=padding) * norms[:, None, None]

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        input, weight, ctx.stride, ctx.padding, ctx.training = inputs
        ctx.save_for_backward(input, weight)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        input, weight = ctx.saved_tensors
        used = _signs(weight) if ctx.training else weight
        geometry = {"stride": ctx.stride, "padding": ctx.padding}
        to_input = conv2d_input(input.shape, used, grad, **geometry)
        to_weight = conv2d_weight(input, weight.shape, grad, **geometry)
        norms = weight.abs().mean((0, 2, 3))
        return to_input * norms[:, None, None], to_weight, None, None, None


def _signs(weight: Tensor) -> Tensor:
    return torch.where(weight >= 0, torch.ones_like(weight), -torch.ones_like(weight))


class SpatialBinaryConvolution(nn.Module):
    """A convolution by the signs of its weight, times the mean size of each filter.

    Lua's gradients: the input's goes back through the signs in training and through the weight
    itself in evaluation, times the mean size per input plane; the weight's is that of a plain
    convolution. Lua's weight stays binary between a forward in training and its backward, here it
    doesn't. Source: dpnn SpatialBinaryConvolution.lua.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: tuple[int, int],
        stride: tuple[int, int] = (1, 1),
        padding: tuple[int, int] = (0, 0),
    ) -> None:
        super().__init__()
        self.stride, self.padding = stride, padding
        self.weight = nn.Conv2d(in_channels, out_channels, kernel_size, bias=False).weight

    def forward(self, input: Tensor) -> Tensor:
        batch = input if input.dim() == 4 else input[None]
        output = apply(
            _BinaryConvolution, batch, self.weight, self.stride, self.padding, self.training
        )
        return output if input.dim() == 4 else output[0]

    def extra_repr(self) -> str:
        outputs, inputs, *kernel = self.weight.shape
        return f"{inputs}, {outputs}, {tuple(kernel)}, {self.stride}, {self.padding}"
