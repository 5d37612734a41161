"""Modules that run recurrent ones over sequences."""

from __future__ import annotations

import numpy as np

from t7convert.format.objects import Array
from t7convert.lua.tree import LuaModule
from t7convert.reference.nested import add, map_arrays, zeros_like
from t7convert.reference.op import Op, Value, implements
from t7convert.reference.ops.rnn_cells import forget, hand_mask


def run_steps(op: Op, module: LuaModule, inputs: Value) -> tuple[list[Op], list[Value]]:
    """Call the module on each input; return the calls and copies of their outputs, as Lua's."""
    calls, outputs = [], []
    for item in inputs:
        calls.append(op.call(module, item))
        outputs.append(map_arrays(np.copy, calls[-1].output))
        op.executor.next_step()
    return calls, outputs


@implements("nn.Sequencer")
class Sequencer(Op):
    """Its module forgets before each call, unless it is to remember in evaluation."""

    def forward(self, x: Value) -> Value:
        (module,) = self.modules_at()
        if self.get("_remember") not in ("both", "eval"):
            forget(self.executor, module)
        self.calls, outputs = run_steps(self, module, x)
        return np.stack(outputs) if isinstance(x, np.ndarray) else outputs

    def backward(self, gy: Value) -> Value:
        steps = list(zip(self.calls, gy, strict=True))
        found = [call.backward(grad) for call, grad in reversed(steps)][::-1]
        return np.stack(found) if isinstance(self.input, np.ndarray) else found


@implements("nn.Repeater")
class Repeater(Op):
    def forward(self, x: Value) -> Value:
        (module,) = self.modules_at()
        forget(self.executor, module)
        self.calls, outputs = run_steps(self, module, [x] * self.integer("seqlen"))
        return outputs

    def backward(self, gy: list[Value]) -> Value:
        total = None
        for call, grad in zip(reversed(self.calls), reversed(gy), strict=True):
            total = add(total, call.backward(grad))
        return total


@implements(
    "nn.BiSequencer@rnn",
    "nn.BiSequencer@torch/rnn",
    "nn.SeqBLSTM",
    "nn.SeqBGRU",
    "nn.SeqBRNN",
    "nn.ReverseUnreverse",
)
class Wired(Op):
    """Its module is wired to do everything."""

    def forward(self, x: Value) -> Value:
        (module,) = self.modules_at()
        self.inner = self.call(module, x)
        return self.inner.output

    def backward(self, gy: Value) -> Value:
        return self.inner.backward(gy)


@implements("nn.BiSequencerLM")
class BiSequencerLM(Op):
    """What stands before each step (zeros at first) and behind it (zeros at last), merged."""

    def forward(self, x: list[Value]) -> Value:
        if len(x) < 2:
            raise self.error("a table of two steps at least expected")
        ahead, back, merge = self.modules_at()
        self.ahead, self.back = self.call(ahead, x[:-1]), self.call(back, x[1:])
        before, behind = list(self.ahead.output), list(self.back.output)
        table = [[zeros_like(before[0]), *before], [*behind, zeros_like(behind[0])]]
        self.merge = self.call(merge, table)
        return self.merge.output

    def backward(self, gy: Value) -> list[Value]:
        before, behind = self.merge.backward(gy)
        ahead, back = self.ahead.backward(before[1:]), self.back.backward(behind[:-1])
        return [add(a, b) for a, b in zip([*ahead, None], [None, *back], strict=True)]


