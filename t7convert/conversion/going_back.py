"""From the module tree to the description of Lua's way back through the network."""

from __future__ import annotations

from collections.abc import Mapping

from torch import nn

from t7convert.lua.backward import backward_order, keeps, place_of
from t7convert.lua.tree import LuaModule
from t7convert.nn.steps import Kind, Step

_KINDS: dict[str, Kind] = {
    "nn.Sequential": "chain",
    "nn.ConcatTable": "fork",
    "nn.ParallelTable": "pairs",
    "nn.Concat": "join",
    "nn.gModule": "graph",
}


def way_back(root: LuaModule, made: Mapping[int, nn.Module]) -> Step:
    """Return the steps of ``root``; ``made`` holds the converted modules by ``id``."""
    return _step(root, made, {})


def _step(module: LuaModule, made: Mapping[int, nn.Module], steps: dict[int, Step]) -> Step:
    if id(module) in steps:
        return steps[id(module)]
    step = steps[id(module)] = Step(made[id(module)])
    step.kind = _KINDS.get(module.spec.typename, "single")
    if step.kind == "single":
        step.place, step.keeps = place_of(module), keeps(module)
        return step
    if step.kind == "graph":
        _wire(step, module, made, steps)
    else:
        step.children = [_step(child, made, steps) for _, child in module.children()]
    if step.kind == "join":
        step.dim = int(module.fields["dimension"]) - 1
    return step


def _wire(
    step: Step, graph: LuaModule, made: Mapping[int, nn.Module], steps: dict[int, Step]
) -> None:
    modules = graph.fields["modules"]
    step.order = backward_order(graph.fields["nodes"])
    step.start = int(graph.fields["input"]) - 1
    step.end = int(graph.fields["output_node"]) - 1
    for node in graph.fields["nodes"]:
        child = None
        if node["module"] is not None:
            child = len(step.children)
            step.children.append(_step(modules[int(node["module"]) - 1], made, steps))
        select = None if node["select"] is None else int(node["select"]) - 1
        step.rows.append((child, tuple(int(i) - 1 for i in node["inputs"]), select))
