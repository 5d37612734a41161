"""Rows of neuraltalk2: the caption model, its criterion, and what repeats an image per caption."""

from __future__ import annotations

from typing import Any

from t7convert.format.objects import LuaObject, LuaTable, LuaTensor
from t7convert.lua.schema.spec import REQUIRED, RawFields, row

Place = tuple[int, int, tuple[int, ...], tuple[int, ...]]


def _places(value: Any, found: list[Place], seen: set[int]) -> list[Place]:
    """Collect where the weights and biases below an object lie in memory, in a fixed order."""
    stack = [value]
    while stack:
        item = stack.pop()
        if id(item) in seen:
            continue
        seen.add(id(item))
        table = item.payload if isinstance(item, LuaObject) else item
        if not isinstance(table, LuaTable):
            continue
        for name in ("weight", "bias"):
            tensor = table.get(name)
            if isinstance(tensor, LuaTensor):
                place = (id(tensor.storage), tensor.offset, tensor.size, tensor.stride)
                found.append(place)
        inner = table.get("modules") if isinstance(item, LuaObject) else table
        if isinstance(inner, LuaTable):
            stack.extend(reversed(inner.list()))
    return found


def one_clone(fields: RawFields, version: float | None) -> None:
    """Lua runs a clone per step; all of them share the weights of the first, which stands for them.

    The clones are dropped if they do; else they stay, as fields that nobody knows.
    """
    for name, clones in (("core", "clones"), ("lookup_table", "lookup_tables")):
        value = fields.get(clones)
        if not isinstance(value, LuaTable):
            continue
        expected = _places(fields[name], [], set())
        if all(_places(clone, [], set()) == expected for clone in value.values()):
            del fields[clones]


row(
    "nn.LanguageModel@neuraltalk2",
    "neuraltalk2: misc/LanguageModel.lua",
    children="core lookup_table",
    constants={
        "vocab_size": REQUIRED,
        "rnn_size": REQUIRED,
        "num_layers": REQUIRED,
        "seq_length": REQUIRED,
    },
    buffers="init_state num_state input_encoding_size state inputs lookup_tables_inputs tmax",
    when="core lookup_table",
    upgrade=one_clone,
    notes="[images, steps x batch tokens, 0 behind the end]; one start and one image step come "
    "first; steps behind the end of all captions give zeros, in Lua whatever memory held",
)
row(
    "nn.LanguageModelCriterion",
    "neuraltalk2: misc/LanguageModel.lua",
    kind="criterion",
    notes="targets are the tokens of the next step, then the end token; averaged over them",
)
row("nn.FeatExpander", "neuraltalk2: misc/net_utils.lua", constants={"n": REQUIRED})
