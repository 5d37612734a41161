"""LSTM and GRU over whole sequences.

Sources: SeqLSTM.lua, SeqLSTMP.lua, SeqGRU.lua of Element-Research/rnn and torch/rnn.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from t7convert.nn.memory import Remembering
from t7convert.nn.rnn_steps import (
    Masked,
    Masking,
    blanked,
    draw_parameters,
    gru_step,
    in_one_memory,
    lstm_step,
)


class _Sequence(Masked, Remembering):
    """Base of the two classes over sequences."""

    parts: int

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        output_size: int,
        *,
        batch_first: bool,
        masking: Masking,
        remember: str,
        new_batch_restarts: bool,
        start: Sequence[Tensor | None] | None,
    ) -> None:
        super().__init__(remember=remember)
        self.input_size, self.hidden_size, self.output_size = input_size, hidden_size, output_size
        self.batch_first, self.masking = batch_first, masking
        self.new_batch_restarts = new_batch_restarts
        self.weight = nn.Parameter(torch.empty(input_size + output_size, self.parts * hidden_size))
        self.bias = nn.Parameter(torch.empty(self.parts * hidden_size))
        self.zero_mask = None
        for number, tensor in enumerate(start or ()):
            self.register_buffer(f"start{number}", tensor, persistent=False)

    def reset_parameters(self) -> None:
        """Draw new parameters as Lua's ``reset`` does: gate 2 starts with bias 1."""
        draw_parameters(self, self.input_size, self.hidden_size, self.output_size)

    def _first(self, part: int, size: int, batch: int) -> Tensor:
        """Return a part of the state before the first step: a given start, memory, or zeros.

        A state that came with the input isn't remembered before one has been made here: Lua's
        buffers ``h0`` and ``c0`` stay empty.
        """
        made = self.memory.setdefault("made", [False, False])
        last = self.memory.get("last")
        known = last[part] if last and made[part] and self.has_memory else None
        made[part] = True
        given = self._buffers.get(f"start{part}")
        if given is not None:
            return given
        if known is not None and len(known) != batch and not self.new_batch_restarts:
            raise RuntimeError(
                f"the remembered state is of a batch of {len(known)}, the input of {batch}; "
                "call forget() between them"
            )
        if known is None or len(known) != batch:
            return self.weight.new_zeros(batch, size)
        state: Tensor = known.detach()
        return state

    def _prepare(self, input: Tensor) -> tuple[Tensor, Tensor, list[Tensor | None]]:
        """Return the input as steps x batch x inputs, its part of the gates, masks per step."""
        if input.dim() != 3:
            raise RuntimeError(f"three dimensions expected, the input is {tuple(input.shape)}")
        steps = input.transpose(0, 1) if self.batch_first else input
        gates = functional.linear(steps, self.weight[: self.input_size].t(), self.bias)
        mask = self.mask_of(steps)
        return steps, gates, [None] * len(steps) if mask is None else list(mask)

    def _finish(self, outputs: list[Tensor], state: list[Tensor]) -> Tensor:
        if not torch.compiler.is_exporting():  # an exported graph has no memory
            self.memory["last"] = state
        for name in self._buffers:
            self._buffers[name] = None  # a given start serves once
        return in_one_memory(outputs, 1 if self.batch_first else 0)

    def extra_repr(self) -> str:
        sizes = f"{self.input_size}, {self.hidden_size}"
        if self.output_size != self.hidden_size:
            sizes += f", {self.output_size}"
        flags = ", batch_first=True" if self.batch_first else ""
        flags += f", masking={self.masking!r}" if self.masking != "off" else ""
        return f"{sizes}{flags}, remember={self.remember_mode!r}"


class SeqLSTM(_Sequence):
    """An LSTM over steps x batch x inputs (batch x steps x inputs if ``batch_first``).

    Args:
        input_size: inputs per step.
        hidden_size: cells.
        output_size: outputs per step, where a projection makes them; else ``hidden_size``.
        batch_first: whether the batch comes first, of input and output.
        masking: which steps are blanked: they give zeros, and the state restarts behind them.
        remember: whether a call goes on where the last one ended.
        new_batch_restarts: whether another batch size restarts (torch/rnn) or is an error.
        start: [output, cell] before the first step of the next call, once; None for none.

    The input may be [h0, x] or [c0, h0, x], whose states are batch x outputs and batch x cells.
    Gates are i, f, o, g. Source: SeqLSTM.lua, SeqLSTMP.lua.
    """

    parts = 4

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        output_size: int | None = None,
        *,
        batch_first: bool = False,
        masking: Masking = "off",
        remember: str = "neither",
        new_batch_restarts: bool = False,
        start: Sequence[Tensor | None] | None = None,
    ) -> None:
        super().__init__(
            input_size,
            hidden_size,
            output_size or hidden_size,
            batch_first=batch_first,
            masking=masking,
            remember=remember,
            new_batch_restarts=new_batch_restarts,
            start=start,
        )
        self.weightO: nn.Parameter | None
        if output_size is None:
            self.register_parameter("weightO", None)
        else:
            self.weightO = nn.Parameter(torch.empty(hidden_size, output_size))
        self.reset_parameters()

    def forward(self, input: Tensor | Sequence[Tensor]) -> Tensor:
        given = [input] if isinstance(input, Tensor) else list(input)
        steps, gates, masks = self._prepare(given[-1])
        batch = steps.shape[1]
        hidden = given[-2] if len(given) > 1 else self._first(0, self.output_size, batch)
        cell = given[-3] if len(given) > 2 else self._first(1, self.hidden_size, batch)
        weight = self.weight[self.input_size :]
        outputs = []
        for gate, mask in zip(gates, masks, strict=True):
            hidden, cell = lstm_step(gate, hidden, cell, weight, self.weightO)
            hidden, cell = blanked(hidden, mask), blanked(cell, mask)
            outputs.append(hidden)
        return self._finish(outputs, [hidden, cell])


class SeqGRU(_Sequence):
    """A GRU over steps x batch x inputs (batch x steps x inputs if ``batch_first``).

    Arguments are those of :class:`SeqLSTM`; the input may be [h0, x]. Gates are r, u and the
    candidate, computed from the reset state. Source: SeqGRU.lua.
    """

    parts = 3

    def __init__(
        self,
        input_size: int,
        output_size: int,
        *,
        batch_first: bool = False,
        masking: Masking = "off",
        remember: str = "neither",
        new_batch_restarts: bool = False,
        start: Sequence[Tensor | None] | None = None,
    ) -> None:
        super().__init__(
            input_size,
            output_size,
            output_size,
            batch_first=batch_first,
            masking=masking,
            remember=remember,
            new_batch_restarts=new_batch_restarts,
            start=start,
        )
        self.reset_parameters()

    def forward(self, input: Tensor | Sequence[Tensor]) -> Tensor:
        given = [input] if isinstance(input, Tensor) else list(input)
        steps, gates, masks = self._prepare(given[-1])
        batch = steps.shape[1]
        hidden = given[-2] if len(given) > 1 else self._first(0, self.output_size, batch)
        weight = self.weight[self.input_size :]
        outputs = []
        for gate, mask in zip(gates, masks, strict=True):
            hidden = blanked(gru_step(gate, hidden, weight), mask)
            outputs.append(hidden)
        return self._finish(outputs, [hidden])
