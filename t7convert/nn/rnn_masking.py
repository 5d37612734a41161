"""Decorators that blank the output rows of masked input rows.

Sources: MaskZero.lua of Element-Research/rnn (mask: input rows of zeros) and of torch/rnn (mask
given); TrimZero.lua of the former.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd import Function
from torch.func import functional_call

from t7convert.nn.autograd import apply
from t7convert.nn.containers import ConcatTable, ParallelTable
from t7convert.nn.memory import Memory, detached
from t7convert.nn.rnn_steps import Masked, Masking


def first_tensor(value: Any) -> Tensor:
    """Return the first tensor of a nested list."""
    while not isinstance(value, Tensor):
        value = value[0]
    return value


def zero_rows(input: Any, dims: int | None) -> Tensor:
    """Return true where the first tensor's rows are zeros: one per row, or one for no batch.

    ``dims`` is the number of dimensions without batch; None takes the first one for the batch.
    """
    first = first_tensor(input)
    if dims is not None and first.dim() == dims:
        return first.square().sum() == 0
    if dims is not None and first.dim() - 1 != dims:
        raise RuntimeError(
            f"an input of {dims} dimensions expected, with a batch dimension or without; got "
            f"{tuple(first.shape)}"
        )
    return first.reshape(len(first), -1).square().sum(1) == 0


def blank(value: Any, mask: Tensor) -> Any:
    """Return ``value`` with zeros where the mask of its leading dimensions is true."""
    if isinstance(value, Tensor):
        return value.masked_fill(mask.reshape(*mask.shape, *(1,) * (value.dim() - mask.dim())), 0)
    return [blank(item, mask) for item in value]


class _ParametersOnly(Function):
    """Zero forward; backward lets the gradient of the masked rows through."""

    @staticmethod
    def forward(value: Tensor, mask: Tensor) -> Tensor:
        return torch.zeros_like(value)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor], output: Tensor) -> None:
        ctx.save_for_backward(inputs[1])

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        (mask,) = ctx.saved_tensors
        return grad - blank(grad, mask), None


def _add_leak(output: Any, leak: Any, mask: Tensor) -> Any:
    if leak is None:
        return output
    if isinstance(output, Tensor):
        return output + apply(_ParametersOnly, leak, mask)
    return [_add_leak(item, part, mask) for item, part in zip(output, leak, strict=True)]


def _run(module: nn.Module, input: Any) -> tuple[Any, Any]:
    """Return the output, and the same again as a function of the last parameters alone.

    The second is None where no parameters stand at the end of ``module``.
    """
    if type(module) is nn.Sequential and len(module):
        *others, last = module.children()
        for child in others:
            input = child(input)
        return _run(last, input)
    if isinstance(module, (ConcatTable, ParallelTable)):
        inputs: Sequence[Any] = [input] * len(module)
        if isinstance(module, ParallelTable):
            inputs = input
        pairs = [_run(child, item) for child, item in zip(module, inputs, strict=False)]
        return [output for output, _ in pairs], [leak for _, leak in pairs]
    output = module(input)
    leaf = not any(True for _ in module.children()) and not isinstance(module, (Memory, Masked))
    if not leaf or not any(p.requires_grad for p in module.parameters()):
        return output, None
    buffers = {name: buffer.clone() for name, buffer in module.named_buffers()}
    return output, functional_call(module, buffers, (detached(input),))


class MaskZero(Masked, nn.Sequential):
    """Blank the output of child 0 where the input is masked.

    Args:
        module: the decorated module.
        masking: ``zeros`` (rows of zeros in the first input tensor) or ``given``.
        input_dims: dimensions of that tensor without batch, where it may come without.
        mask_input: blank the input, too.
        mask_output: blank the output.

    Lua masks the gradient on its way to the inputs but not for parameters that stand at the end of
    the module (the bias of a decorated Linear); so does this.
    """

    def __init__(
        self,
        module: nn.Module,
        *,
        masking: Masking = "zeros",
        input_dims: int | None = None,
        mask_input: bool = False,
        mask_output: bool = True,
    ) -> None:
        super().__init__(module)
        self.masking, self.input_dims, self.zero_mask = masking, input_dims, None
        self.mask_input, self.mask_output = mask_input, mask_output

    def mask_of(self, input: Any) -> Tensor | None:
        if self.masking == "zeros" and self.zero_mask is not False:
            return zero_rows(input, self.input_dims)
        first = first_tensor(input)
        dims = self.zero_mask.dim() if isinstance(self.zero_mask, Tensor) else 1
        return super().mask_of(first.reshape(*first.shape[:dims], -1))

    def forward(self, input: Any) -> Any:
        mask = self.mask_of(input)
        if mask is None:
            return self[0](input)
        if self.mask_input:
            input = blank(input, mask)
        if not self.mask_output:
            return self[0](input)
        if not torch.is_grad_enabled():
            return blank(self[0](input), mask)
        output, leak = _run(self[0], input)
        return _add_leak(blank(output, mask), leak, mask)

    def extra_repr(self) -> str:
        return f"masking={self.masking!r}"


class TrimZero(nn.Sequential):
    """Run child 0 on the rows that aren't zeros; the other rows of the output are zeros.

    Args:
        module: the decorated module.
        input_dims: dimensions of the (first) input tensor without batch.
    """

    def __init__(self, module: nn.Module, input_dims: int) -> None:
        super().__init__(module)
        self.input_dims = input_dims

    def forward(self, input: Any) -> Any:
        mask = zero_rows(input, self.input_dims)
        if mask.dim() == 0 or torch.compiler.is_compiling():  # where a graph has fixed sizes
            return blank(self[0](blank(input, mask)), mask)
        kept = (~mask).nonzero().squeeze(1)
        if not len(kept):  # Lua runs the module all the same, on one row of zeros
            return self._rows(self[0](blank(self._pick(input, kept.new_zeros(1)), mask[:1])), mask)
        return self._spread(self[0](self._pick(input, kept)), kept, len(mask))

    def _pick(self, value: Any, rows: Tensor) -> Any:
        if isinstance(value, Tensor):
            return value.index_select(0, rows)
        return [self._pick(item, rows) for item in value]

    def _spread(self, value: Any, rows: Tensor, batch: int) -> Any:
        if isinstance(value, Tensor):
            return value.new_zeros(batch, *value.shape[1:]).index_copy(0, rows, value)
        return [self._spread(item, rows, batch) for item in value]

    def _rows(self, value: Any, mask: Tensor) -> Any:
        if isinstance(value, Tensor):
            return value.new_zeros(len(mask), *value.shape[1:])
        return [self._rows(item, mask) for item in value]

    def extra_repr(self) -> str:
        return f"input_dims={self.input_dims}"
