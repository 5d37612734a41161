"""neuraltalk2's caption model, its criterion, and FeatExpander, from their Lua files."""

from __future__ import annotations

import numpy as np

from t7convert.format.objects import Array
from t7convert.reference.op import Op, Value, implements
from t7convert.reference.ops.criterion_elementwise import Criterion


@implements("nn.FeatExpander")
class FeatExpander(Op):
    def forward(self, x: Array) -> Array:
        n = self.integer("n")
        if n != 1 and x.ndim != 2:
            raise self.error(f"two dimensions expected, got {x.ndim}")
        return x if n == 1 else np.repeat(x, n, 0)

    def backward(self, gy: Array) -> Array:
        n = self.integer("n")
        if n == 1:
            return gy
        summed: Array = gy.reshape(len(self.input), n, -1).sum(1)
        return summed


@implements("nn.LanguageModel@neuraltalk2")
class LanguageModel(Op):
    """Steps that all captions have left behind are skipped."""

    def forward(self, x: list[Value]) -> Array:
        images, tokens = x[0], np.asarray(x[1]).astype(np.int64)
        if len(tokens) != self.integer("seq_length"):
            raise self.error(f"{len(tokens)} steps, expected {self.integer('seq_length')}")
        batch = tokens.shape[1]
        zeros = np.zeros((batch, self.integer("rnn_size")), self.executor.dtype)
        state: list[Value] = [zeros] * (2 * self.integer("num_layers"))
        start = np.full((1, batch), self.integer("vocab_size") + 1)
        shape = (len(tokens) + 2, batch, self.integer("vocab_size") + 1)
        output = np.zeros(shape, self.executor.dtype)
        self.steps: list[tuple[int, Op | None, Op]] = []
        for t, row in enumerate([None, *start, *tokens]):
            if row is not None and row.sum() == 0:
                continue
            looked = None
            if row is not None:
                looked = self.call(self.module_at("lookup_table"), np.where(row == 0, 1, row))
            given = images if looked is None else looked.output
            core = self.call(self.module_at("core"), [given, *state])
            *state, output[t] = core.output
            self.steps.append((t, looked, core))
        return output

    def backward(self, gy: Array) -> list[Value]:
        batch = gy.shape[1]
        zeros = np.zeros((batch, self.integer("rnn_size")), gy.dtype)
        state: list[Value] = [zeros] * (2 * self.integer("num_layers"))
        for t, looked, core in reversed(self.steps):
            gx, *state = core.backward([*state, gy[t]])
            if looked is not None:
                looked.backward(gx)
        return [gx, None]


@implements("nn.LanguageModelCriterion")
class LanguageModelCriterion(Criterion):
    """Both results are computed in the forward, caption by caption."""

    def loss(self, x: Array, target: Array) -> Value:
        self.slope, total, count = np.zeros_like(x), x.dtype.type(0), 0
        for b in range(x.shape[1]):
            ended = False
            for t in range(1, len(x)):
                token = int(target[t - 1, b]) if t - 1 < len(target) else 0
                if token == 0 and not ended:
                    token, ended = x.shape[2], True
                if token:
                    total = total - x[t, b, token - 1]
                    self.slope[t, b, token - 1] = -1
                    count += 1
        self.slope /= count
        return total / count

    def gradient(self, x: Array, target: Array) -> Value:
        return self.slope
