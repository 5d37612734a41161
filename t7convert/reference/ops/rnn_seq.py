"""LSTM and GRU with one weight for all gates: whole sequences and single steps."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from t7convert.format.objects import Array
from t7convert.reference.op import Op, Value, implements


def sigmoid(x: Array) -> Array:
    with np.errstate(over="ignore"):
        return 1 / (1 + np.exp(-x))


def zeroed(values: list[Array], mask: Array | None) -> list[Array]:
    """Return the values with zeros in the masked rows."""
    if mask is None:
        return values
    kept = ~mask[:, None]
    return [np.where(kept, value, value.dtype.type(0)) for value in values]


@dataclass
class Weights:
    """The weight's two blocks, the bias, a projection, and the gradients of the four."""

    wx: Array
    wh: Array
    bias: Array
    projection: Array | None = None
    grads: list[Array] = field(init=False)

    def __post_init__(self) -> None:
        some = [self.wx, self.wh, self.bias]
        some += [] if self.projection is None else [self.projection]
        self.grads = [np.zeros_like(value) for value in some]

    @classmethod
    def of(cls, op: Op, inputs: int) -> Weights:
        weight = op.array("weight")
        projection = op.array("weightO") if op.has("weightO") else None
        return cls(weight[:inputs], weight[inputs:], op.array("bias"), projection)

    def accumulate(self, op: Op) -> None:
        op.accumulate("weight", np.concatenate(self.grads[:2]))
        op.accumulate("bias", self.grads[2])
        if self.projection is not None:
            op.accumulate("weightO", self.grads[3])


class LstmStep:
    """One step with its backward; masked rows of output, cell and gates are zeros."""

    def __init__(self, w: Weights, x: Array, state: list[Array], mask: Array | None) -> None:
        self.w, self.x, self.before, self.mask = w, x, state, mask
        h, c = state
        a = x @ w.wx + w.bias + h @ w.wh
        size = a.shape[1] // 4
        gates = [sigmoid(a[:, : 3 * size]), np.tanh(a[:, 3 * size :])]
        i, f, o = np.split(gates[0], 3, axis=1)
        cell = f * c + i * gates[1]
        self.hidden = np.tanh(cell) * o
        out = self.hidden if w.projection is None else self.hidden @ w.projection
        out, cell, i, f, o, g = zeroed([out, cell, i, f, o, gates[1]], mask)
        self.after, self.gates = [out, cell], (i, f, o, g)

    def backward(self, gh: Array, gc: Array) -> tuple[Array, Array, Array]:
        """Return the gradients of input, hidden and cell."""
        w, (i, f, o, g) = self.w, self.gates
        gh, gc = zeroed([gh, gc], self.mask)
        if w.projection is not None:
            w.grads[3] += self.hidden.T @ gh
            gh = gh @ w.projection.T
        t = np.tanh(self.after[1])
        gc = gc + (1 - t * t) * o * gh
        ga = np.concatenate(
            [
                (1 - i) * i * g * gc,
                (1 - f) * f * self.before[1] * gc,
                (1 - o) * o * t * gh,
                (1 - g * g) * i * gc,
            ],
            axis=1,
        )
        w.grads[0] += self.x.T @ ga
        w.grads[1] += self.before[0].T @ ga
        w.grads[2] += ga.sum(0)
        return ga @ w.wx.T, ga @ w.wh.T, gc * f


class GruStep:
    """One step with its backward; masked rows of output and gates are zeros."""

    def __init__(self, w: Weights, x: Array, state: list[Array], mask: Array | None) -> None:
        self.w, self.x, self.before, self.mask = w, x, state, mask
        (h,) = state
        n = h.shape[1]
        a = x @ w.wx + w.bias
        r, u = np.split(sigmoid(a[:, : 2 * n] + h @ w.wh[:, : 2 * n]), 2, axis=1)
        candidate = np.tanh(a[:, 2 * n :] + (r * h) @ w.wh[:, 2 * n :])
        out = candidate - u * candidate + u * h
        out, r, u, candidate = zeroed([out, r, u, candidate], mask)
        self.after, self.gates = [out], (r, u, candidate)

    def backward(self, gh: Array) -> tuple[Array, Array]:
        """Return the gradients of input and hidden."""
        w, (r, u, candidate), (h,) = self.w, self.gates, self.before
        (gh,) = zeroed([gh], self.mask)
        n = h.shape[1]
        gates, last = w.wh[:, : 2 * n], w.wh[:, 2 * n :]
        gc = (1 - candidate * candidate) * (gh - u * gh)
        back = gc @ last.T
        gr = (1 - r) * r * back * h
        gu = (1 - u) * u * (h - candidate) * gh
        gg = np.concatenate([gr, gu], axis=1)
        w.grads[0] += self.x.T @ np.concatenate([gg, gc], axis=1)
        w.grads[1] += np.concatenate([h.T @ gg, (h * r).T @ gc], axis=1)
        w.grads[2] += np.concatenate([gg, gc], axis=1).sum(0)
        before = gh * u + gg @ gates.T + back * r
        return np.concatenate([gg, gc], axis=1) @ w.wx.T, before


