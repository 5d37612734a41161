"""torch-rnn: recurrent layers over batch x steps x inputs, the language model, its criterion."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from t7convert.format.objects import Array
from t7convert.reference.op import Op, Value, implements
from t7convert.reference.ops.criterion_elementwise import Criterion
from t7convert.reference.ops.rnn_seq import LstmStep, Weights


class TanhStep:
    """One step of VanillaRNN with its backward."""

    def __init__(self, w: Weights, x: Array, state: list[Array], mask: None) -> None:
        self.w, self.x, self.before = w, x, state
        self.after = [np.tanh(w.bias + x @ w.wx + state[0] @ w.wh)]

    def backward(self, gh: Array) -> tuple[Array, Array]:
        """Return the gradients of input and hidden."""
        w, (h,) = self.w, self.after
        ga = (1 - h * h) * gh
        w.grads[0] += self.x.T @ ga
        w.grads[1] += self.before[0].T @ ga
        w.grads[2] += ga.sum(0)
        return ga @ w.wx.T, ga @ w.wh.T


class Recurrent(Op):
    """Base: ``updateOutput`` and ``backward`` of both layers; the state is hidden, then cell."""

    step: type[LstmStep] | type[TanhStep]
    states: int

    def remembered(self, part: int, batch: int) -> Array:
        """Return h0 or c0 where the input has none.

        It is what the last call left only if an earlier call made this buffer too.
        """
        made = self.state.setdefault("made", set())
        last = self.state.get("last") if part in made and self.flag("remember_states") else None
        made.add(part)
        if last is None:
            return np.zeros((batch, self.integer("hidden_dim")), self.executor.dtype)
        kept: Array = last[part]
        if len(kept) != batch:
            raise self.error("batch sizes must be the same to remember states")
        return kept

    def forward(self, x: Value) -> Array:
        self.given = x if isinstance(x, list) else [x]
        *states, sequence = self.given
        if sequence.ndim != 3 or sequence.shape[2] != self.integer("input_dim"):
            raise self.error(f"batch x steps x input_dim expected, got {sequence.shape}")
        state = states[::-1]
        state += [self.remembered(p, len(sequence)) for p in range(len(state), self.states)]
        self.w = Weights.of(self, sequence.shape[2])
        self.steps = []
        for t in range(sequence.shape[1]):
            self.steps.append(self.step(self.w, sequence[:, t], state, None))
            state = self.steps[-1].after
        output = np.stack([step.after[0] for step in self.steps], 1)
        for t, step in enumerate(self.steps):  # Lua reads them there, overwritten or not
            step.after = [output[:, t], *step.after[1:]]
            if t:
                step.before = [output[:, t - 1], *step.before[1:]]
        self.state["last"] = self.steps[-1].after
        return output

    def backward(self, gy: Array) -> Value:
        state = [np.zeros_like(part) for part in self.steps[-1].after]
        rows = []
        for t in reversed(range(len(self.steps))):
            gx, *state = self.steps[t].backward(state[0] + gy[:, t], *state[1:])
            rows.append(gx)
        self.w.accumulate(self)
        gx = np.stack(rows[::-1], 1)
        count = len(self.given) - 1
        return [*state[:count][::-1], gx] if count else gx


@implements("nn.LSTM@torch-rnn")
class LSTM(Recurrent):
    step, states = LstmStep, 2


@implements("nn.VanillaRNN")
class VanillaRNN(Recurrent):
    step, states = TanhStep, 1


@implements("nn.LanguageModel@torch-rnn", "nn.TemporalAdapter")
class OverSteps(Op):
    """Sets the sizes of the Views in ``net`` to those of the batch, and calls it.

    Lua changes the Views; here the sizes are those of copies, for the tree is the file's, and read
    by others meanwhile.
    """

    def forward(self, x: Array) -> Value:
        net = self.module_at("net")
        modules = list(net.fields["modules"])
        for names, size in (
            ("merging", [len(x) * x.shape[1], -1]),
            ("splitting", [*x.shape[:2], -1]),
        ):
            for position in self.integers(names):
                view = modules[position - 1]
                modules[position - 1] = replace(view, fields={**view.fields, "size": size})
        self.net = self.call(replace(net, fields={**net.fields, "modules": modules}), x)
        return self.net.output

    def backward(self, gy: Array) -> Value:
        return self.net.backward(gy)


@implements("nn.TemporalCrossEntropyCriterion")
class TemporalCrossEntropyCriterion(Criterion):
    def scale(self, x: Array) -> float:
        batch = x.shape[0] if self.flag("batch_average") else 1
        return batch * (x.shape[1] if self.flag("time_average") else 1)

    def loss(self, x: Array, target: Array) -> Value:
        self.kept = target != 0
        self.classes = np.where(self.kept, target, 1).astype(np.int64)[..., None] - 1
        shifted = x - x.max(-1, keepdims=True)
        self.logs = shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))
        losses = -np.take_along_axis(self.logs, self.classes, -1)[..., 0]
        return (losses * self.kept).sum() / self.scale(x)

    def gradient(self, x: Array, target: Array) -> Value:
        gradient = np.exp(self.logs)
        found = np.take_along_axis(gradient, self.classes, -1) - 1
        np.put_along_axis(gradient, self.classes, found, -1)
        return gradient * self.kept[..., None] / self.scale(x)
