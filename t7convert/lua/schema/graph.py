"""Row of nngraph's gModule, whose wiring is brought into a plain form.

The file holds nodes, edges and two graphs (nngraph: gmodule.lua, node.lua). What they mean is the
order of ``forwardnodes`` and, per node, which nodes feed it in which order.
"""

from __future__ import annotations

import re
from typing import Any

from t7convert.format.objects import LuaObject, LuaTable
from t7convert.lua.schema.spec import REQUIRED, RawFields, row


def _data(node: Any) -> LuaTable:
    data = node.get("data") if isinstance(node, LuaObject) else None
    if not isinstance(data, LuaTable):
        raise TypeError("a graph node has no table 'data'")
    return data


def _list(value: Any) -> list[Any]:
    """Return the values 1..n of a table that may hold other keys beside them."""
    found: list[Any] = []
    while isinstance(value, LuaTable) and len(found) + 1 in value:
        found.append(value[len(found) + 1])
    return found


def _name(annotation: Any, number: int, taken: set[str]) -> str:
    name = re.sub(r"\W", "_", annotation) if isinstance(annotation, str) else ""
    name = name or f"node{number}"
    while name in taken:
        name = f"{name}_{number}"
    taken.add(name)
    return name


def wiring(fields: RawFields, version: float | None) -> None:
    """Replace the graph by ``nodes`` (in order of execution) and ``modules``.

    A node is a table of ``module`` (1-based position in ``modules``), ``inputs`` (positions of the
    nodes that feed it, in order), ``select`` (which entry of its input it passes on) and ``name``:
    its annotation, as far as that can name a submodule, or ``node`` and its number. ``backward`` is
    its place in the order of ``backwardnodes``.
    The last node is the output; the first one is the input.
    """
    order = _list(fields.get("forwardnodes"))
    position = {id(_data(node)): number for number, node in enumerate(order, start=1)}
    modules = _list(fields.get("modules"))
    where = {id(module): number for number, module in enumerate(modules, start=1)}
    inputs: dict[int, dict[int, int]] = {number: {} for number in position.values()}
    for number, node in enumerate(order, start=1):
        for child in _list(node.get("children")):
            data = _data(child)
            slot = data["mapindex"][_data(node)]
            inputs[position[id(data)]][int(slot)] = number
    back = _list(fields.get("backwardnodes"))
    rank = {id(_data(node)): number for number, node in enumerate(back, start=1)}
    nodes: list[dict[str, Any]] = []
    names: set[str] = set()
    for number, node in enumerate(order, start=1):
        data = _data(node)
        module = data.get("module")
        if module is not None and id(module) not in where:
            modules.append(module)
            where[id(module)] = len(modules)
        annotations = data.get("annotations")
        name = annotations.get("name") if isinstance(annotations, LuaTable) else None
        nodes.append(
            {
                "module": None if module is None else where[id(module)],
                "inputs": [inputs[number][slot] for slot in sorted(inputs[number])],
                "select": data.get("selectindex"),
                "name": _name(name, number, names),
                "backward": rank.get(id(data)),
            }
        )
    fields["modules"], fields["nodes"] = modules, nodes
    fields["input"] = position[id(_data(fields["innode"]))]
    fields["output_node"] = position[id(_data(fields["outnode"]))]
    if fields.get("nInputs") is None:
        fields["nInputs"] = len(_list(fields["innode"].get("children")))
    # people kept the modules that they unrolled in fields of their own; the graph alone is run
    for name in [name for name in fields if name not in _FIELDS]:
        del fields[name]


_FIELDS = ("modules", "nodes", "input", "output_node", "nInputs")

row(
    "nn.gModule",
    "nngraph: gmodule.lua",
    children="modules",
    constants={"nodes": REQUIRED, "input": REQUIRED, "output_node": REQUIRED, "nInputs": REQUIRED},
    buffers="fg bg forwardnodes backwardnodes innode outnode verbose",
    notes="fields that people added to it are ignored: the graph alone is run",
    upgrade=wiring,
)
row("nngraph.JustElement", "nngraph: JustElement.lua")
row("nngraph.JustTable", "nngraph: JustTable.lua")
row(
    "nn.ModuleFromCriterion",
    "nngraph: ModuleFromCriterion.lua",
    children="criterion",
    notes="the target gets no gradient",
)
