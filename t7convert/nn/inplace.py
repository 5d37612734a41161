"""In-place modules whose overwriting somebody else can see.

Lua's in-place modules write into their input's memory, and nothing keeps count: whoever reads that
memory later, in forward or in backward, reads the new values, and gets gradients as if nobody had
written. PyTorch's own in-place operations would differentiate through the overwriting, or refuse.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from t7convert.nn.autograd import apply
from t7convert.nn.elementwise import SigmoidInplace, TanhInplace
from t7convert.nn.tables import like


class _Overwrite(torch.autograd.Function):
    """Give ``target``'s memory the values of ``output``; the gradient goes to ``output`` alone."""

    @staticmethod
    def forward(ctx: Any, target: Tensor, output: Tensor, original: Tensor | None) -> Tensor:
        ctx.target, ctx.original = target, original
        target.copy_(output)
        return target.view_as(target)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[None, Tensor, None]:
        if ctx.original is not None:
            ctx.target.copy_(ctx.original)
        return None, gradients[0], None


class _SumInto(torch.autograd.Function):
    """Add the entries into ``target``'s memory, one after the other; each gets the gradient."""

    @staticmethod
    def forward(ctx: Any, target: Tensor, *entries: Tensor) -> Tensor:
        ctx.shapes = [entry.shape for entry in entries]
        return sum_into(target, entries).view_as(target)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        return None, *[gradients[0].reshape(shape) for shape in ctx.shapes]


def sum_into(target: Tensor, entries: Sequence[Tensor]) -> Tensor:
    """Add all entries but the first, which is ``target``, to it.

    An entry that lies in the same memory is read when its turn comes: ``{x, x, x}`` gives 4 x.
    """
    for entry in entries[1:]:
        target.add_(like(entry, target))
    return target


class _Rewrite(torch.autograd.Function):
    """As _Overwrite, the gradient told from what the memory holds when backward comes."""

    @staticmethod
    def forward(ctx: Any, input: Tensor, target: Tensor, module: nn.Module) -> Tensor:
        ctx.target, ctx.module = target, module
        target.copy_(module(target.clone()))
        return target.view_as(target)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        slope = slope_by_output(ctx.module, ctx.target)
        assert slope is not None
        return gradients[0] * slope, None, None


def slope_by_output(module: nn.Module, output: Tensor) -> Tensor | None:
    """Return the derivative of an element-wise module as Lua tells it from overwritten memory.

    None for modules that look at no values (Dropout, sums, products with a constant).
    Source: torch/nn lib/THNN/generic: Threshold.c, LeakyReLU.c, RReLU.c, HardTanh.c, ELU.c;
    cudnn.torch Pointwise.lua.
    """
    one = torch.ones_like(output)
    if isinstance(module, nn.ReLU):
        return (output > 0).to(output.dtype)
    if isinstance(module, nn.Threshold):
        return (output > module.threshold).to(output.dtype)
    if isinstance(module, nn.LeakyReLU):
        return torch.where(output > 0, one, one * module.negative_slope)
    if isinstance(module, nn.RReLU) and not module.training:
        return torch.where(output > 0, one, one * (module.lower + module.upper) / 2)
    if isinstance(module, nn.Hardtanh):
        return ((output > module.min_val) & (output < module.max_val)).to(output.dtype)
    if isinstance(module, nn.ELU):
        return torch.where(output > 0, one, output + module.alpha)
    if isinstance(module, SigmoidInplace):
        return output * (1 - output)
    if isinstance(module, TanhInplace):
        return 1 - output * output
    return None


class Overwriting(nn.Module):
    """Run ``module`` and write its output over its input (over the first, if it is a list).

    With ``restoring``, backward puts the old values back, as nn.AddConstant and nn.MulConstant do;
    with ``late`` it does so after everybody who read the input has gone backward. Gradients are
    Lua's. In an exported or compiled graph the values are the same, the gradients those of
    PyTorch's in-place operations.
    """

    def __init__(self, module: nn.Module, *, restoring: bool = False, late: bool = False) -> None:
        super().__init__()
        self.module = module
        self.restoring, self.late = restoring, late

    def forward(self, input: Any) -> Tensor:
        target: Tensor = input if isinstance(input, Tensor) else input[0]
        follows = torch.is_grad_enabled() and target.requires_grad
        if not isinstance(input, Tensor):
            follows = torch.is_grad_enabled() and any(entry.requires_grad for entry in input)
            if torch.compiler.is_compiling():
                return sum_into(target, input)
            if not follows:
                return sum_into(target, input).view_as(target)
            return apply(_SumInto, target.data, *_told_apart(input))
        if torch.compiler.is_compiling() or not follows:
            output = self.module(input)
            written = output if output is target else target.copy_(output)
            # Lua's output is an object of its own on that memory
            return written if torch.compiler.is_compiling() else written.view_as(target)
        # .data: autograd neither follows nor counts what Lua does behind everybody's back
        if slope_by_output(self.module, target) is not None:
            return apply(_Rewrite, input, target.data, self.module)
        original = target.clone()
        old = original.detach().clone() if self.restoring else None
        if old is not None and self.late:  # the hook waits until the input's gradient is complete
            target.register_hook(partial(_put_back, target.data, old))
        return apply(_Overwrite, target.data, self.module(original), None if self.late else old)

    def extra_repr(self) -> str:
        return "restoring=True" if self.restoring else ""


def _told_apart(entries: Sequence[Tensor]) -> list[Tensor]:
    return [entry.view_as(entry) for entry in entries]


def _put_back(memory: Tensor, values: Tensor, _: Tensor) -> None:
    memory.copy_(values)


class Copied(nn.Module):
    """Give what ``module`` gives, in memory of its own: PyTorch returns views where Lua copied."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, input: Any) -> Tensor:
        output: Tensor = self.module(input)
        return output.clone(memory_format=torch.contiguous_format)


def copy_input(module: nn.Module, args: tuple[Any, ...]) -> tuple[Any, ...]:
    """Forward pre-hook of a network that overwrites its input: the caller's tensor stays."""
    return tuple(copy_of(value) for value in args)


def keep_input(module: nn.Module, args: tuple[Any, ...]) -> tuple[Any, ...] | None:
    """Forward pre-hook of a module whose backward reads its input as it was at the call.

    Lua's convolutions keep an unfolded copy, which nobody overwrites.
    """
    followed = torch.is_grad_enabled() and not torch.compiler.is_compiling()
    return copy_input(module, args) if followed else None


def copy_of(value: Any) -> Any:
    """Return a nested value with tensors of its own."""
    if isinstance(value, Tensor):
        return value.clone()
    if isinstance(value, (list, tuple)):
        return [copy_of(item) for item in value]
    return value
