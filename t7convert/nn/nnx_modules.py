"""Small modules of lua---nnx."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd import Function

from t7convert.nn.autograd import apply


def check_planes(input: Tensor) -> None:
    """Refuse everything but (C, H, W).

    Raises:
        ValueError: if there are not three dimensions.
    """
    if input.dim() != 3:
        raise ValueError(f"expected 3 dimensions, got {input.dim()}")


class _Decay(Function):
    """Give the weight; its gradient gains ``times`` the weight."""

    @staticmethod
    def forward(weight: Tensor, times: int) -> Tensor:
        return weight.view_as(weight)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, int], output: Tensor) -> None:
        ctx.times = inputs[1]
        ctx.save_for_backward(inputs[0])

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        (weight,) = ctx.saved_tensors
        return grad + ctx.times * weight, None


class SpatialLinear(nn.Module):
    """A linear map of the planes of (C, H, W). Source: nnx generic/SpatialLinear.c.

    With ``decay``, the weight's gradient gains the weight once per pixel.
    """

    def __init__(self, inputs: int, outputs: int, decay: bool = False) -> None:
        super().__init__()
        self.decay = decay
        self.weight = nn.Parameter(torch.empty(outputs, inputs))
        self.bias = nn.Parameter(torch.empty(outputs))
        bound = outputs**-0.5
        nn.init.uniform_(self.weight, -bound, bound)
        nn.init.uniform_(self.bias, -bound, bound)

    def forward(self, input: Tensor) -> Tensor:
        check_planes(input)
        weight: Tensor = self.weight
        if self.decay:
            weight = apply(_Decay, weight, input.shape[1] * input.shape[2])
        return torch.einsum("oc,chw->ohw", weight, input) + self.bias[:, None, None]

    def extra_repr(self) -> str:
        decay = ", decay=True" if self.decay else ""
        return f"{self.weight.shape[1]}, {self.weight.shape[0]}{decay}"


class ColorTransform(nn.Module):
    """A fixed linear map of the planes of (C, H, W). Source: nnx SpatialColorTransform.lua."""

    matrix: Tensor
    offset: Tensor

    def __init__(self, matrix: Tensor, offset: Tensor, name: str = "") -> None:
        super().__init__()
        self.name = name
        self.register_buffer("matrix", matrix, persistent=False)
        self.register_buffer("offset", offset, persistent=False)

    def forward(self, input: Tensor) -> Tensor:
        check_planes(input)
        matrix, offset = self.matrix.to(input.dtype), self.offset.to(input.dtype)
        return torch.einsum("oc,chw->ohw", matrix, input) + offset[:, None, None]

    def extra_repr(self) -> str:
        return self.name


class SaturatedLU(nn.Module):
    """``low_value`` below ``low``, then ``high_value`` above ``high``.

    Source: nnx SaturatedLU.lua.
    """

    def __init__(self, low: float, low_value: float, high: float, high_value: float) -> None:
        super().__init__()
        self.low, self.low_value, self.high, self.high_value = low, low_value, high, high_value

    def forward(self, input: Tensor) -> Tensor:
        raised = torch.where(input < self.low, self.low_value, input)
        return torch.where(raised > self.high, self.high_value, raised)

    def extra_repr(self) -> str:
        return f"{self.low:g}, {self.low_value:g}, {self.high:g}, {self.high_value:g}"


class Minus(nn.Module):
    """The input times -1. Source: nnx Minus.lua."""

    def forward(self, input: Tensor) -> Tensor:
        return -input


class MultiSoftMax(nn.Module):
    """Softmax over the last of two or three dimensions. Source: nnx MultiSoftMax.lua."""

    def forward(self, input: Tensor) -> Tensor:
        if input.dim() not in (2, 3):
            raise ValueError(f"expected 2 or 3 dimensions, got {input.dim()}")
        return input.softmax(-1)


class Balance(nn.Module):
    """In training, scale probabilities so that all classes are equally likely on average.

    The average is that of the last ``batches`` batches (rows of probabilities, at first zeros); the
    gradient takes the divisors for constants. In evaluation a copy. Source: nnx Balance.lua.

    Args:
        batches: how many batches count.
        cache: the rows of the batches seen so far.
        start: the row of ``cache`` at which the next batch goes.
    """

    cache: Tensor | None

    def __init__(self, batches: int = 10, cache: Tensor | None = None, start: int = 0) -> None:
        super().__init__()
        self.batches, self.start = batches, start
        self.register_buffer("cache", cache, persistent=False)

    def forward(self, input: Tensor) -> Tensor:
        if input.dim() != 2:
            raise ValueError(f"expected 2 dimensions, got {input.dim()}")
        if not self.training:
            return input.clone()
        with torch.no_grad():
            rows = len(input)
            cache = self.cache
            if cache is None or len(cache) != rows * self.batches:
                cache, self.start = input.new_zeros(rows * self.batches, input.shape[1]), 0
            cache = cache.to(input.dtype)
            cache[self.start : self.start + rows] = input
            self.cache, self.start = cache, (self.start + rows) % len(cache)
            shares = cache.sum(0)
            shares = shares / shares.sum()
            sums = (input / shares).sum(1, keepdim=True)
        return input / shares / sums

    def extra_repr(self) -> str:
        return f"batches={self.batches}"


class Slot:
    """Where a PushTable leaves what its PullTables take."""

    value: Any = None

    def __reduce__(self) -> tuple[type[Slot], tuple[()]]:
        return Slot, ()  # a copy, or a file, keeps no activations


class PushTable(nn.Module):
    """Take entry ``index`` (from 0) out of the list and leave it for the PullTables of ``slot``.

    Source: nnx PushTable.lua.
    """

    def __init__(self, index: int, slot: Slot | None = None) -> None:
        super().__init__()
        self.index, self.slot = index, slot or Slot()

    def forward(self, input: Sequence[Any]) -> list[Any]:
        self.slot.value = input[self.index]
        return [*input[: self.index], *input[self.index + 1 :]]

    def extra_repr(self) -> str:
        return f"index={self.index}"


class PullTable(nn.Module):
    """Put what the PushTable of ``slot`` took at ``index`` (from 0) of a list, or beside a tensor.

    Source: nnx PullTable.lua.
    """

    def __init__(self, index: int, slot: Slot) -> None:
        super().__init__()
        self.index, self.slot = index, slot

    def forward(self, input: Any) -> list[Any]:
        entries = [input] if isinstance(input, Tensor) else list(input)
        if self.slot.value is None or self.index > len(entries):
            raise RuntimeError(f"there is nothing to put at {self.index} of {len(entries)} entries")
        entries.insert(self.index, self.slot.value)
        return entries

    def extra_repr(self) -> str:
        return f"index={self.index}"


class _Metric(Function):
    """A linear map whose weight and bias get their gradient through the metric."""

    @staticmethod
    def forward(input: Tensor, weight: Tensor, bias: Tensor, module: QDRiemaNNLinear) -> Tensor:
        return F.linear(input, weight, bias)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        ctx.module = inputs[3]
        ctx.save_for_backward(inputs[0], inputs[1])

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        input, weight = ctx.saved_tensors
        ctx.module.update_metric(input, grad)
        return grad @ weight, *ctx.module.natural(grad.T @ input, grad.sum(0)), None


class QDRiemaNNLinear(nn.Linear):
    """A linear map of rows that learns by a (quasi-)diagonal Riemannian metric.

    Every backward updates the metric and divides the gradients by it (those of this backward; Lua
    divides what had gathered before, too). Source: nnx QDRiemaNNLinear.lua.

    Args:
        inputs, outputs: sizes.
        gamma: how fast the metric changes.
        quasi: whether the metric knows of weight and bias together.
        regulariser: the least divisor.
        fresh: whether there is no metric yet.
    """

    Mii: Tensor
    M0i: Tensor | None
    M00: Tensor

    def __init__(
        self,
        inputs: int,
        outputs: int,
        gamma: float = 0.01,
        quasi: bool = True,
        regulariser: float = 1e-12,
        fresh: bool = True,
    ) -> None:
        super().__init__(inputs, outputs)
        self.gamma, self.quasi, self.regulariser, self.fresh = gamma, quasi, regulariser, fresh
        self.register_buffer("Mii", torch.zeros(outputs, inputs))
        self.register_buffer("M0i", torch.zeros(outputs, inputs) if quasi else None)
        self.register_buffer("M00", torch.zeros(outputs))

    def forward(self, input: Tensor) -> Tensor:
        if input.dim() != 2 or not torch.is_grad_enabled():
            return F.linear(input, self.weight, self.bias)
        return apply(_Metric, input, self.weight, self.bias, self)

    def update_metric(self, input: Tensor, grad: Tensor) -> None:
        """Take the squares of this backward's gradients into the metric."""
        squares = grad.square().T
        terms = {"Mii": squares @ input.square(), "M00": squares.sum(1)}
        if self.quasi:
            terms["M0i"] = squares @ input
        for name, term in terms.items():
            old = self.get_buffer(name)
            old.copy_(term if self.fresh else (1 - self.gamma) * old + self.gamma * term)
        self.fresh = False

    def natural(self, weight: Tensor, bias: Tensor) -> tuple[Tensor, Tensor]:
        """Return the gradients divided by the metric."""
        if self.M0i is None:
            self.Mii.add_(self.regulariser)  # Lua's cdiv adds to the metric itself
            self.M00.add_(self.regulariser)
            return weight / self.Mii, bias / self.M00
        corner = self.M00[:, None]
        below = (self.Mii * corner - self.M0i.square()).clamp(self.regulariser, 1e25)
        scaled = (weight * corner - self.M0i * bias[:, None]) / below
        return scaled, (bias - (self.M0i * scaled).sum(1)) / (self.M00 + self.regulariser)
