"""Converter of nngraph's gModule."""

from __future__ import annotations

import re
from typing import Any

from t7convert.conversion.layer import Layer
from t7convert.conversion.registry import converts
from t7convert.nn.graph import GraphModule, JustElement, JustTable, ModuleFromCriterion, Node

#: Names that a submodule can't have because the graph, or any nn.Module, uses them itself.
_RESERVED = frozenset(dir(GraphModule([], input=0, output=0, num_inputs=1)))


def node_names(nodes: list[dict[str, Any]]) -> list[str]:
    """Return a name per node: its annotation, as far as it can be one, or ``node<number>``."""
    names: list[str] = []
    for number, node in enumerate(nodes, start=1):
        name = re.sub(r"\W", "_", node["name"] or "") or f"node{number}"
        if name in _RESERVED or name.startswith("_"):
            name = f"node_{name}"
        while name in names:
            name = f"{name}_{number}"
        names.append(name)
    return names


@converts("nn.gModule")
def g_module(m: Layer) -> GraphModule:
    modules = m.children()
    rows = m.require("nodes")
    nodes = []
    for name, node in zip(node_names(rows), rows, strict=True):
        module = modules[int(node["module"]) - 1] if node["module"] is not None else None
        select = None if node["select"] is None else int(node["select"]) - 1
        nodes.append(Node(name, module, tuple(int(i) - 1 for i in node["inputs"]), select))
    return GraphModule(
        nodes,
        input=m.integer("input") - 1,
        output=m.integer("output_node") - 1,
        num_inputs=m.integer("nInputs"),
    )


@converts("nngraph.JustElement")
def just_element(m: Layer) -> JustElement:
    return JustElement()


@converts("nngraph.JustTable")
def just_table(m: Layer) -> JustTable:
    return JustTable()


@converts("nn.ModuleFromCriterion")
def module_from_criterion(m: Layer) -> ModuleFromCriterion:
    return ModuleFromCriterion(m.child("criterion"))
