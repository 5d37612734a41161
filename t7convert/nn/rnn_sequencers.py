"""Modules that run recurrent ones over sequences: tensors (steps first) or lists.

Sources: the Lua files of these names in Element-Research/rnn and torch/rnn.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from t7convert.nn.decorators import Decorator
from t7convert.nn.gradient import ZeroGrad
from t7convert.nn.inplace import Overwriting, copy_of
from t7convert.nn.memory import (
    Remembering,
    ZeroMask,
    begin_sequence,
    detach_memory,
    end_sequence,
    forget,
    set_zero_mask,
)
from t7convert.nn.reuse import output_buffers
from t7convert.nn.rnn_cells import Recurrent, SimpleRecurrent

_ZERO_GRAD = ZeroGrad()


def run_steps(module: nn.Module, inputs: Iterable[Any]) -> list[Any]:
    """Return the module's output for each input; in evaluation no step overwrites another's."""
    buffers = output_buffers(module)
    written = not module.training and any(isinstance(m, Overwriting) for m in module.modules())
    outputs = []
    begin_sequence()
    try:
        for item in inputs:
            output = module(item)
            outputs.append(copy_of(output) if written else output)
            for buffer in buffers:
                buffer.clear()
    finally:
        end_sequence(module)
    return outputs


class Sequencer(Remembering, nn.Sequential):
    """Run child 0 once per step of a tensor (along its first dimension) or list; so is the output.

    The child forgets before each call, unless ``remember`` tells it to go on. Gradients don't flow
    from one call into the one before. Source: Sequencer.lua.
    """

    def forward(self, input: Tensor | Sequence[Any]) -> Any:
        step = self[0]
        if self.has_memory:
            detach_memory(step)
        else:
            forget(step)
        outputs = run_steps(step, input)
        return torch.stack(outputs) if isinstance(input, Tensor) else outputs

    def extra_repr(self) -> str:
        return f"remember={self.remember_mode!r}"


class Repeater(Remembering, nn.Sequential):
    """Give child 0 the same input ``steps`` times, from a fresh start; the output is a list.

    Source: Repeater.lua.
    """

    def __init__(self, module: nn.Module, steps: int) -> None:
        super().__init__(module)
        self.steps = steps

    def forward(self, input: Any) -> list[Any]:
        forget(self[0])
        return run_steps(self[0], [input] * self.steps)

    def extra_repr(self) -> str:
        return f"steps={self.steps}"


class BiSequencer(Remembering, Decorator):
    """A sequence forward and, reversed, through another module; both are merged by a third.

    Child 0 is wired for that. ``remember`` has no effect, as in Lua: the sequencers inside forget.
    Source: Element-Research/rnn BiSequencer.lua.
    """


class ForwardBackward(Decorator):
    """As :class:`BiSequencer`; the forward half can remember, the backward half can't.

    Source: torch/rnn BiSequencer.lua, SeqBLSTM.lua, SeqBGRU.lua.
    """

    def remember(self, mode: str = "both") -> ForwardBackward:
        """Set the memory mode of the forward half."""
        forward = self.get_submodule("0.0.0")
        if isinstance(forward, Remembering):
            forward.remember(mode)
        return self


class ReverseUnreverse(Decorator):
    """Child 0 reverses a sequence, runs it and reverses it back; a zero mask is reversed, too.

    Source: torch/rnn ReverseUnreverse.lua.
    """

    def set_zero_mask(self, mask: ZeroMask) -> None:
        """Hand on the mask in reverse."""
        set_zero_mask(self[0], mask if mask is False else mask.flip(0))


class BiSequencerLM(Remembering, nn.Sequential):
    """Children forward, backward, merge: what stands before and behind each step of a list.

    The forward child reads all steps but the last, the backward child all but the first (it
    reverses by itself); its outputs are moved on by one, the gaps filled with zeros.
    Source: BiSequencerLM.lua.
    """

    def forward(self, input: Sequence[Any]) -> Any:
        if len(input) < 2:
            raise RuntimeError("a list of two steps at least expected")
        before, behind = list(self[0](input[:-1])), list(self[1](input[1:]))
        merged = [[_zeros(before[0]), *before], [*behind, _zeros(behind[0])]]
        return self[2](merged)


def _zeros(value: Any) -> Any:
    if isinstance(value, Tensor):
        return torch.zeros_like(value)
    return [_zeros(item) for item in value]


class RecurrentAttention(Remembering, nn.Sequential):
    """Children rnn, action: each step the action looks at the last output and the rnn at both.

    Args:
        rnn: maps [input, action] to a hidden state, step by step.
        action: maps a hidden state (zeros at first) to an action.
        steps: how many.
        hidden_size: sizes of the hidden state without batch.
        forward_actions: give [output, action] per step, not the output only.

    In evaluation Lua's modules write each step's output over the one before, and the list that it
    gives holds the same tensor over and over; so does this. The rnn's gradient for an action is
    taken for zero: REINFORCE modules in the action make their own.
    Source: RecurrentAttention.lua.
    """

    def __init__(
        self,
        rnn: nn.Module,
        action: nn.Module,
        steps: int,
        hidden_size: Sequence[int],
        forward_actions: bool = False,
    ) -> None:
        super().__init__(rnn, action)
        self.steps, self.hidden_size = steps, tuple(hidden_size)
        self.forward_actions = forward_actions

    def forward(self, input: Tensor) -> list[Any]:
        forget(self)
        rnn, action = self[0], self[1]
        hidden = input.new_zeros(len(input), *self.hidden_size)
        outputs: list[Tensor] = []
        actions: list[Tensor] = []
        begin_sequence()
        try:
            for _ in range(self.steps):
                actions.append(action(hidden))
                hidden = rnn([input, _without_gradient(actions[-1])])
                outputs.append(hidden)
        finally:
            end_sequence(self)
        if not self.training:
            outputs, actions = _overwritten(outputs, rnn), _overwritten(actions, action)
        if self.forward_actions:
            return [[output, taken] for output, taken in zip(outputs, actions, strict=True)]
        return outputs

    def extra_repr(self) -> str:
        return f"steps={self.steps}, hidden_size={list(self.hidden_size)}"


def _without_gradient(value: Any) -> Any:
    """Return the value, whose gradient arrives as zeros (not detached: REINFORCE waits for it)."""
    if isinstance(value, Tensor):
        return _ZERO_GRAD(value)
    return [_without_gradient(item) for item in value]


def _overwritten(values: list[Tensor], module: nn.Module) -> list[Tensor]:
    """Return what is left in Lua's buffers: the last value, but for a first step of its own."""
    while isinstance(module, Recurrent) and type(module[0]) is not nn.Sequential:
        module = module[0]
    own = 1 if isinstance(module, SimpleRecurrent) else 0
    return values[:own] + [values[-1]] * (len(values) - own)


