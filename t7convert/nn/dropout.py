"""Noise that torch.nn lacks: dropout without scaling, per plane, or in evaluation; white noise."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd import Function

from t7convert.nn.autograd import apply


class _Mask(Function):
    """Multiply by ``mask`` forward and by ``back`` backward."""

    @staticmethod
    def forward(input: Tensor, mask: Tensor, back: float) -> Tensor:
        return input * mask

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor, float], output: Tensor) -> None:
        ctx.back = inputs[2]

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        return grad * ctx.back, None, None


class Dropout(nn.Module):
    """Dropout as torch/nn had it.

    Args:
        p: the probability of a zero, 0 <= p < 1.
        scaled: divide by 1 - p in training (Lua's "v2"); else multiply by it in evaluation.
        inplace: write the output over the input.
        stochastic: draw masks in evaluation too. The gradient then knows nothing of them, as in
            Lua.

    Source: torch/nn Dropout.lua.
    """

    def __init__(
        self,
        p: float = 0.5,
        *,
        scaled: bool = True,
        inplace: bool = False,
        stochastic: bool = False,
    ) -> None:
        super().__init__()
        self.p, self.scaled = p, scaled
        self.inplace, self.stochastic = inplace, stochastic

    def forward(self, input: Tensor) -> Tensor:
        kept = 1 - self.p
        if self.p == 0:
            return input
        if not self.training and not self.stochastic:
            if self.scaled:
                return input
            return input.mul_(kept) if self.inplace else input * kept
        mask = torch.empty_like(input).bernoulli_(kept)
        if self.scaled:
            mask = mask / kept
        if self.training:
            return input.mul_(mask) if self.inplace else input * mask
        output = apply(_Mask, input, mask, 1.0 if self.scaled else kept)
        return input.copy_(output) if self.inplace else output

    def extra_repr(self) -> str:
        flags = [name for name in ("scaled", "inplace", "stochastic") if getattr(self, name)]
        return ", ".join([f"p={self.p:g}", *(f"{name}=True" for name in flags)])


class PlaneDropout(nn.Module):
    """Drop whole planes; training doesn't scale, evaluation multiplies by 1 - p.

    Inputs have ``plane_dims`` dimensions (2 for images, 3 for volumes) behind the planes, and
    perhaps a batch dimension before them. ``stochastic`` draws masks in evaluation too.
    Source: torch/nn SpatialDropout.lua, VolumetricDropout.lua.
    """

    def __init__(self, p: float, plane_dims: int, stochastic: bool = False) -> None:
        super().__init__()
        self.p, self.plane_dims, self.stochastic = p, plane_dims, stochastic

    def forward(self, input: Tensor) -> Tensor:
        if not self.training and not self.stochastic:
            return input * (1 - self.p)
        batch = input.dim() - self.plane_dims
        if batch not in (1, 2):
            raise RuntimeError(
                f"{self.plane_dims + 1} or {self.plane_dims + 2} dimensions expected, the input "
                f"has {input.dim()}"
            )
        shape = (*input.shape[:batch], *(1,) * self.plane_dims)
        return input * input.new_empty(shape).bernoulli_(1 - self.p)

    def extra_repr(self) -> str:
        stochastic = ", stochastic=True" if self.stochastic else ""
        return f"p={self.p:g}, plane_dims={self.plane_dims}{stochastic}"


class WhiteNoise(nn.Module):
    """Add normal noise in training, its mean in evaluation. Source: torch/nn WhiteNoise.lua."""

    def __init__(self, mean: float = 0.0, std: float = 0.1) -> None:
        super().__init__()
        self.mean, self.std = mean, std

    def forward(self, input: Tensor) -> Tensor:
        if self.training:
            return input + torch.empty_like(input).normal_(self.mean, self.std)
        return input + self.mean

    def extra_repr(self) -> str:
        return f"mean={self.mean:g}, std={self.std:g}"
