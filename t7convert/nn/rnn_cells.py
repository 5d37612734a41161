"""Recurrent modules that take one step per call and remember their hidden state.

Each holds the module that computes one step. Bare, they go on from call to call until
:meth:`forget`; inside a Sequencer that decides.
Sources: Element-Research/rnn and torch/rnn: AbstractRecurrent.lua and the files named below.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn

from t7convert.nn.memory import Memory, ZeroMask, set_zero_mask, template

#: Sizes of a hidden state without its batch dimension: one tensor's, or a list of such.
Sizes: TypeAlias = "Sequence[int] | Sequence[Sizes]"


def zero_state(like: Tensor, sizes: Any, batch: int | None) -> Any:
    """Return zeros of these sizes, behind a batch dimension if there is one."""
    if sizes and not isinstance(sizes[0], int):
        return [zero_state(like, item, batch) for item in sizes]
    shape = tuple(sizes) if batch is None else (batch, *sizes)
    return torch.zeros(shape, dtype=like.dtype, device=like.device)


class Recurrent(Memory, nn.Sequential):
    """Base: child 0 computes one step; ``start`` is where a sequence begins, zeros where None.

    Args:
        step: the module of one step.
        start: hidden state before the first step (``setStartState``, ``userPrevOutput`` in Lua);
            one tensor per part of the state, None for zeros.
    """

    def __init__(self, *modules: nn.Module, start: Sequence[Tensor | None] | None = None) -> None:
        super().__init__(*modules)
        for number, tensor in enumerate(start or ()):
            self.register_buffer(f"start{number}", tensor, persistent=False)
        self.starts = len(start or ())
        self._zero_mask: ZeroMask = False
        self._masked_steps = 0

    def start(self, part: int) -> Tensor | None:
        """Return the given start of a part of the state, None where zeros are meant."""
        return getattr(self, f"start{part}") if part < self.starts else None

    def set_zero_mask(self, mask: ZeroMask) -> None:
        """Take the mask of the coming steps, steps x batch; 1 interrupts a sequence."""
        if mask is False or isinstance(self[0], Recurrent):
            set_zero_mask(self[0], mask)
            self._zero_mask = False
        else:
            self._zero_mask, self._masked_steps = mask, 0

    def _hand_on_mask(self) -> None:
        if self._zero_mask is not False:
            if self._masked_steps >= len(self._zero_mask):
                raise RuntimeError(
                    f"the zero mask was for {len(self._zero_mask)} steps; set_zero_mask gives a "
                    "new one, or turns masking off"
                )
            set_zero_mask(self[0], self._zero_mask[self._masked_steps])
            self._masked_steps += 1


def _zeros(module: nn.Module, input: Tensor, size: int) -> Tensor:
    batch = input.shape[0] if input.dim() == 2 else None
    zeros: Tensor = zero_state(template(module, input), (size,), batch)
    return zeros


class LSTM(Recurrent):
    """One step of an LSTM: child 0 maps [input, hidden, cell] to [hidden, cell].

    Input ``batch x inputs`` or ``inputs``; output likewise, of ``output_size``. ``cell_size``
    differs from it where the step has a projection.
    Source: Element-Research/rnn LSTM.lua, FastLSTM.lua; torch/rnn RecLSTM.lua.
    """

    def __init__(
        self,
        step: nn.Module,
        output_size: int,
        cell_size: int | None = None,
        start: Sequence[Tensor | None] | None = None,
    ) -> None:
        super().__init__(step, start=start)
        self.output_size, self.cell_size = output_size, cell_size or output_size

    def forward(self, input: Tensor) -> Tensor:
        self._hand_on_mask()
        hidden, cell = self.memory.get("state") or self._first(input)
        state: list[Tensor] = list(self[0]([input, hidden, cell]))
        self.keep(state=state)
        return state[0]

    def _first(self, input: Tensor) -> list[Tensor]:
        sizes = (self.output_size, self.cell_size)
        given = [self.start(part) for part in range(2)]
        return [
            _zeros(self, input, n) if s is None else s for s, n in zip(given, sizes, strict=True)
        ]

    def extra_repr(self) -> str:
        return f"output_size={self.output_size}"


class GRU(Recurrent):
    """One step of a GRU: child 0 maps [input, hidden] to hidden.

    Input ``batch x inputs`` or ``inputs``; output likewise, of ``output_size``.
    Source: Element-Research/rnn GRU.lua, Mufuru.lua; torch/rnn RecGRU.lua.
    """

    def __init__(
        self, step: nn.Module, output_size: int, start: Sequence[Tensor | None] | None = None
    ) -> None:
        super().__init__(step, start=start)
        self.output_size = output_size

    def forward(self, input: Tensor) -> Tensor:
        self._hand_on_mask()
        hidden = self.memory.get("hidden")
        if hidden is None:
            hidden = self.start(0)
        if hidden is None:
            hidden = _zeros(self, input, self.output_size)
        output: Tensor = self[0]([input, hidden])
        self.keep(hidden=output)
        return output

    def extra_repr(self) -> str:
        return f"output_size={self.output_size}"


class Recurrence(Recurrent):
    """Any recurrence: child 0 maps [input, output before] to the output, a tensor or a list.

    Args:
        step: the module of one step.
        output_size: sizes of the output without batch, of the zeros before the first step.
        input_dims: dimensions of the (first) input tensor without batch.

    Source: Recurrence.lua of Element-Research/rnn and torch/rnn.
    """

    def __init__(
        self,
        step: nn.Module,
        output_size: Sizes,
        input_dims: int,
        start: Sequence[Tensor | None] | None = None,
    ) -> None:
        super().__init__(step, start=start)
        self.output_size, self.input_dims = output_size, input_dims

    def forward(self, input: Any) -> Any:
        self._hand_on_mask()
        before = self.memory.get("output")
        if before is None:
            before = self.start(0)
        if before is None:
            before = zero_state(template(self, input), self.output_size, self._batch(input))
        output = self[0]([input, before])
        self.keep(output=output)
        return output

    def _batch(self, input: Any) -> int | None:
        while not isinstance(input, Tensor):
            input = input[0]
        if input.dim() - 1 == self.input_dims:
            return input.shape[0]
        if input.dim() != self.input_dims:
            raise RuntimeError(
                f"an input of {self.input_dims} dimensions expected, with a batch dimension or "
                f"without; got {tuple(input.shape)}"
            )
        return None

    def extra_repr(self) -> str:
        return f"output_size={list(self.output_size)}, input_dims={self.input_dims}"


class SimpleRecurrent(Memory, nn.Sequential):
    """Children start, input, feedback, transfer, merge: the recurrence of Elman.

    The first step is transfer(start(input(x))), the others
    transfer(merge([input(x), feedback(output before)])).

    Args:
        modules: the five children.
        first: what computes the first step instead, where its modules have statistics of their own.

    Source: Element-Research/rnn Recurrent.lua.
    """

    def __init__(self, *modules: nn.Module, first: nn.Module | None = None) -> None:
        super().__init__(*modules)
        if (
            first is not None
        ):  # a child without a number, which source can't tell, only where need be
            self.add_module("firstModule", first)

    def forward(self, input: Any) -> Any:
        start, read, feedback, transfer, merge = (self[n] for n in range(5))
        first = self._modules.get("firstModule")
        if "output" in self.memory:
            output = transfer(merge([read(input), feedback(self.memory["output"])]))
        elif first is not None:
            output = first(input)
        else:
            output = transfer(start(read(input)))
        self.keep(output=output)
        return output


class Recursor(Recurrent):
    """One step of child 0, whatever it is. Source: Recursor.lua of both packages."""

    def forward(self, input: Any) -> Any:
        self._hand_on_mask()
        return self[0](input)
