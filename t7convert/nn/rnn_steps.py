"""Single steps of LSTM and GRU with one weight for all gates, and how steps are masked.

The weight has the inputs' rows first, then the hidden state's; it is multiplied from the right
(``x @ weight``). The GRU resets the state before the product, unlike ``torch.nn.GRU``.
Sources: StepLSTM.lua, StepGRU.lua (and the C files of these names) of torch/rnn.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, TypeAlias

import torch
from torch import Tensor, nn
from torch.autograd import Function
from torch.nn import functional

from t7convert.nn.autograd import apply
from t7convert.nn.memory import ZeroMask

#: Where masked steps come from: nowhere, input rows of zeros, or :func:`set_zero_mask`.
Masking: TypeAlias = Literal["off", "zeros", "given"]


def draw_parameters(module: nn.Module, inputs: int, cells: int, outputs: int) -> None:
    """Draw weight, bias and projection as Lua's ``reset`` does: gate 2 starts with bias 1."""
    parameters = dict(module.named_parameters())
    nn.init.normal_(parameters["weight"], std=(cells + inputs) ** -0.5)
    nn.init.zeros_(parameters["bias"])
    nn.init.ones_(parameters["bias"][outputs : 2 * outputs])
    if "weightO" in parameters:
        nn.init.normal_(parameters["weightO"], std=(outputs + cells) ** -0.5)


def lstm_step(
    gates: Tensor, hidden: Tensor, cell: Tensor, weight: Tensor, projection: Tensor | None
) -> tuple[Tensor, Tensor]:
    """Return hidden and cell after a step; ``gates`` is the input's part of i, f, o, g."""
    i, f, o, g = (gates + hidden @ weight).chunk(4, -1)
    cell = f.sigmoid() * cell + i.sigmoid() * g.tanh()
    hidden = cell.tanh() * o.sigmoid()
    return (hidden if projection is None else hidden @ projection), cell


class _ResetProduct(Function):
    """(reset * hidden) @ weight; backward makes the product anew: the state may be overwritten."""

    @staticmethod
    def forward(reset: Tensor, hidden: Tensor, weight: Tensor) -> Tensor:
        return (reset * hidden) @ weight

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor, Tensor], output: Tensor) -> None:
        ctx.save_for_backward(*inputs)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        reset, hidden, weight = ctx.saved_tensors
        back = grad @ weight.t()
        rows = (reset * hidden).reshape(-1, weight.shape[0])
        return back * hidden, back * reset, rows.t() @ grad.reshape(-1, weight.shape[1])


def gru_step(gates: Tensor, hidden: Tensor, weight: Tensor) -> Tensor:
    """Return hidden after a step; ``gates`` is the input's part of r, u and the candidate."""
    size = hidden.shape[-1]
    both = gates[..., : 2 * size] + hidden @ weight[:, : 2 * size]
    r, u = both.sigmoid().chunk(2, -1)
    product = apply(_ResetProduct, r, hidden, weight[:, 2 * size :])
    candidate = (gates[..., 2 * size :] + product).tanh()
    return candidate - u * candidate + u * hidden


def in_one_memory(states: Sequence[Tensor], dim: int) -> Tensor:
    """Return the states of the steps stacked along ``dim``, and let them lie in that memory.

    So they do in Lua: a module that overwrites the output overwrites what the backward of the next
    step, and the first step of the next call, read.
    """
    output = torch.stack(list(states), dim)
    if not torch.compiler.is_compiling():
        for state, place in zip(states, output.data.unbind(dim), strict=True):
            state.data = place
    return output


class Masked(nn.Module):
    """What the modules with a zero mask have in common."""

    masking: Masking
    zero_mask: ZeroMask | None

    def set_zero_mask(self, mask: ZeroMask) -> None:
        """Take the mask for the coming calls; False turns masking off until the next."""
        self.zero_mask = mask

    def mask_of(self, input: Tensor) -> Tensor | None:
        """Return the mask of this input, one dimension less and true where masked, or None.

        Raises:
            RuntimeError: if a mask should have been set, or has other sizes than the input.
        """
        if self.masking == "off" or self.zero_mask is False:
            return None
        if self.masking == "zeros":
            return input.square().sum(-1) == 0
        if self.zero_mask is None:
            raise RuntimeError("set_zero_mask must be called first (False turns masking off)")
        if self.zero_mask.shape != input.shape[:-1]:
            raise RuntimeError(
                f"the zero mask is {tuple(self.zero_mask.shape)}, the input {tuple(input.shape)}"
            )
        return self.zero_mask.to(input.device) != 0


def blanked(value: Tensor, mask: Tensor | None) -> Tensor:
    """Return ``value`` with zeros in the masked rows."""
    return value if mask is None else value.masked_fill(mask.unsqueeze(-1), 0)


class StepLSTM(Masked):
    """One step of an LSTM: [input, hidden, cell] to [hidden, cell]; all batch x features.

    Arguments are those of :class:`SeqLSTM`. Source: torch/rnn StepLSTM.lua, StepLSTM.c.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        output_size: int | None = None,
        *,
        masking: Masking = "off",
    ) -> None:
        super().__init__()
        outputs = output_size or hidden_size
        self.input_size, self.masking, self.zero_mask = input_size, masking, None
        self.weight = nn.Parameter(torch.empty(input_size + outputs, 4 * hidden_size))
        self.bias = nn.Parameter(torch.empty(4 * hidden_size))
        self.weightO: nn.Parameter | None
        if output_size is None:
            self.register_parameter("weightO", None)
        else:
            self.weightO = nn.Parameter(torch.empty(hidden_size, output_size))
        draw_parameters(self, input_size, hidden_size, outputs)

    def forward(self, input: Sequence[Tensor]) -> list[Tensor]:
        x, hidden, cell = input
        gates = functional.linear(x, self.weight[: self.input_size].t(), self.bias)
        weight = self.weight[self.input_size :]
        hidden, cell = lstm_step(gates, hidden, cell, weight, self.weightO)
        mask = self.mask_of(x)
        return [blanked(hidden, mask), blanked(cell, mask)]


class StepGRU(Masked):
    """One step of a GRU: [input, hidden] to hidden; all batch x features.

    Source: torch/rnn StepGRU.lua, StepGRU.c.
    """

    def __init__(self, input_size: int, output_size: int, *, masking: Masking = "off") -> None:
        super().__init__()
        self.input_size, self.masking, self.zero_mask = input_size, masking, None
        self.weight = nn.Parameter(torch.empty(input_size + output_size, 3 * output_size))
        self.bias = nn.Parameter(torch.empty(3 * output_size))
        draw_parameters(self, input_size, output_size, output_size)

    def forward(self, input: Sequence[Tensor]) -> Tensor:
        x, hidden = input
        gates = functional.linear(x, self.weight[: self.input_size].t(), self.bias)
        output = gru_step(gates, hidden, self.weight[self.input_size :])
        return blanked(output, self.mask_of(x))
