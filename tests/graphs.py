"""nngraph's gModules made in Python, for tests, wired as the Lua constructor wires them."""

from __future__ import annotations

from typing import Any

from t7convert.format.objects import LuaObject, LuaTable
from tests.build import obj, table


class Graph:
    """Collects nodes in the order in which they run; :meth:`finish` makes the gModule."""

    def __init__(self) -> None:
        self.nodes: list[LuaObject] = []

    def node(
        self,
        module: LuaObject | None,
        *sources: LuaObject,
        select: int | None = None,
        name: str | None = None,
        splits: int | None = None,
    ) -> LuaObject:
        """Return a node that the ``sources`` feed, in this order."""
        fields: dict[str, Any] = {"annotations": table(**({} if name is None else {"name": name}))}
        if module is not None:
            fields["module"] = module
        if select is not None:
            fields["selectindex"] = select
        if splits is not None:
            fields["nSplitOutputs"] = splits
        mapindex = LuaTable()
        fields["mapindex"] = mapindex
        made = obj("nngraph.Node", data=LuaTable(fields), children=table(), id=len(self.nodes) + 1)
        for position, source in enumerate(sources, start=1):
            mapindex[position] = source["data"]
            mapindex[source["data"]] = position
            children = source["children"]
            children[len(children) + 1] = made
        self.nodes.append(made)
        return made

    def input(self) -> LuaObject:
        """Return the dummy input node, to be made first."""
        return self.node(None)

    def split(self, source: LuaObject, count: int) -> list[LuaObject]:
        """Return nodes that take one entry each, as ``node:split(count)`` does."""
        middle = self.node(None, source, splits=count)
        return [self.node(None, middle, select=i) for i in range(1, count + 1)]

    def finish(self, *outputs: LuaObject, inputs: int | None = 1, **fields: Any) -> LuaObject:
        """Return the gModule; ``inputs=None`` and ``modules=None`` leave the field out."""
        out = self.node(None, *outputs)
        modules = [n["data"]["module"] for n in self.nodes if "module" in n["data"]]
        entries: dict[str, Any] = {
            "modules": table(*modules),
            "nInputs": inputs,
            "forwardnodes": table(*self.nodes),
            "innode": self.nodes[0],
            "outnode": out,
            **fields,
        }
        return obj("nn.gModule", **{k: v for k, v in entries.items() if v is not None})