@implements("nn.RecurrentAttention")
class RecurrentAttention(Op):
    """Lua keeps each step's output without a copy: what the next step writes over is lost."""

    def forward(self, x: Array) -> Value:
        forget(self.executor, self.module)
        rnn, action = self.modules_at()
        hidden = np.zeros((len(x), *self.integers("hiddenSize")), x.dtype)
        self.actions: list[Op] = []
        self.steps: list[Op] = []
        for _ in range(self.integer("nStep")):
            self.actions.append(self.call(action, hidden))
            self.steps.append(self.call(rnn, [x, self.actions[-1].output]))
            hidden = self.steps[-1].output
        outputs = overwritten([call.output for call in self.steps], rnn)
        if not self.flag("forwardActions"):
            return outputs
        actions = overwritten([call.output for call in self.actions], action)
        return [list(pair) for pair in zip(outputs, actions, strict=True)]

    def backward(self, gy: list[Value]) -> Array:
        """What the rnn says of an action goes nowhere: REINFORCE is to teach the actions.

        Lua's backward is for training; here a lost output's gradient goes where its value came
        from.
        """
        rnn, action = self.modules_at()
        if self.flag("forwardActions"):
            to_steps = collected([pair[0] for pair in gy], rnn)
            to_actions = collected([pair[1] for pair in gy], action)
        else:
            to_steps = collected(gy, rnn)
            to_actions = [zeros_like(call.output) for call in self.actions]
        total = waiting = None
        for number in reversed(range(len(gy))):
            gx, _ = self.steps[number].backward(add(waiting, to_steps[number]))
            total = add(total, gx)
            waiting = self.actions[number].backward(to_actions[number])
        return np.asarray(total)


def own_outputs(module: LuaModule) -> int:
    """Return how many first steps have an output buffer of their own: Recurrent's first one has."""
    name, children = module.spec.typename, module.fields.get("modules", [])
    while name == "nn.Recursor" and children[0].spec.typename != "nn.Sequential":
        module = children[0]
        name, children = module.spec.typename, module.fields.get("modules", [])
    return 1 if name == "nn.Recurrent" else 0


def overwritten(outputs: list[Value], module: LuaModule) -> list[Value]:
    """Return what Lua's buffers hold in the end."""
    kept = own_outputs(module)
    return outputs[:kept] + [outputs[-1]] * (len(outputs) - kept)


def collected(grads: list[Value], module: LuaModule) -> list[Value]:
    """Return the gradients with those of overwritten outputs added to the last one's."""
    kept = own_outputs(module)
    total = None
    for grad in grads[kept:]:
        total = add(total, grad)
    return [*grads[:kept], *[zeros_like(grad) for grad in grads[kept:-1]], total]


@implements("nn.VariableLength")
class VariableLength(Op):
    """Packs the samples into columns, longest first, a masked step between two of them."""

    def forward(self, x: list[Array]) -> Value:
        longest = max(len(sample) for sample in x)
        order = sorted(range(len(x)), key=lambda number: (len(x[number]), number), reverse=True)
        self.places: dict[int, tuple[int, int]] = {}
        column = 0
        while len(self.places) < len(x):
            start = 0
            for number in order:
                if number not in self.places and start + len(x[number]) <= longest:
                    self.places[number] = (column, start)
                    start += len(x[number]) + 1
            column += 1
        self.packed = np.zeros((longest, column, *x[0].shape[1:]), x[0].dtype)
        mask = np.ones((longest, column), np.uint8)
        for number, sample in enumerate(x):
            self.packed[self.place(number)] = sample
            mask[self.place(number)] = 0
        (module,) = self.modules_at()
        hand_mask(self.executor, module, mask)
        self.inner = self.call(module, self.packed)
        outputs = [self.inner.output[self.place(number)] for number in range(len(x))]
        return np.stack([y[-1] for y in outputs]) if self.flag("lastOnly") else outputs

    def place(self, number: int) -> tuple[slice, int]:
        column, start = self.places[number]
        return slice(start, start + len(self.input[number])), column

    def backward(self, gy: Value) -> list[Array]:
        grads = np.zeros_like(self.inner.output)
        for number in range(len(self.input)):
            steps, column = self.place(number)
            if self.flag("lastOnly"):
                grads[steps.stop - 1, column] = gy[number]
            else:
                grads[steps, column] = gy[number]
        found = self.inner.backward(grads)
        return [found[self.place(number)] for number in range(len(self.input))]
