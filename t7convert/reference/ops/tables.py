"""Arithmetic over the arrays of a table."""

from __future__ import annotations

import numpy as np

from t7convert.format.objects import Array
from t7convert.lua.aliasing import is_in_place
from t7convert.reference.op import Op, implements


def like(x: Array, model: Array) -> Array:
    """Return ``x`` in the shape of ``model``: TH's arithmetic asks for as many elements only."""
    return x if x.shape == model.shape else np.reshape(x, model.shape)


@implements("nn.CAddTable")
class CAddTable(Op):
    def forward(self, x: list[Array]) -> Array:
        total: Array = x[0].copy()
        for other in x[1:]:
            # in place, an entry that is the same memory as the first holds the sum so far
            again = is_in_place(self.module) and np.may_share_memory(other, x[0])
            total += total if again else like(other, total)
        return total

    def backward(self, gy: Array) -> list[Array]:
        return [like(gy, item).copy() for item in self.input]


@implements("nn.CSubTable")
class CSubTable(Op):
    def forward(self, x: list[Array]) -> Array:
        difference: Array = x[0] - like(x[1], x[0])
        return difference

    def backward(self, gy: Array) -> list[Array]:
        return [gy.copy(), like(-gy, self.input[1])]


@implements("nn.CMulTable")
class CMulTable(Op):
    def forward(self, x: list[Array]) -> Array:
        product: Array = x[0].copy()
        for other in x[1:]:
            product *= like(other, product)
        return product

    def backward(self, gy: Array) -> list[Array]:
        found = []
        for number, item in enumerate(self.input):
            gradient = like(gy, item).copy()
            for position, other in enumerate(self.input):
                if position != number:
                    gradient *= like(other, gradient)
            found.append(gradient)
        return found


@implements("nn.CDivTable")
class CDivTable(Op):
    def forward(self, x: list[Array]) -> Array:
        quotient: Array = x[0] / like(x[1], x[0])
        return quotient

    def backward(self, gy: Array) -> list[Array]:
        a, b = self.input
        over = gy / like(b, gy)
        return [over, like(-over / like(b, over) * like(a, over), b)]


class _Extreme(Op):
    """The first of equal entries wins: later ones must beat it."""

    def beats(self, other: Array, best: Array) -> Array:
        raise self.error("no order")

    def forward(self, x: list[Array]) -> Array:
        best: Array = x[0].copy()
        self.winner = np.zeros(best.shape, np.int64)
        for position, candidate in enumerate(x[1:], start=1):
            other = like(candidate, best)
            ahead = self.beats(other, best)
            best[ahead] = other[ahead]
            self.winner[ahead] = position
        return best

    def backward(self, gy: Array) -> list[Array]:
        zero = gy.dtype.type(0)
        count = range(len(self.input))
        return [like(np.where(self.winner == i, gy, zero), self.input[i]) for i in count]


@implements("nn.CMaxTable")
class CMaxTable(_Extreme):
    def beats(self, other: Array, best: Array) -> Array:
        return other > best


@implements("nn.CMinTable")
class CMinTable(_Extreme):
    def beats(self, other: Array, best: Array) -> Array:
        return other < best


@implements("nn.CAddTensorTable")
class CAddTensorTable(Op):
    """Add the tensor ``input[1]`` to every entry of the table ``input[2]``."""

    def forward(self, x: list[list[Array]]) -> list[Array]:
        vector, table = x
        return [like(item, np.asarray(vector)) + vector for item in table]

    def backward(self, gy: list[Array]) -> list[object]:
        return [np.sum(gy, axis=0), [part.copy() for part in gy]]
