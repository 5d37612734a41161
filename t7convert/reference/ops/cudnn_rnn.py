"""cuDNN's recurrent layers, from the equations and the parameters' order in cuDNN's manual."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from t7convert.format.objects import Array
from t7convert.reference.op import Op, Value, implements


def _sigmoid(x: Array) -> Array:
    with np.errstate(over="ignore"):
        return 1 / (1 + np.exp(-x))


@dataclass
class Part:
    """One layer in one direction: matrices and biases per gate (views of the flat tensor)."""

    w: list[Array | None]
    r: list[Array]
    bw: list[Array]
    br: list[Array]

    def sums(self, x: Array, h: Array, gate: int) -> tuple[Array, Array]:
        """Return the input's and the state's part of a gate; a skipped input is its own part."""
        matrix = self.w[gate]
        from_x = x if matrix is None else x @ matrix.T
        return from_x + self.bw[gate], h @ self.r[gate].T + self.br[gate]

    def back(self, grads: Part, gate: int, call: Step, ga: Array, gh: Array) -> tuple[Array, Array]:
        """Put a gate's gradients (of both parts) into ``grads``; return those of x and h."""
        matrix, grad = self.w[gate], grads.w[gate]
        if grad is not None:
            grad += ga.T @ call.x
        grads.r[gate] += gh.T @ call.h
        grads.bw[gate] += ga.sum(0)
        grads.br[gate] += gh.sum(0)
        return ga if matrix is None else ga @ matrix, gh @ self.r[gate]


class Step:
    """One step of the plain layers, rectifier or tanh."""

    gates = 1
    relu = True

    def __init__(self, part: Part, x: Array, h: Array, c: Array) -> None:
        self.part, self.x, self.h, self.c = part, x, h, c
        self.hidden, self.cell = self.run()

    def run(self) -> tuple[Array, Array]:
        """Return hidden and cell after the step; layers without a cell leave it alone."""
        from_x, from_h = self.part.sums(self.x, self.h, 0)
        total = from_x + from_h
        return np.maximum(total, 0) if self.relu else np.tanh(total), self.c

    def slopes(self, gh: Array, gc: Array) -> tuple[list[tuple[Array, Array]], Array, Array]:
        """Return per gate the gradients of its two parts; what else flows to h and to c."""
        slope = (self.hidden > 0).astype(gh.dtype) if self.relu else 1 - self.hidden**2
        return [(slope * gh, slope * gh)], np.zeros_like(gh), gc

    def backward(self, grads: Part, gh: Array, gc: Array) -> tuple[Array, Array, Array]:
        """Return the gradients of x, h and c."""
        pairs, g_hidden, g_cell = self.slopes(gh, gc)
        gx = np.zeros_like(self.x)
        for gate, (ga, gb) in enumerate(pairs):
            dx, dh = self.part.back(grads, gate, self, ga, gb)
            gx, g_hidden = gx + dx, g_hidden + dh
        return gx, g_hidden, g_cell


class TanhStep(Step):
    relu = False


class LstmStep(Step):
    """Gates input, forget, new memory, output."""

    gates = 4

    def run(self) -> tuple[Array, Array]:
        sums = [sum(self.part.sums(self.x, self.h, gate)) for gate in range(4)]
        self.i, self.f, self.o = (_sigmoid(np.asarray(sums[gate])) for gate in (0, 1, 3))
        self.g = np.tanh(np.asarray(sums[2]))
        cell = self.f * self.c + self.i * self.g
        self.bent = np.tanh(cell)
        return self.o * self.bent, cell

    def slopes(self, gh: Array, gc: Array) -> tuple[list[tuple[Array, Array]], Array, Array]:
        i, f, g, o = self.i, self.f, self.g, self.o
        gc = gc + gh * o * (1 - self.bent**2)
        each = [
            gc * g * i * (1 - i),
            gc * self.c * f * (1 - f),
            gc * i * (1 - g * g),
            gh * self.bent * o * (1 - o),
        ]
        return [(ga, ga) for ga in each], np.zeros_like(gh), gc * f


class GruStep(Step):
    """Gates reset, update, new memory; the reset comes behind the recurrent product."""

    gates = 3

    def run(self) -> tuple[Array, Array]:
        self.r, self.u = (
            _sigmoid(np.asarray(sum(self.part.sums(self.x, self.h, gate)))) for gate in (0, 1)
        )
        from_x, self.inner = self.part.sums(self.x, self.h, 2)
        self.n = np.tanh(from_x + self.r * self.inner)
        return (1 - self.u) * self.n + self.u * self.h, self.c

    def slopes(self, gh: Array, gc: Array) -> tuple[list[tuple[Array, Array]], Array, Array]:
        r, u, n = self.r, self.u, self.n
        gn = gh * (1 - u) * (1 - n * n)
        gr = gn * self.inner * r * (1 - r)
        gu = gh * (self.h - n) * u * (1 - u)
        return [(gr, gr), (gu, gu), (gn, gn * r)], gh * u, gc


STEPS: dict[str, type[Step]] = {
    "CUDNN_RNN_RELU": Step,
    "CUDNN_RNN_TANH": TanhStep,
    "CUDNN_LSTM": LstmStep,
    "CUDNN_GRU": GruStep,
}


