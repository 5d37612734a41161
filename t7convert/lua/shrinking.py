"""Dropping what a network doesn't need to run: activations, buffers and, by option, gradients.

What ``clearState`` does in Lua, on a file: tensors become empty tensors, as torch/nn leaves them,
so that Lua Torch can go on with the file. Source: torch/nn Module.lua, utils.lua (``clear``);
nngraph gmodule.lua (``clearState``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from t7convert.format.objects import LuaObject, LuaStorage, LuaTable, LuaTensor
from t7convert.lua import schema
from t7convert.lua.bytes_of import role_of
from t7convert.lua.schema import ClassSpec
from t7convert.lua.tree import derived_spec, fields_of, is_module

#: What a graph node keeps of the last pass.
_NODE_BUFFERS = ("input", "gradOutput", "gradOutputBuffer")


@dataclass(frozen=True)
class Shrunk:
    """How many fields were emptied."""

    buffers: int
    gradients: int


def shrink_graph(root: Any, *, gradients: bool = False) -> Shrunk:
    """Empty the buffers (and gradients) of every module below ``root``, in place."""
    counts = {"buffers": 0, "gradients": 0}
    seen: set[int] = set()
    stack = [root]
    while stack:
        value = stack.pop()
        if not isinstance(value, (LuaTable, LuaObject)) or id(value) in seen:
            continue
        seen.add(id(value))
        table = fields_of(value) if isinstance(value, LuaObject) else value
        if table is None:
            continue
        if isinstance(value, LuaObject) and is_module(value):
            spec = schema.find(value.typename, table) or derived_spec(value.typename, table)
            _clear(spec, table, gradients, counts)
        elif isinstance(value, LuaObject) and value.typename == "nngraph.Node":
            _clear_node(table, counts)
        stack.extend(item for item in table.values())
        stack.extend(table)
    return Shrunk(counts["buffers"], counts["gradients"])


def _clear(spec: ClassSpec, table: LuaTable, gradients: bool, counts: dict[str, int]) -> None:
    for name in [key for key in table if isinstance(key, str)]:
        role = role_of(spec, name)
        if role == "gradients" and not gradients:
            continue
        known = name in spec.buffers or name in ("output", "gradInput")
        if role in counts and (known or role == "gradients") and _emptied(table, name):
            counts[role] += 1


def _clear_node(table: LuaTable, counts: dict[str, int]) -> None:
    data = table.get("data")
    if isinstance(data, LuaTable):
        for name in _NODE_BUFFERS:
            if name in data and _holds_values(data[name]):
                del data[name]
                counts["buffers"] += 1


def _emptied(table: LuaTable, name: str) -> bool:
    """Replace a field's tensors by empty ones; tell whether there was anything to drop."""
    value = table[name]
    if not _holds_values(value):
        return False
    if isinstance(value, LuaTensor):
        table[name] = LuaTensor(value.typename, (), (), 0, None)
    else:
        table[name] = LuaTable()
    return True


def _holds_values(value: Any) -> bool:
    """Tell whether a value is a tensor with elements, or a table of such and nothing else."""
    if isinstance(value, LuaTensor):
        return bool(value.size)
    if isinstance(value, LuaTable) and len(value):
        return all(
            isinstance(item, (LuaTensor, LuaStorage)) or _holds_values(item)
            for item in value.values()
        )
    return False