class VariableLength(Decorator):
    """Run child 0 over sequences of different lengths, packed into one tensor with a zero mask.

    The input is a list of steps x features; the output the list of theirs, or with ``last_only``
    one tensor of their last steps. Source: torch/rnn VariableLength.lua, VariableLength.c.
    """

    def __init__(self, module: nn.Module, last_only: bool = False) -> None:
        super().__init__(module)
        self.last_only = last_only

    def forward(self, input: Sequence[Tensor]) -> Any:
        rows = packing([len(item) for item in input])
        longest = max(len(item) for item in input)
        packed = input[0].new_zeros(longest, len(rows), *input[0].shape[1:])
        mask = torch.ones(longest, len(rows), dtype=torch.bool, device=packed.device)
        for column, row in enumerate(rows):
            for number, start in row:
                where = slice(start, start + len(input[number]))
                packed[where, column] = input[number]
                mask[where, column] = False
        set_zero_mask(self[0], mask)
        output = self[0](packed)
        if torch.compiler.is_exporting():
            set_zero_mask(self[0], False)  # nothing of an export stays
        samples: dict[int, Tensor] = {}
        for column, row in enumerate(rows):
            for number, start in row:
                samples[number] = output[start : start + len(input[number]), column]
        ordered = [samples[number] for number in range(len(input))]
        return torch.stack([item[-1] for item in ordered]) if self.last_only else ordered

    def extra_repr(self) -> str:
        return f"last_only={self.last_only}"


def packing(lengths: Sequence[int]) -> list[list[tuple[int, int]]]:
    """Return rows of (sample, first step): longest first, with one step between two samples."""
    waiting = sorted(range(len(lengths)), key=lambda number: lengths[number])[::-1]
    longest = max(lengths)
    rows: list[list[tuple[int, int]]] = []
    while waiting:
        row: list[tuple[int, int]] = []
        start = 0
        for number in list(waiting):
            if start + lengths[number] <= longest:
                row.append((number, start))
                waiting.remove(number)
                start += lengths[number] + 1
        rows.append(row)
    return rows
