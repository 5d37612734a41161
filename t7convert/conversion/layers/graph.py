"""Converter of nngraph's gModule."""

from __future__ import annotations

from t7convert.conversion.layer import Layer
from t7convert.conversion.registry import converts
from t7convert.nn.graph import GraphModule, JustElement, JustTable, ModuleFromCriterion, Node

#: Names that a submodule can't have because the graph, or any nn.Module, uses them itself.
_RESERVED = frozenset(dir(GraphModule([], input=0, output=0, num_inputs=1)))


def submodule_name(name: str) -> str:
    """Return the name of a node as that of a submodule."""
    return f"node_{name}" if name in _RESERVED or name.startswith("_") else name


@converts("nn.gModule")
def g_module(m: Layer) -> GraphModule:
    modules = m.children()
    nodes = []
    for node in m.require("nodes"):
        module = modules[int(node["module"]) - 1] if node["module"] is not None else None
        select = None if node["select"] is None else int(node["select"]) - 1
        sources = tuple(int(i) - 1 for i in node["inputs"])
        nodes.append(Node(submodule_name(node["name"]), module, sources, select))
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
