"""What nngraph's graphs take: per input, what the modules that it leads to take."""

from __future__ import annotations

from dataclasses import replace
from math import prod
from typing import Any

from t7convert.inputs.geometry import ANY, Leaf, Spec, rule, spec_of
from t7convert.lua.fields import FieldReader
from t7convert.lua.tree import LuaModule, walk


class Graph:
    """The wiring of a gModule; nodes are numbered from 1."""

    def __init__(self, m: FieldReader) -> None:
        self.nodes: list[Any] = m.require("nodes")
        self.modules = m.modules_at()
        self.feeds: dict[int, list[int]] = {}
        for number, node in enumerate(self.nodes, start=1):
            for source in node["inputs"]:
                self.feeds.setdefault(int(source), []).append(number)

    def module(self, number: int) -> LuaModule | None:
        """Return the module of a node."""
        position = self.nodes[number - 1]["module"]
        return None if position is None else self.modules[int(position) - 1]

    def entries(self, start: int) -> list[int]:
        """Return the nodes that take one entry of the graph's input, behind nodes that pass it."""
        found, queue = [], list(self.feeds.get(start, []))
        while queue:
            number = queue.pop(0)
            if self.nodes[number - 1]["select"] is not None:
                found.append(number)
            elif self.module(number) is None:
                queue += self.feeds.get(number, [])
        return found

    def taken(self, number: int, source: int) -> Spec | None:
        """Return what the module of a node takes from the node ``source``."""
        module = self.module(number)
        found = None if module is None else spec_of(module)
        inputs = [int(one) for one in self.nodes[number - 1]["inputs"]]
        if not isinstance(found, list) or len(inputs) < 2:
            return found
        slot = inputs.index(source)
        return found[slot] if slot < len(found) else None

    def pieces(self, start: int) -> int | None:
        """Return into how many entries the first table is taken apart that a node leads to.

        nngraph's ``split`` refuses entries that nothing uses, so the input had no more of them.
        """
        queue, seen = [start], {start}
        while queue:
            number = queue.pop(0)
            module, after = self.module(number), self.feeds.get(number, [])
            if module is not None and module.typename == "nn.SplitTable":
                taken = [self.nodes[n - 1]["select"] for n in self._behind(after)]
                return len(taken) if taken and None not in taken else None
            fresh = [n for n in after if n not in seen and len(self.nodes[n - 1]["inputs"]) < 2]
            seen.update(fresh)
            queue += fresh
        return None

    def _behind(self, numbers: list[int]) -> list[int]:
        """Return the nodes that a lone node without a module hands its table to."""
        while len(numbers) == 1 and self.nodes[numbers[0] - 1]["select"] is None:
            if self.module(numbers[0]) is not None:
                break
            numbers = self.feeds.get(numbers[0], [])
        return numbers

    def whole(self, start: int) -> Spec | None:
        """Return what a node leads to takes, as many steps as are taken apart."""
        spec = self.follow(start)
        if isinstance(spec, Leaf) and "T" in spec.dims:
            count = self.pieces(start)
            if count is not None:
                return replace(spec, dims=tuple(count if d == "T" else d for d in spec.dims))
        return spec

    def follow(self, start: int) -> Spec | None:
        """Return what the first module takes that cares and that a node leads to, else ANY.

        None where no module says anything. Joined with others, an input has another size.
        """
        queue, seen, weak = [(start, 0)], {start}, None
        while queue:
            number, source = queue.pop(0)
            found = self.taken(number, source)
            if found is not None and found is not ANY:
                return found
            weak = weak or found
            module = self.module(number)
            joins = module is not None and module.typename == "nn.JoinTable"
            if joins and len(self.nodes[number - 1]["inputs"]) > 1:
                continue
            fresh = [n for n in self.feeds.get(number, []) if n not in seen]
            seen.update(fresh)
            queue += [(n, number) for n in fresh]
        return weak


@rule("nn.Reshape", "nn.View")
def _reshape(m: FieldReader) -> Spec | None:
    """Take a vector of as many elements as the shape names; None if it leaves one open."""
    size = m.integers("size")
    return Leaf((prod(size),)) if min(size, default=-1) > 0 else None


def cells(root: LuaModule) -> int | None:
    """Return the cells of a recurrent step, whose gates some Reshape(gates, cells) cuts apart."""
    for module in walk(root):
        if module.typename == "nn.Reshape":
            size = FieldReader(module).integers("size")
            if len(size) == 2 and size[0] in (3, 4):
                return size[1]
    return None


@rule("nn.gModule")
def _graph(m: FieldReader) -> Spec | None:
    graph = Graph(m)
    start, count = m.integer("input"), m.integer("nInputs")
    if count <= 1:
        return graph.whole(start)
    found = {int(graph.nodes[n - 1]["select"]): graph.whole(n) for n in graph.entries(start)}
    size = cells(m.module)
    other = ANY if size is None else Leaf((size,))
    specs = [found.get(position) for position in range(1, count + 1)]
    return [other if spec is None or spec is ANY else spec for spec in specs]
