"""Norms, distances and products of vectors, single or in batches, with Lua's gradients."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd import Function

from t7convert.nn.autograd import apply


def rows(input: Tensor) -> Tensor:
    """Return the input as a matrix, a vector as one row.

    Raises:
        RuntimeError: for other ranks.
    """
    if input.dim() not in (1, 2):
        raise RuntimeError(f"1 or 2 dimensions expected, the input has {input.dim()}")
    return input.unsqueeze(0) if input.dim() == 1 else input


def pair(input: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """Return two vectors or matrices of a list as matrices.

    Raises:
        RuntimeError: unless they have one shape; Lua never broadcast.
    """
    a, b = rows(input[0]), rows(input[1])
    if a.shape != b.shape:
        raise RuntimeError(f"two equal shapes expected, found {tuple(a.shape)}, {tuple(b.shape)}")
    return a, b


def require_features(input: Tensor, count: int) -> None:
    """Raise ``RuntimeError`` unless the last dimension has ``count`` entries: none broadcast."""
    if input.shape[-1] != count:
        raise RuntimeError(f"{count} features expected, found {input.shape[-1]}")


def _power_sums(input: Tensor, p: float, eps: float) -> Tensor:
    return input.abs().pow(p).sum(1, keepdim=True) + eps


class _Normalize(Function):
    @staticmethod
    def forward(input: Tensor, p: float, eps: float) -> Tensor:
        if math.isinf(p):
            norm = input.abs().amax(1, keepdim=True) + eps
        else:
            norm = _power_sums(input, p, eps).pow(1 / p)
        return input / norm

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, float, float], output: Tensor) -> None:
        input, ctx.p, ctx.eps = inputs
        if math.isinf(ctx.p):
            largest, index = input.abs().max(1, keepdim=True)
            ctx.save_for_backward(input, largest + ctx.eps, index)
        else:  # the norm of the input at the call, as in Lua
            ctx.save_for_backward(input, _power_sums(input, ctx.p, ctx.eps))

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        input, sums, *index = ctx.saved_tensors
        p, eps = ctx.p, ctx.eps
        cross = (input * grad).sum(1, keepdim=True)
        if index:
            norm = sums
            there = input.gather(1, index[0]) / norm
            slope = torch.zeros_like(input).scatter(1, index[0], there)
        else:
            norm = sums.pow(1 / p)
            size = input.abs() + eps if p < 2 else input.abs()
            slope = input if p == 2 else size.pow(p - 2) * input
        return (sums * grad - slope * cross) / (sums * norm), None, None


class Normalize(nn.Module):
    """Divide each vector by its p-norm; ``eps`` is added to the sum of powers.

    Takes a vector or a batch of them. For p < 2 the gradient adds ``eps`` to the absolute values,
    as Lua's does. Source: torch/nn Normalize.lua.
    """

    def __init__(self, p: float, eps: float = 1e-10) -> None:
        super().__init__()
        self.p, self.eps = p, eps

    def forward(self, input: Tensor) -> Tensor:
        output = apply(_Normalize, rows(input), self.p, self.eps)
        return output.view(input.shape)

    def extra_repr(self) -> str:
        return f"{self.p:g}, eps={self.eps:g}"


class _PairwiseDistance(Function):
    @staticmethod
    def forward(a: Tensor, b: Tensor, p: float) -> Tensor:
        return (a - b).abs().pow(p).sum(1).pow(1 / p)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor, float], output: Tensor) -> None:
        ctx.p = inputs[2]
        ctx.save_for_backward(inputs[0], inputs[1], output)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, None]:
        a, b, output = ctx.saved_tensors
        p, slope = ctx.p, a - b
        if p == 1:
            slope = torch.where(slope >= 0, 1.0, -1.0).to(slope.dtype)
        else:
            if p > 2:
                slope = slope * slope.abs().pow(p - 2)
            slope = slope * (output + 1e-6).pow(1 - p).unsqueeze(1)
        slope = slope * grad.unsqueeze(1)
        return slope, -slope, None


class PairwiseDistance(nn.Module):
    """The p-norm of the difference of two vectors, or of each two rows of two matrices.

    The input is a list of two; the output has one element per pair. The gradient is Lua's: 1e-6
    is added to the distance, and for p other than 1 and below 2 a factor is missing.
    Source: torch/nn PairwiseDistance.lua.
    """

    def __init__(self, p: float = 2.0) -> None:
        super().__init__()
        self.p = p

    def forward(self, input: Sequence[Tensor]) -> Tensor:
        return apply(_PairwiseDistance, *pair(input), self.p)

    def extra_repr(self) -> str:
        return f"{self.p:g}"


class CosineDistance(nn.Module):
    """The cosine of the angle of two vectors, or of each two rows of two matrices.

    The input is a list of two; the output has one element per pair.
    Source: torch/nn CosineDistance.lua.
    """

    eps = 1e-12

    def forward(self, input: Sequence[Tensor]) -> Tensor:
        a, b = pair(input)
        scale_a = 1 / ((a * a).sum(1) + self.eps)
        scale_b = 1 / ((b * b).sum(1) + self.eps)
        return (a * b).sum(1) * (scale_a * scale_b).sqrt()


class DotProduct(nn.Module):
    """The product of two vectors, or of each two rows of two matrices, given as a list.

    Source: torch/nn DotProduct.lua.
    """

    def forward(self, input: Sequence[Tensor]) -> Tensor:
        a, b = pair(input)
        return (a * b).sum(1)
