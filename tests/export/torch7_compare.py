"""What of two Lua files must be alike: fields, graphs, ties."""

from __future__ import annotations

from collections import Counter
from typing import Any

from t7convert.format.objects import LuaObject, LuaStorage, LuaTable, LuaTensor
from tests.torch7_fields import objects

Shape = tuple[str, Any, tuple[str, ...]]


def fields(root: LuaObject, *, without: tuple[str, ...] = ()) -> Counter[Shape]:
    """Return class, version and field names of every object, counted."""
    return Counter(
        (obj.typename, obj.version, tuple(sorted(str(k) for k in obj.fields if k not in without)))
        for obj in objects(root)
        if isinstance(obj.payload, LuaTable)
    )


def kinds(root: LuaObject) -> set[tuple[str, str, str]]:
    """Return (class, field, kind of value) of every field: what a strict reader looks at."""
    return {
        (obj.typename, str(name), _kind(value))
        for obj in objects(root)
        if isinstance(obj.payload, LuaTable)
        for name, value in obj.fields.items()
    }


def _kind(value: Any) -> str:
    if isinstance(value, (LuaObject, LuaTensor, LuaStorage)):
        return value.typename
    if isinstance(value, bool):
        return "boolean"
    return "number" if isinstance(value, (int, float)) else type(value).__name__


def graph(module: LuaObject) -> dict[str, Any]:
    """Return the wiring of a gModule by the ids of its nodes."""
    forward, backward = _list(module["forwardnodes"]), _list(module["backwardnodes"])
    by_data = {id(node["data"]): node["id"] for node in forward}
    return {
        "forward": [node["id"] for node in forward],
        "backward": [node["id"] for node in backward],
        "ends": (module["innode"]["id"], module["outnode"]["id"]),
        "edges": {
            name: [(e["from"]["id"], e["to"]["id"]) for e in _list(module[name]["edges"])]
            for name in ("fg", "bg")
        },
        "nodes": {
            name: [node["id"] for node in _list(module[name]["nodes"])] for name in ("fg", "bg")
        },
        "children": [[c["id"] for c in _list(node["children"])] for node in (*forward, *backward)],
        "positions": [
            sorted((k["id"], v) for k, v in node["children"].items() if isinstance(k, LuaObject))
            for node in (*forward, *backward)
        ],
        "inputs": [[by_data[id(d)] for d in _list(n["data"]["mapindex"])] for n in forward],
        "slots": [
            sorted(
                (by_data[id(k)], v)
                for k, v in n["data"]["mapindex"].items()
                if k != v and isinstance(k, LuaTable)
            )
            for n in forward
        ],
        "successors": [sorted(k["id"] for k in n["data"]["reverseMap"]) for n in forward],
        "data": [sorted(str(key) for key in n["data"]) for n in forward],
        "splits": [(n["data"].get("nSplitOutputs"), n["data"].get("selectindex")) for n in forward],
        "places": [n["data"]["forwardNodeId"] for n in forward],
        "identity": (
            _same(_list(module["fg"]["nodes"]), [*forward]),
            _same(_list(module["bg"]["nodes"]), [*backward]),
            any(module["innode"] is node for node in forward),
            any(module["outnode"] is node for node in backward),
            all(any(k is b for b in backward) for n in forward for k in n["data"]["reverseMap"]),
        ),
    }


def _list(table: LuaTable) -> list[Any]:
    return [value for key, value in table.items() if isinstance(key, int)]


def _same(a: list[Any], b: list[Any]) -> bool:
    return {id(item) for item in a} == {id(item) for item in b}