@implements(
    *("cudnn.RNN", "cudnn.RNNReLU", "cudnn.RNNTanh", "cudnn.LSTM", "cudnn.GRU"),
    *("cudnn.BLSTM", "cudnn.BGRU"),
)
class Recurrent(Op):
    """A packed input is ``{rows of all steps, rows per step}``; others are brought to that form."""

    def parts(self, flat: Array) -> list[Part]:
        """Cut the flat tensor: per layer and direction, w of every gate, then r; then biases."""
        size, gates = self.integer("hiddenSize"), self.step.gates
        layers = self.integer("numLayers") * self.directions
        skip = self.require("inputMode") == "CUDNN_SKIP_INPUT"
        position = 0

        def take(*shape: int) -> Array:
            nonlocal position
            start, position = position, position + int(np.prod(shape))
            if position > flat.size:
                raise self.error(f"the flat weight has {flat.size} numbers, expected more")
            return flat[start:position].reshape(shape)

        def several(*shape: int) -> list[Array]:
            return [take(*shape) for _ in range(gates)]

        matrices: list[tuple[list[Array | None], list[Array]]] = []
        for number in range(layers):
            first = number < self.directions
            width = self.integer("inputSize") if first else size * self.directions
            w: list[Array | None] = [None] * gates
            if not (first and skip):
                w[:] = several(size, width)
            matrices.append((w, several(size, size)))
        found = [Part(w, r, several(size), several(size)) for w, r in matrices]
        if position != flat.size:
            raise self.error(f"the flat weight has {flat.size} numbers, expected {position}")
        return found

    def start(self, batch: int) -> list[Array]:
        """Return hidden and cell before the first step, all layers."""
        number = self.integer("numLayers") * self.directions
        zeros = np.zeros((number, batch, self.integer("hiddenSize")), self.executor.dtype)
        if self.flag("rememberStates"):
            last: list[Array] | None = self.state.get("last")
            return last if last is not None and last[0].shape == zeros.shape else [zeros, zeros]
        return [self.array(n) if self.has(n) else zeros for n in ("hiddenInput", "cellInput")]

    def forward(self, x: Value) -> Array:
        self.step = STEPS[self.require("mode")]
        self.directions = 1 + (self.require("bidirectional") == "CUDNN_BIDIRECTIONAL")
        self.form: tuple[int, ...] | None = None
        if isinstance(x, list):
            rows, counts = x[0], [int(n) for n in np.asarray(x[1])]
        else:
            steps = x.swapaxes(0, 1) if self.flag("batchFirst") else x
            self.form, counts = steps.shape, [steps.shape[1]] * steps.shape[0]
            rows = steps.reshape(-1, steps.shape[2])
        ends = np.cumsum(counts)
        self.rows = [slice(end - n, end) for end, n in zip(ends, counts, strict=True)]
        self.weights = self.parts(self.array("weight"))
        hidden, cell = self.start(counts[0])
        if hidden.shape[1] != counts[0]:
            raise self.error(f"hiddenInput is {hidden.shape}, the batch {counts[0]}")
        self.calls: list[list[Step]] = []
        after: list[tuple[Array, Array]] = []
        for layer in range(self.integer("numLayers")):
            outputs = []
            for number in range(layer * self.directions, (layer + 1) * self.directions):
                output, state = self.pass_over(rows, number, hidden[number], cell[number])
                outputs.append(output)
                after.append(state)
            rows = np.concatenate(outputs, 1)
        self.state["last"] = [np.stack(states) for states in zip(*after, strict=True)]
        return self.unpacked(rows)

    def unpacked(self, rows: Array) -> Array:
        """Return packed rows in the form that the input has."""
        if self.form is None:
            return rows
        steps = rows.reshape(*self.form[:2], rows.shape[1])
        return steps.swapaxes(0, 1) if self.flag("batchFirst") else steps

    def order(self, number: int) -> list[slice]:
        """Return the rows of the steps, in the order in which this part goes through them."""
        return self.rows[::-1] if number % self.directions else self.rows

    def pass_over(self, x: Array, number: int, h: Array, c: Array) -> tuple[Array, Any]:
        """Run one part over all steps; sequences that have ended (not begun) keep their state."""
        output = np.zeros((len(x), self.integer("hiddenSize")), x.dtype)
        calls = []
        for rows in self.order(number):
            n = rows.stop - rows.start
            call = self.step(self.weights[number], x[rows], h[:n], c[:n])
            output[rows] = call.hidden
            h, c = np.concatenate([call.hidden, h[n:]]), np.concatenate([call.cell, c[n:]])
            calls.append(call)
        self.calls.append(calls)
        return output, (h, c)

    def backward(self, gy: Array) -> Value:
        flat = np.zeros_like(self.array("weight"))
        grads = self.parts(flat)
        if self.form is not None:
            gy = gy.swapaxes(0, 1) if self.flag("batchFirst") else gy
            gy = gy.reshape(-1, gy.shape[2])
        for layer in reversed(range(self.integer("numLayers"))):
            parts = np.split(gy, self.directions, 1)
            numbers = range(layer * self.directions, (layer + 1) * self.directions)
            pairs = zip(numbers, parts, strict=True)
            gy = np.sum([self.pass_back(part, n, grads[n]) for n, part in pairs], 0)
        self.accumulate("weight", flat)
        gx = self.unpacked(gy)
        return gx if self.form is not None else [gx, None]

    def pass_back(self, gy: Array, number: int, grads: Part) -> Array:
        calls = self.calls[number]
        size = max(len(call.h) for call in calls), gy.shape[1]
        gh, gc = np.zeros(size, gy.dtype), np.zeros(size, gy.dtype)
        gx = np.zeros((len(gy), calls[0].x.shape[1]), gy.dtype)
        for rows, call in zip(reversed(self.order(number)), reversed(calls), strict=True):
            n = rows.stop - rows.start
            gx[rows], gh[:n], gc[:n] = call.backward(grads, gh[:n] + gy[rows], gc[:n])
        return gx
