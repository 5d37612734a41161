"""Products and mixtures of several inputs."""

from __future__ import annotations

import numpy as np

from t7convert.format.objects import Array
from t7convert.reference.op import Op, Value, implements


@implements("nn.MM")
class MM(Op):
    def forward(self, x: Value) -> Value:
        a, b = x
        if not a.ndim == b.ndim in (2, 3):
            raise self.error(f"its inputs have {a.ndim} and {b.ndim} dimensions, expected 2 or 3")
        self._a = a.swapaxes(-1, -2) if self.flag("transA") else a
        self._b = b.swapaxes(-1, -2) if self.flag("transB") else b
        return self._a @ self._b

    def backward(self, gy: Array) -> Value:
        ga = gy @ self._b.swapaxes(-1, -2)
        gb = self._a.swapaxes(-1, -2) @ gy
        return [
            ga.swapaxes(-1, -2) if self.flag("transA") else ga,
            gb.swapaxes(-1, -2) if self.flag("transB") else gb,
        ]


@implements("nn.MV")
class MV(Op):
    def forward(self, x: Value) -> Value:
        matrix, vector = x
        if matrix.ndim not in (2, 3) or vector.ndim != matrix.ndim - 1:
            found = f"{matrix.ndim} and {vector.ndim}"
            raise self.error(f"its inputs have {found} dimensions, expected 2 and 1, or 3 and 2")
        self._matrix = matrix.swapaxes(-1, -2) if self.flag("trans") else matrix
        return (self._matrix @ vector[..., None])[..., 0]

    def backward(self, gy: Array) -> Value:
        outer = gy[..., None] * self.input[1][..., None, :]
        if self.flag("trans"):
            outer = outer.swapaxes(-1, -2)
        return [outer, (self._matrix.swapaxes(-1, -2) @ gy[..., None])[..., 0]]


@implements("nn.MixtureTable")
class MixtureTable(Op):
    def forward(self, x: Value) -> Value:
        gater, experts = x
        if isinstance(experts, list):
            return sum(self._gate(i, e) * e for i, e in enumerate(experts))
        self._axis = gater.ndim - 1 if self.get("dim") is None else self.integer("dim") - 1
        shape = [1] * experts.ndim
        shape[self._axis] = gater.shape[-1]
        if gater.ndim > 1:
            shape[0] = len(gater)
        self._gates = gater.reshape(shape)
        return (self._gates * experts).sum(self._axis)

    def _gate(self, number: int, expert: Array) -> Array:
        gate = self.input[0][..., number]
        spread: Array = gate.reshape(gate.shape + (1,) * (expert.ndim - gate.ndim))
        return spread

    def backward(self, gy: Array) -> Value:
        gater, experts = self.input
        kept = gater.ndim - 1
        if isinstance(experts, list):
            products = [(gy * e).sum(tuple(range(kept, gy.ndim))) for e in experts]
            gates = [self._gate(i, e) * gy for i, e in enumerate(experts)]
            return [np.stack(products, -1), gates]
        gy = np.expand_dims(gy, self._axis)
        others = tuple(a for a in range(gy.ndim) if a != self._axis and a >= kept)
        return [(gy * experts).sum(others).reshape(gater.shape), self._gates * gy]
