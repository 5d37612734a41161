"""nngraph's objects for a gModule: nodes, edges, the forward and the backward graph.

Built as ``gModule:__init`` builds them: the backward graph ``bg`` leads from the output to the
inputs, ``fg`` is ``bg`` reversed; nodes of both share their ``data``. Sources: torch/graph
init.lua, Node.lua; nngraph gmodule.lua, node.lua.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from t7convert.format.objects import LuaObject, LuaTable
from t7convert.lua.tree import LuaModule

#: What a node says of the place in the Lua source where it was made.
LABEL = "[t7convert]:-1_"
Edges = list[tuple[int, int]]


class _Graph:
    """A graph.Graph of nodes known by their number, in the order in which edges name them."""

    def __init__(self, edges: Edges, data: Sequence[LuaTable]) -> None:
        self.edges = edges
        self.ids: dict[int, int] = {}
        self.children: dict[int, list[int]] = {}
        for pair in edges:
            for number in pair:
                self.ids.setdefault(number, len(self.ids) + 1)
        for start, stop in edges:
            known = self.children.setdefault(start, [])
            if stop not in known:
                known.append(stop)
        self.nodes = {number: _node(data[number], self.ids[number]) for number in self.ids}
        for start, stops in self.children.items():
            self.nodes[start].fields["children"] = _indexed([self.nodes[n] for n in stops])

    def written(self) -> LuaObject:
        """Return the graph.Graph."""
        edges = [
            LuaObject("graph.Edge", LuaTable({"from": self.nodes[a], "to": self.nodes[b]}))
            for a, b in self.edges
        ]
        nodes = [self.nodes[number] for number in self.ids]
        return LuaObject(
            "graph.Graph", LuaTable({"nodes": _indexed(nodes), "edges": _indexed(edges)})
        )


def _node(data: LuaTable, number: int) -> LuaObject:
    fields = {
        "data": data,
        "id": number,
        "children": LuaTable(),
        "visited": False,
        "marked": False,
    }
    return LuaObject("nngraph.Node", LuaTable(fields))


def _indexed(values: Sequence[Any]) -> LuaTable:
    """Return a list that also maps each value to its position."""
    table = LuaTable(dict(enumerate(values, start=1)))
    for position, value in enumerate(values, start=1):
        table[value] = position
    return table


def graph_fields(module: LuaModule, written: Callable[[LuaModule], LuaObject]) -> dict[str, Any]:
    """Return the fields that a gModule's graph has in the file."""
    nodes: list[Mapping[str, Any]] = module.fields["nodes"]
    modules: list[LuaModule] = module.fields["modules"]
    inputs = [[int(n) - 1 for n in node["inputs"]] for node in nodes]
    innode, outnode = int(module.fields["input"]) - 1, int(module.fields["output_node"]) - 1
    data = [_data(node, number, modules, written) for number, node in enumerate(nodes)]
    for number, sources in enumerate(inputs):
        data[number]["mapindex"] = _indexed([data[source] for source in sources])
    _splits(nodes, inputs, data)
    backward = _Graph(_from_output(inputs, outnode), data)
    forward = _Graph([(b, a) for a, b in backward.edges], data)
    for number, sources in enumerate(inputs):
        data[number]["forwardNodeId"] = forward.ids[number]
        for source in sources:
            data[source]["reverseMap"][backward.nodes[number]] = True
    return {
        "modules": LuaTable(dict(enumerate((written(m) for m in modules), start=1))),
        "nInputs": module.fields["nInputs"],
        "fg": forward.written(),
        "bg": backward.written(),
        "innode": forward.nodes[innode],
        "outnode": backward.nodes[outnode],
        "forwardnodes": LuaTable({i + 1: forward.nodes[i] for i in range(len(nodes))}),
        "backwardnodes": LuaTable(
            dict(enumerate((backward.nodes[n] for n in _sorted(backward)), start=1))
        ),
        "verbose": False,
    }


def several_outputs(module: LuaModule) -> bool:
    """Tell whether a gModule gives a table."""
    nodes = module.fields["nodes"]
    return len(nodes[int(module.fields["output_node"]) - 1]["inputs"]) > 1


def _data(
    node: Mapping[str, Any],
    number: int,
    modules: list[LuaModule],
    written: Callable[[LuaModule], LuaObject],
) -> LuaTable:
    annotations = LuaTable({"_debugLabel": LABEL})
    if node["name"] != f"node{number + 1}":
        annotations["name"] = node["name"]
    data = LuaTable({"annotations": annotations, "mapindex": LuaTable(), "reverseMap": LuaTable()})
    if node.get("module") is not None:
        data["module"] = written(modules[int(node["module"]) - 1])
    if node.get("select") is not None:
        data["selectindex"] = node["select"]
    return data


def _splits(
    nodes: Sequence[Mapping[str, Any]], inputs: list[list[int]], data: list[LuaTable]
) -> None:
    """A node without a module that feeds selecting nodes only is the middle of a ``split``."""
    for number, node in enumerate(nodes):
        fed = [n for n, sources in enumerate(inputs) if number in sources]
        selecting = all(nodes[n].get("select") is not None for n in fed)
        if fed and selecting and node.get("module") is None and node.get("select") is None:
            data[number]["nSplitOutputs"] = len(fed)


def _from_output(inputs: list[list[int]], outnode: int) -> Edges:
    """Return the edges of ``outnode:graph()``: breadth first from the output (Node.lua)."""
    edges: Edges = []
    marked, queue = {outnode}, [outnode]
    for number in queue:
        for source in inputs[number]:
            edges.append((number, source))
        for source in inputs[number]:
            if source not in marked:
                marked.add(source)
                queue.append(source)
    return edges


def _sorted(graph: _Graph) -> list[int]:
    """Return ``graph:topsort()``: depth first through the reversed graph (graph: init.lua)."""
    reverse: dict[int, list[int]] = {}
    seen: dict[int, None] = {}
    for start, stop in graph.edges:
        reverse.setdefault(stop, []).append(start)
        seen.setdefault(stop)
        seen.setdefault(start)
    pointed = {start for start, _ in graph.edges}
    roots = [number for number in seen if number not in pointed]
    order: list[int] = []
    visited: set[int] = set()
    stack: list[tuple[int, int]] = [(root, 0) for root in reversed(roots)]
    while stack:
        number, position = stack.pop()
        if position == 0:
            if number in visited:
                continue
            visited.add(number)
        following = reverse.get(number, [])
        if position < len(following):
            stack.append((number, position + 1))
            if following[position] not in visited:
                stack.append((following[position], 0))
        else:
            order.append(number)
    return order