class Masked(Op):
    """Base: masks of torch/rnn, given or from rows of zeros."""

    def mask(self, x: Array) -> Array | None:
        """Return the mask for this input, of one dimension less, None where there is none."""
        if not self.flag("maskzero"):
            return None
        if self.spec_is_2015() or not self.flag("v2"):
            return np.asarray((x * x).sum(-1) == 0)
        given = self.state.get("mask")
        if given is None and self.get("zeroMask") is False:
            return None
        if given is None:
            given = self.array("zeroMask")
        if given is False:
            return None
        if given.shape != x.shape[:-1]:
            raise self.error(f"the zero mask is {given.shape}, the input {x.shape}")
        return np.asarray(given != 0)

    def spec_is_2015(self) -> bool:
        """Tell whether this is Element-Research's class, which takes rows of zeros."""
        return self.module.spec.name.endswith("@rnn")


class SequenceOp(Masked):
    """Base of the two classes over sequences; ``sizes`` of the parts of the state."""

    step: type[LstmStep] | type[GruStep]
    starts: tuple[str, ...]

    def sizes(self) -> tuple[int, ...]:
        raise TypeError(f"{self.typename} has no state")

    def initial(self, part: int, batch: int) -> Array:
        """Return a part of the state before the first step.

        Memory that isn't filled yet, or another batch size in torch/rnn, gives zeros.
        """
        filled = self.state.setdefault("filled", set())
        last: list[Array] | None = self.state.get("last")
        known = last[part] if last is not None and part in filled else None
        filled.add(part)
        if self.has(self.starts[part]) and not self.state.get("started"):
            return self.array(self.starts[part])
        if known is not None and self.get("_remember") in ("both", "eval"):
            if len(known) == batch:
                return known
            if self.spec_is_2015():
                raise self.error("batch sizes must be the same to remember states")
        return np.zeros((batch, self.sizes()[part]), self.executor.dtype)

    def forward(self, x: Value) -> Array:
        self.given = x if isinstance(x, list) else [x]
        steps = self.given[-1]
        if self.flag("batchfirst"):
            steps = steps.swapaxes(0, 1)
        states = self.given[-2::-1]  # hidden first, as in our state
        parts = range(len(self.sizes()))
        state = [
            states[part] if part < len(states) else self.initial(part, steps.shape[1])
            for part in parts
        ]
        masks = self.mask(steps)
        self.w = Weights.of(self, steps.shape[2])
        self.calls = []
        for t, x_t in enumerate(steps):
            call = self.step(self.w, x_t, state, None if masks is None else masks[t])
            self.calls.append(call)
            state = call.after
        output = np.stack([call.after[0] for call in self.calls])
        for call, hidden in zip(self.calls[1:], output, strict=False):
            call.before = [hidden, *call.before[1:]]  # Lua reads it there, overwritten or not
        self.state["last"], self.state["started"] = [output[-1], *state[1:]], True
        return output.swapaxes(0, 1) if self.flag("batchfirst") else output

    def backward(self, gy: Array) -> Value:
        grads = gy.swapaxes(0, 1) if self.flag("batchfirst") else gy
        state = [np.zeros_like(part) for part in self.calls[-1].before]
        rows = []
        for call, grad in zip(reversed(self.calls), grads[::-1], strict=True):
            gx, *state = call.backward(state[0] + grad, *state[1:])
            rows.append(gx)
        self.w.accumulate(self)
        gx = np.stack(rows[::-1])
        if self.flag("batchfirst"):
            gx = gx.swapaxes(0, 1)
        found = [*state[: len(self.given) - 1][::-1], gx]
        return found if len(found) > 1 else gx


@implements("nn.SeqLSTM@rnn", "nn.SeqLSTMP@rnn", "nn.SeqLSTM@torch/rnn", "nn.SeqLSTMP@torch/rnn")
class SeqLSTM(SequenceOp):
    step, starts = LstmStep, ("userPrevOutput", "userPrevCell")

    def sizes(self) -> tuple[int, ...]:
        return self.integer("outputsize"), self.integer("hiddensize")


@implements("nn.SeqGRU@rnn", "nn.SeqGRU@torch/rnn")
class SeqGRU(SequenceOp):
    step, starts = GruStep, ("userPrevOutput",)

    def sizes(self) -> tuple[int, ...]:
        return (self.integer("outputSize" if self.spec_is_2015() else "outputsize"),)


@implements("nn.StepLSTM")
class StepLSTM(Masked):
    def forward(self, x: list[Array]) -> list[Array]:
        self.w = Weights.of(self, x[0].shape[1])
        self.inner = LstmStep(self.w, x[0], x[1:], self.mask(x[0]))
        return self.inner.after

    def backward(self, gy: list[Array]) -> list[Array]:
        found = self.inner.backward(*gy)
        self.w.accumulate(self)
        return list(found)


@implements("nn.StepGRU")
class StepGRU(Masked):
    def forward(self, x: list[Array]) -> Array:
        self.w = Weights.of(self, x[0].shape[1])
        self.inner = GruStep(self.w, x[0], x[1:], self.mask(x[0]))
        return self.inner.after[0]

    def backward(self, gy: Array) -> list[Array]:
        found = self.inner.backward(gy)
        self.w.accumulate(self)
        return list(found)
