"""Distances between pixels, and the tree of softmaxes, from nnx's C files."""

from __future__ import annotations

import numpy as np

from t7convert.format.objects import Array
from t7convert.reference.op import Op, Value, implements

_ACROSS = np.s_[..., :-1], np.s_[..., 1:]
_DOWN = np.s_[..., :-1, :], np.s_[..., 1:, :]


@implements("nn.SpatialGraph")
class SpatialGraph(Op):
    def forward(self, x: Array) -> Array:
        if x.ndim != 3:
            raise self.error(f"its input has {x.ndim} dimensions, expected 3")
        y = np.zeros((2, *x.shape[1:]), x.dtype)
        for number, (here, there) in enumerate((_ACROSS, _DOWN)):
            y[number][here] = self.edge(x[here], x[there])
        return y

    def edge(self, a: Array, b: Array) -> Value:
        planes, normal = len(a), self.integer("normalize") == 1
        if self.integer("dist") == 0:
            return np.sqrt(np.square(a - b).sum(0)) * (1 / np.sqrt(planes) if normal else 1)
        a, b = a + a.dtype.type(1e-12), b + b.dtype.type(1e-12)
        product = (a * b).sum(0)
        if not normal:
            return planes - product
        return 1 - product / (np.sqrt((a * a).sum(0)) * np.sqrt((b * b).sum(0)))

    def backward(self, gy: Array) -> Array:
        x = self.input
        gx: Array = np.zeros_like(x)
        for number, (here, there) in enumerate((_ACROSS, _DOWN)):
            edge, slope = self.output[number][here], gy[number][here]
            at_here, at_there = self.slopes(x[here], x[there], edge)
            gx[here] += (at_here * slope).astype(gy.dtype)
            gx[there] += (at_there * slope).astype(gy.dtype)
        return gx

    def slopes(self, a: Array, b: Array, edge: Array) -> tuple[Array, Array]:
        normal = self.integer("normalize") == 1
        if self.integer("dist") == 0:
            with np.errstate(divide="ignore", invalid="ignore"):
                slope = np.where(a == b, 0, (a - b) / edge)
            slope = slope / len(a) if normal else slope
            return slope, -slope
        if not normal:
            return -b, -a
        # SpatialGraph.c writes pow(x, 1/2) and pow(x, 3/2): whole numbers, 0 and 1
        eps, product = 1e-12, (a * b).sum(0)
        term1 = 1 / (1 + eps)
        term2, term3 = product / ((a * a).sum(0) + eps), product / ((b * b).sum(0) + eps)
        return term2 * a - term1 * b, term3 * b - term1 * a


@implements("nn.SpatialMatching")
class SpatialMatching(Op):
    def pairs(self) -> Value:
        """Iterate over (place in the window, pixels of the first, pixels of the second)."""
        first, second = self.input
        high, wide = self.integer("maxh"), self.integer("maxw")
        height, width = first.shape[1:]
        full = self.flag("full_output")
        top, left = ((high + 1) // 2 - 1, (wide + 1) // 2 - 1) if full else (0, 0)
        needs = (height, width) if full else (height + high - 1, width + wide - 1)
        if second.shape[1] < needs[0] or second.shape[2] < needs[1]:
            raise self.error(f"its second image is smaller than {needs}")
        for dy in range(high):
            for dx in range(wide):
                y, x = dy - top, dx - left
                rows = slice(max(0, -y), min(height, needs[0] - y))
                columns = slice(max(0, -x), min(width, needs[1] - x))
                if rows.start < rows.stop and columns.start < columns.stop:
                    moved = (
                        slice(rows.start + y, rows.stop + y),
                        slice(columns.start + x, columns.stop + x),
                    )
                    yield (dy, dx), (rows, columns), moved

    def forward(self, x: list[Array]) -> Array:
        first, second = x
        shape = (*first.shape[1:], self.integer("maxh"), self.integer("maxw"))
        y = np.full(shape, 1e30, first.dtype)
        for place, here, there in self.pairs():
            at_first, at_second = (slice(None), *here), (slice(None), *there)
            difference = first[at_first] - second[at_second]
            y[here + place] = np.square(difference).sum(0)
        return y

    def backward(self, gy: Array) -> list[Array]:
        first, second = self.input
        gradients = [np.zeros_like(first), np.zeros_like(second)]
        for place, here, there in self.pairs():
            at_first, at_second = (slice(None), *here), (slice(None), *there)
            slope = 2 * (first[at_first] - second[at_second]) * gy[here + place]
            gradients[0][at_first] += slope
            gradients[1][at_second] -= slope
        return gradients


def _exp_minus(x: Array) -> Array:
    """Return about exp(-x), as THExpMinusApprox of torch7's THLogAdd.c has it."""
    a1, a2, a3, a4 = (x.dtype.type(a) for a in (0.125, 0.0078125, 0.00032552083, 1.0172526e-5))
    y = 1 + x * (a1 + x * (a2 + x * (a3 + x * a4)))
    for _ in range(3):
        y = y * y
    return np.asarray(np.where(x < 13, 1 / y, x.dtype.type(0)))


@implements("nn.SoftMaxTree")
class SoftMaxTree(Op):
    def steps(self, node: int) -> Value:
        """Iterate over (rows of the family, the node's place in it), up to the root."""
        children, families = self.integers("childIds"), self.values("parentChildren")
        parents = {}
        for parent in self.integers("parentIds"):
            start, count = (int(n) for n in families[parent - 1])
            for place in range(count):
                parents[children[start - 1 + place]] = (parent, start - 1, count, place)
        while True:
            if node not in parents:
                raise self.error(f"node {node} is not below the root")
            node, start, count, place = parents[node]
            yield slice(start, start + count), place
            if node == self.integer("rootId"):
                return

    def forward(self, x: list[Array]) -> Array:
        rows, nodes = x
        if rows.ndim != 2:
            raise self.error(f"its input has {rows.ndim} dimensions, expected 2")
        weight, bias = self.array("weight"), self.array("bias")
        self.trace: list[list[tuple[slice, int, Array]]] = []
        y = np.zeros(len(rows), rows.dtype)
        for i, node in enumerate(nodes):
            self.trace.append([])
            for family, place in self.steps(int(node)):
                z = weight[family] @ rows[i] + bias[family]
                z = z - (z.max() + np.log(_exp_minus(z.max() - z).sum()))
                self.trace[i].append((family, place, z))
                y[i] += z[place]
        return y

    def backward(self, gy: Array) -> list[Array]:
        rows, nodes = self.input
        weight = self.array("weight")
        gx, gw, gb = np.zeros_like(rows), np.zeros_like(weight), np.zeros_like(self.array("bias"))
        for i, trace in enumerate(self.trace):
            for family, place, z in trace:
                slope = -np.exp(z) * gy[i]
                slope[place] += gy[i]
                gx[i] += slope @ weight[family]
                gw[family] += np.outer(slope, rows[i])
                gb[family] += slope
        self.accumulate("weight", gw)
        self.accumulate("bias", gb)
        return [gx, np.zeros_like(nodes)]
