"""Modules of Facebook's fbnn: filters, scales, normalisations, dropout."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd import Function
from torch.nn import functional as F

from t7convert.nn.autograd import apply


class Upsample(nn.Module):
    """Repeat each pixel ``factor`` times in height and width, ``(C, H, W)`` or ``(N, C, H, W)``.

    Source: fbnn Upsample.lua.
    """

    def __init__(self, factor: int) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, input: Tensor) -> Tensor:
        if self.factor == 1:
            return input.clone()
        return input.repeat_interleave(self.factor, -2).repeat_interleave(self.factor, -1)

    def extra_repr(self) -> str:
        return f"factor={self.factor}"


class DifferenceOfGaussian(nn.Module):
    """Differences between neighbouring Gaussian blurs, at several octaves.

    ``filter`` is ``(scales + 1, k, k)``, one blur per scale and a last one that the next octave
    starts from, at half the size. Takes ``(C, H, W)`` or ``(N, C, H, W)`` and gives one tensor per
    octave with ``scales`` planes per input plane. Lua has no backward; here the gradient is the
    derivative. Source: fbnn DifferenceOfGaussian.lua.
    """

    filter: Tensor

    def __init__(self, filter: Tensor, octaves: int, padding: tuple[int, int]) -> None:
        super().__init__()
        self.octaves, self.padding = octaves, padding
        self.register_buffer("filter", filter)

    def forward(self, input: Tensor) -> list[Tensor]:
        outputs = []
        planes = input
        for _ in range(self.octaves):
            *lead, channels, height, width = planes.shape
            single = planes.reshape(-1, 1, height, width)
            blurred = F.conv2d(single, self.filter[:, None], padding=self.padding)
            differences = blurred[:, :-1] - blurred[:, 1:]
            outputs.append(differences.reshape(*lead, -1, *blurred.shape[2:]))
            planes = blurred[:, -1].reshape(*lead, channels, *blurred.shape[2:])
            planes = planes[..., 1::2, 1::2]
        return outputs

    def extra_repr(self) -> str:
        return f"octaves={self.octaves}, scales={len(self.filter) - 1}"


class LeakyReLU(nn.Module):
    """A leaky ReLU whose slope is a parameter that never gets a gradient.

    Source: fbnn LeakyReLU.lua.
    """

    def __init__(self, slope: float = 0.25) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.full((1,), slope))

    def forward(self, input: Tensor) -> Tensor:
        return torch.where(input > 0, input, self.weight.detach() * input)


class Constant(nn.Module):
    """Give ``value`` for every sample of a batch. Source: fbnn Constant.lua."""

    value: Tensor

    def __init__(self, value: Tensor) -> None:
        super().__init__()
        self.register_buffer("value", value)

    def forward(self, input: Tensor) -> Tensor:
        return self.value.repeat(len(input), *[1] * self.value.dim())

    def extra_repr(self) -> str:
        return f"shape={tuple(self.value.shape)}"


class L2Normalize(nn.Module):
    """Divide each vector by its Euclidean norm, ``(D,)`` or ``(N, D)``; no epsilon.

    Source: fbnn L2Normalize.lua.
    """

    def forward(self, input: Tensor) -> Tensor:
        if input.dim() > 2:
            raise ValueError(f"expected one or two dimensions, got {input.dim()}")
        return input / input.square().sum(-1, keepdim=True).sqrt()


class _Project(Function):
    @staticmethod
    def forward(input: Tensor) -> Tensor:
        return input.clone()

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor], output: Tensor) -> None:
        ctx.save_for_backward(inputs[0])

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        norm = x.square().sum().sqrt()
        unit = torch.where(norm == 0, torch.zeros_like(x), x / norm)
        return grad - unit * (unit * grad).sum()


class ProjectiveGradientNormalization(nn.Module):
    """The identity, whose gradient loses its part along the input (the whole batch as one vector).

    Source: fbnn ProjectiveGradientNormalization.lua, which has an ``eps`` that it never uses.
    """

    def forward(self, input: Tensor) -> Tensor:
        return apply(_Project, input)


class NestedDropout(nn.Module):
    """In training, keep the first b columns of each row, b drawn from a geometric distribution.

    Column k (from 1) is kept with probability ``(1 - p)^(k - 1)`` and then divided by
    ``1 - sum(exp(logp + j * log1p), j < k)``, which is ``(1 - p)^k`` for the constructor's
    ``logp`` and ``log1p``. Evaluation is the identity. Source: fbnn NestedDropout.lua.
    """

    def __init__(
        self, p: float = 0.01, logp: float | None = None, log1p: float | None = None
    ) -> None:
        super().__init__()
        self.p = p
        self.logp = math.log(p) if logp is None else logp
        self.log1p = math.log(1 - p) if log1p is None else log1p

    def forward(self, input: Tensor) -> Tensor:
        if not self.training:
            return input.clone()
        rows, columns = input.shape
        powers = torch.arange(columns, device=input.device, dtype=input.dtype)
        scale = 1 - (self.logp + powers * self.log1p).exp().cumsum(0)
        uniform = torch.rand(rows, device=input.device)
        # THRandom_geometric, which NestedDropout.lua asks for 1 - p
        kept = ((1 - uniform).log() / math.log(1 - self.p)).floor() + 1
        mask = powers < kept[:, None]
        return input * (mask / scale)

    def extra_repr(self) -> str:
        return f"p={self.p:g}"
