"""A loss whose gradient is given as a formula instead of derived.

Lua criterions compute their gradient by hand; where it isn't the derivative of the loss (an epsilon
in one of the two, a choice at a kink), the modules of this package hand the formula over with
:func:`carry`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from t7convert.nn.autograd import apply


class _Carry(torch.autograd.Function):
    @staticmethod
    def forward(loss: Tensor, count: int, *tensors: Tensor) -> Tensor:
        return loss.clone()

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        ctx.count = inputs[1]
        ctx.save_for_backward(*inputs[2 + ctx.count :])

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        scaled = [grad * gradient for gradient in ctx.saved_tensors]
        return (None, None, *scaled, *[None] * ctx.count)


def carry(loss: Tensor, inputs: Sequence[Tensor], gradients: Sequence[Tensor]) -> Tensor:
    """Return ``loss`` (a scalar) so that its gradient at each of ``inputs`` is ``gradients``.

    The gradients have the shapes of the inputs; the loss itself is taken as a number.
    """
    detached = [gradient.detach() for gradient in gradients]
    return apply(_Carry, loss.detach(), len(inputs), *inputs, *detached)
