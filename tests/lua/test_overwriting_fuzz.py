"""Random networks full of in-place modules: output and gradients against the reference."""

from __future__ import annotations

import numpy as np
import pytest

from t7convert.format.objects import LuaObject
from t7convert.lua.overwriting import overwrites
from t7convert.lua.tree import build
from tests.build import linear, obj, sequential, table
from tests.graphs import Graph
from tests.layers.compare import normal
from tests.layers.nested import compare_nested


class Maker:
    """Draws networks that take and give tensors of shape (n, 4)."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)

    def below(self, n: int) -> int:
        return int(self.rng.integers(n))

    def unary(self) -> LuaObject:
        slope = float(self.rng.uniform(0.1, 0.9))
        choices = [
            lambda: linear(4, 4, seed=self.below(1000)),
            lambda: obj("nn.LeakyReLU", negval=slope, inplace=True),
            lambda: obj("nn.LeakyReLU", negval=slope, inplace=True),
            lambda: obj("nn.ReLU", inplace=True),
            lambda: obj("nn.ReLU"),
            lambda: obj("nn.HardTanh", min_val=-0.5, max_val=0.5, inplace=True),
            lambda: obj("nn.ELU", alpha=1.0, inplace=True),
            lambda: obj("nn.Identity"),
            lambda: obj("nn.View", size=table(4)),
            lambda: obj("nn.Contiguous"),
            lambda: obj("nn.Dropout", v2=True, p=0.5),
            lambda: obj("nn.Narrow", dimension=2, index=1, length=4),
            lambda: obj("nn.Tanh"),
            lambda: obj("nn.Sigmoid"),
        ]
        return choices[self.below(len(choices))]()

    def sum(self) -> LuaObject:
        return obj("nn.CAddTable", inplace=bool(self.below(2)))

    def several(self, name: str, count: int, depth: int) -> LuaObject:
        return obj(f"nn.{name}", modules=table(*[self.block(depth) for _ in range(count)]))

    def block(self, depth: int) -> LuaObject:
        kind = self.below(6) if depth else 0
        if kind < 2:
            return self.unary()
        if kind == 2:
            return sequential(*[self.block(depth - 1) for _ in range(1 + self.below(3))])
        if kind == 3:
            return sequential(self.several("ConcatTable", 2 + self.below(2), depth - 1), self.sum())
        if kind == 4:
            fork = self.several("ConcatTable", 2, depth - 1)
            return sequential(
                fork, self.several("ParallelTable", 2, depth - 1), obj("nn.CMulTable")
            )
        return self.graph(depth - 1)

    def graph(self, depth: int) -> LuaObject:
        drawn = Graph()
        nodes = [drawn.node(self.unary(), drawn.input())]
        for _ in range(2 + self.below(4)):
            if self.below(3) == 0 and len(nodes) > 1:
                a, b = self.rng.choice(len(nodes), 2, replace=False)
                nodes.append(drawn.node(self.sum(), nodes[a], nodes[b]))
            else:
                nodes.append(drawn.node(self.block(depth), nodes[self.below(len(nodes))]))
        ends = [node for node in nodes if not len(node["children"])]
        return drawn.finish(ends[0] if len(ends) == 1 else drawn.node(self.sum(), *ends))


@pytest.mark.parametrize("seed", range(80))
def test_random_networks(seed: int) -> None:
    compare_nested(Maker(seed).block(3), normal(3, 4))


def test_the_random_networks_have_much_to_see() -> None:
    seen = [bool(overwrites(build(Maker(seed).block(3))).visible) for seed in range(80)]

    assert sum(seen) > 30
