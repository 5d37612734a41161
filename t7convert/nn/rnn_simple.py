"""Small modules of the recurrent packages: arithmetic, reversal, lazy dropout, a regulariser."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd import Function

from t7convert.nn.autograd import apply
from t7convert.nn.embedding import LookupTable
from t7convert.nn.memory import Memory


class SAdd(nn.Module):
    """Add a number; ``negate`` then changes the sign. Source: SAdd.lua of both packages."""

    def __init__(self, addend: float, negate: bool = False) -> None:
        super().__init__()
        self.addend, self.negate = addend, negate

    def forward(self, input: Tensor) -> Tensor:
        output = input + self.addend
        return -output if self.negate else output

    def extra_repr(self) -> str:
        return f"{self.addend:g}, negate={self.negate}"


class Reverse(nn.Module):
    """Reverse the order along ``dim`` of a tensor, or of the entries of a list.

    Source: Element-Research/rnn SeqReverseSequence.lua, torch/rnn ReverseSequence.lua.
    """

    def __init__(self, dim: int = 0) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, input: Any) -> Any:
        return input.flip(self.dim) if isinstance(input, Tensor) else list(input)[::-1]

    def extra_repr(self) -> str:
        return f"dim={self.dim}"


class LookupTableMaskZero(LookupTable):
    """The row of ``weight`` for each index of the input, zeros for index 0.

    Lua keeps a row for index 0 and zeroes it in every forward; it has a gradient all the same.
    Source: LookupTableMaskZero.lua of Element-Research/rnn and torch/rnn.
    """

    def forward(self, input: Tensor) -> Tensor:
        rows = super().forward(input + 1)
        masked = (input == 0).reshape(*input.shape, *(1,) * (rows.dim() - input.dim()))
        return rows - rows.detach() * masked


class _Evaluated(Function):
    """Multiply by ``kept``; Lua's backward divides by it."""

    @staticmethod
    def forward(input: Tensor, kept: float) -> Tensor:
        return input * kept

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, float], output: Tensor) -> None:
        ctx.kept = inputs[1]

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        return grad / ctx.kept, None


def _is_followed(input: Tensor) -> bool:
    """Tell whether gradients go through a tensor here; a compiled graph is not to be asked."""
    return torch.is_grad_enabled() and input.requires_grad and not torch.compiler.is_compiling()


class LazyDropout(nn.Module):
    """The dropout with which rnn replaces torch/nn's.

    Args:
        p: the probability of a zero, 0 <= p < 1.
        scaled: divide by 1 - p in training (Lua's "v2"); else multiply by it in evaluation, whose
            gradient Lua then divides by 1 - p.
        inplace: write the output over the input.
        lazy: draw a mask only after a backward; until then the last one serves, so that all steps
            of a sequence share it.
        mono: one mask for the whole batch.

    Source: Dropout.lua of Element-Research/rnn and torch/rnn.
    """

    def __init__(
        self,
        p: float = 0.5,
        *,
        scaled: bool = True,
        inplace: bool = False,
        lazy: bool = False,
        mono: bool = False,
    ) -> None:
        super().__init__()
        self.p, self.scaled, self.inplace = p, scaled, inplace
        self.lazy, self.mono = lazy, mono
        self._mask: Tensor | None = None

    def forward(self, input: Tensor) -> Tensor:
        if self.p == 0 or (self.scaled and not self.training):
            # a memory of its own, as in Lua: backward doesn't see it if the input is overwritten
            return input if self.inplace or not _is_followed(input) else input.clone()
        if not self.training:
            output = apply(_Evaluated, input, 1 - self.p)
            return input.copy_(output) if self.inplace else output
        mask = self._current_mask(input)
        result = input.mul_(mask) if self.inplace else input * mask
        if self.lazy and result.requires_grad:
            result.register_hook(self._used)
        return result

    def _current_mask(self, input: Tensor) -> Tensor:
        if self.lazy and self._mask is not None:
            return self._mask
        shape = (1, *input.shape[1:]) if self.mono else input.shape
        mask = input.new_empty(shape).bernoulli_(1 - self.p)
        self._mask = mask / (1 - self.p) if self.scaled else mask
        return self._mask

    def _used(self, gradient: Tensor) -> None:
        self._mask = None

    def _apply(self, fn: Any, recurse: bool = True) -> Any:
        self._mask = None
        return super()._apply(fn, recurse)  # type: ignore[no-untyped-call]  # torch's is untyped

    def extra_repr(self) -> str:
        flags = [n for n in ("scaled", "inplace", "lazy", "mono") if getattr(self, n)]
        return ", ".join([f"p={self.p:g}", *(f"{name}=True" for name in flags)])


class _Stabilised(Function):
    """The identity; its gradient gains that of the squared differences of neighbouring norms."""

    @staticmethod
    def forward(input: Tensor, beta: float, norms: list[Tensor], step: int) -> Tensor:
        return input.view_as(input)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        input, ctx.beta, ctx.norms, ctx.step = inputs
        ctx.save_for_backward(input)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        (input,) = ctx.saved_tensors
        norm = ctx.norms[ctx.step]
        for neighbour in (ctx.step - 1, ctx.step + 1):
            if 0 <= neighbour < len(ctx.norms):
                factor = (norm - ctx.norms[neighbour]) * (2 * ctx.beta) / norm
                grad = grad + input / len(input) * factor
        return grad, None, None, None


class NormStabilizer(Memory):
    """The identity on ``batch x features``; training keeps the norms of successive steps alike.

    The gradient of beta times the squared difference of the norms of neighbouring steps is added to
    that of the output. Source: NormStabilizer.lua of both packages.
    """

    def __init__(self, beta: float = 1.0) -> None:
        super().__init__()
        self.beta = beta

    def forward(self, input: Tensor) -> Tensor:
        if input.dim() != 2:
            raise RuntimeError(f"batch x features expected, got {tuple(input.shape)}")
        if not self.training:
            return input
        norms = self.memory.setdefault("norms", [])
        norms.append(torch.linalg.vector_norm(input.detach(), dim=1, keepdim=True))
        return apply(_Stabilised, input, self.beta, norms, len(norms) - 1)

    def detach_memory(self) -> None:
        self.memory = {"norms": self.memory.get("norms", [])[-1:]}

    def extra_repr(self) -> str:
        return f"beta={self.beta:g}"
