"""Converter of nngraph's gModule."""

from __future__ import annotations

import re

from t7convert.conversion.layer import Layer
from t7convert.conversion.registry import converts
from t7convert.nn.graph import GraphModule, JustElement, JustTable, ModuleFromCriterion, Node


@converts("nn.gModule")
def g_module(m: Layer) -> GraphModule:
    modules = m.children()
    nodes = []
    taken: set[str] = set()
    for number, node in enumerate(m.require("nodes"), start=1):
        name = re.sub(r"\W", "_", node["name"]) if node["name"] else f"node{number}"
        if name in taken or hasattr(GraphModule, name) or not name:
            name = f"{name}_{number}"
        taken.add(name)
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
