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

#: Buffers that Lua code reads before it has made them again: of a size or with values that only a
#: constructor or a first pass gives. They are small, or made of the module's own sizes.
_NEEDED = frozenset(
    name
    for words in (
        "_multiBuffer _nodeBuffer _norm _ones _output_grad _pulls _range _scale _sparseBuf _target",
        "_zeroMask allcolumns",
        "batchGrid bias bn_view_in bn_view_out childParent clusterSampleCount coef count inShape",
        "init_state kernel minusOne noiseInit norm ones operations outShape output_tensor",
        "processors rnns running scale sharedClones sharedNoise sigma target total_weight_tensor",
        "weight",
    )
    for name in words.split()
)
#: Fields of modules that go on from their last output: of these only gradients are dropped.
_MEMORY = ("step", "outputs", "_remember", "remember_states")
#: Gradients without which Lua can't load an object (torch/nn: WeightNorm.lua, read).
NEEDED_GRADIENTS = frozenset({("nn.WeightNorm", "gradV")})
_Emptied = dict[int, tuple[LuaTensor, LuaTensor]]
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
    emptied: dict[int, tuple[LuaTensor, LuaTensor]] = {}
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
            _clear(spec, table, gradients, counts, emptied)
        elif isinstance(value, LuaObject) and value.typename == "nngraph.Node":
            _clear_node(table, counts)
        stack.extend(item for item in table.values())
        stack.extend(table)
    return Shrunk(counts["buffers"], counts["gradients"])


def _clear(
    spec: ClassSpec, table: LuaTable, gradients: bool, counts: dict[str, int], emptied: _Emptied
) -> None:
    remembers = any(name in table for name in _MEMORY)
    for name in [key for key in table if isinstance(key, str)]:
        role = role_of(spec, name)
        if role == "gradients" and (not gradients or (spec.typename, name) in NEEDED_GRADIENTS):
            continue
        known = name in ("output", "gradInput") or (name in spec.buffers and name not in _NEEDED)
        if remembers and name != "gradInput":
            known = False
        if role in counts and (known or role == "gradients") and _empty(table, name, emptied):
            counts[role] += 1


def _clear_node(table: LuaTable, counts: dict[str, int]) -> None:
    data = table.get("data")
    if isinstance(data, LuaTable):
        for name in _NODE_BUFFERS:
            if name in data and _holds_values(data[name]):
                del data[name]
                counts["buffers"] += 1


def _empty(table: LuaTable, name: str, emptied: _Emptied) -> bool:
    """Replace a field's tensors by empty ones; tell whether there was anything to drop."""
    value = table[name]
    if not _holds_values(value):
        return False
    table[name] = _without_values(value, emptied)
    return True


def _without_values(value: Any, emptied: _Emptied) -> Any:
    """Return a tensor or table without elements; tables keep their form, which Lua may index.

    What is one tensor in two fields stays one.
    """
    if isinstance(value, LuaTensor):
        known = emptied.get(id(value))
        if known is None:
            known = emptied[id(value)] = value, LuaTensor(value.typename, (), (), 0, None)
        return known[1]
    if isinstance(value, LuaTable):
        return LuaTable({key: _without_values(item, emptied) for key, item in value.items()})
    return value


def _holds_values(value: Any) -> bool:
    """Tell whether a value is a tensor with elements, or a table of such and nothing else."""
    if isinstance(value, LuaTensor):
        return bool(value.size)
    if isinstance(value, LuaTable) and len(value):
        items = list(value.values())
        plain = all(isinstance(i, (LuaTensor, LuaStorage)) or _holds_values(i) for i in items)
        return plain and any(_holds_values(item) for item in items)
    return False
