"""Recurrent layers of torch-rnn, over batch x steps x inputs.

The weight has the inputs' rows first, then the hidden state's; it is multiplied from the right.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.autograd import Function
from torch.nn import functional

from t7convert.nn.autograd import apply
from t7convert.nn.memory import Remembering
from t7convert.nn.rnn_steps import in_one_memory, lstm_step

_Module = TypeVar("_Module", bound=nn.Module)


class _Recurrent(Remembering):
    """Base of the two layers; ``parts`` is how many numbers per cell the weight computes.

    Unlike its namesake in Element-Research/rnn, it keeps its memory when it changes between
    training and evaluation.
    """

    parts: int
    states: int

    def __init__(self, input_size: int, hidden_size: int, *, remember: str = "neither") -> None:
        super().__init__(remember=remember)
        self.input_size, self.hidden_size = input_size, hidden_size
        self.weight = nn.Parameter(torch.empty(input_size + hidden_size, self.parts * hidden_size))
        self.bias = nn.Parameter(torch.zeros(self.parts * hidden_size))
        nn.init.normal_(self.weight, std=(input_size + hidden_size) ** -0.5)

    def train(self: _Module, mode: bool = True) -> _Module:
        nn.Module.train(self, mode)
        return self

    def _unpack(self, input: Tensor | Sequence[Tensor]) -> tuple[Tensor, list[Tensor]]:
        """Return the input's part of the gates (batch x steps), and hidden, cell before step 1."""
        *given, x = [input] if isinstance(input, Tensor) else list(input)
        if len(given) > self.states:
            raise RuntimeError(f"got {len(given)} states, expected at most {self.states}")
        if x.dim() != 3 or x.shape[2] != self.input_size:
            raise RuntimeError(
                f"batch x steps x {self.input_size} expected, the input is {tuple(x.shape)}"
            )
        given.reverse()  # Lua has the cell first
        given += [self._first(part, len(x)) for part in range(len(given), self.states)]
        for state in given:
            if state.shape != (len(x), self.hidden_size):
                raise RuntimeError(
                    f"a state of {len(x)} x {self.hidden_size} expected, got {tuple(state.shape)}"
                )
        return functional.linear(x, self.weight[: self.input_size].t(), self.bias), given

    def _first(self, part: int, batch: int) -> Tensor:
        """Return a state before the first step that isn't given: memory, or zeros.

        A state that came with the input isn't remembered before one has been made here: Lua's
        buffers ``h0`` and ``c0`` stay empty.
        """
        made = self.memory.setdefault("made", [False] * self.states)
        last = self.memory.get("last")
        known = last[part] if last is not None and made[part] and self.has_memory else None
        made[part] = True
        if known is None:
            return self.weight.new_zeros(batch, self.hidden_size)
        if len(known) != batch:
            raise RuntimeError(
                f"the remembered state is of a batch of {len(known)}, the input of {batch}; "
                "call forget() between them"
            )
        state: Tensor = known.detach()
        return state

    def _finish(self, outputs: list[Tensor], state: list[Tensor]) -> Tensor:
        if not torch.compiler.is_exporting():  # an exported graph has no memory
            self.memory["last"] = state
        return in_one_memory(outputs, 1)

    def extra_repr(self) -> str:
        return f"{self.input_size}, {self.hidden_size}, remember={self.remember_mode!r}"


class LSTM(_Recurrent):
    """An LSTM over batch x steps x inputs; the gates are i, f, o, g.

    The input may be [h0, x] or [c0, h0, x], states batch x cells. Otherwise a call starts with
    zeros, or where the last one ended if ``remember`` is "both". Source: torch-rnn LSTM.lua.
    """

    parts, states = 4, 2

    def __init__(self, input_size: int, hidden_size: int, *, remember: str = "neither") -> None:
        super().__init__(input_size, hidden_size, remember=remember)
        with torch.no_grad():
            self.bias[hidden_size : 2 * hidden_size] = 1

    def forward(self, input: Tensor | Sequence[Tensor]) -> Tensor:
        gates, (hidden, cell) = self._unpack(input)
        weight = self.weight[self.input_size :]
        outputs = []
        for gate in gates.unbind(1):
            hidden, cell = lstm_step(gate, hidden, cell, weight, None)
            outputs.append(hidden)
        return self._finish(outputs, [hidden, cell])


class _Tanh(Function):
    """The slope is told from what lies in the output's memory, ``places``, when backward comes."""

    @staticmethod
    def forward(ctx: Any, input: Tensor, places: list[Tensor], number: int) -> Tensor:
        ctx.places, ctx.number = places, number
        return input.tanh()

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        return gradients[0] * (1 - ctx.places[ctx.number].square()), None, None


class VanillaRNN(_Recurrent):
    """h' = tanh(W [x, h] + b) over batch x steps x inputs; the input may be [h0, x].

    Source: torch-rnn VanillaRNN.lua.
    """

    parts, states = 1, 1

    def forward(self, input: Tensor | Sequence[Tensor]) -> Tensor:
        sums, (hidden,) = self._unpack(input)
        weight = self.weight[self.input_size :]
        outputs: list[Tensor] = []
        places: list[Tensor] = []
        for number, given in enumerate(sums.unbind(1)):
            total = given + hidden @ weight
            traced = torch.compiler.is_compiling()
            hidden = total.tanh() if traced else apply(_Tanh, total, places, number)
            outputs.append(hidden)
        output = self._finish(outputs, [hidden])
        places += [state.detach() for state in outputs]
        return output
