"""Rows of the linear maps."""

from __future__ import annotations

from t7convert.format.objects import LuaObject, LuaTable
from t7convert.lua.schema.spec import REQUIRED, RawFields, row

row(
    "nn.Linear",
    "torch/nn: Linear.lua",
    parameters="weight bias",
    buffers="gradWeight gradBias addBuffer",
)
row(
    "nn.LinearWeightNorm",
    "torch/nn: LinearWeightNorm.lua",
    parameters="v g bias",
    constants={"eps": 1e-16},
    buffers="weight norm scale gradV gradG gradBias gradWeight addBuffer inputSize outputSize",
    notes="the weight is computed from v and g; the one in the file is ignored",
)
row(
    "nn.Bilinear",
    "torch/nn: Bilinear.lua",
    parameters="weight bias",
    buffers="gradWeight gradBias buff1 buff2",
)


def lookup_weight(fields: RawFields, version: float | None) -> None:
    """PartialLinear keeps its weight in the LookupTable of an inner network."""
    network = fields.get("network")
    if "weight" not in fields and isinstance(network, LuaObject):
        parallel = _member(network, 1)
        fields["weight"] = _member(parallel, 2)["weight"]


def _member(container: LuaObject, position: int) -> LuaObject:
    modules = container["modules"]
    child = modules[position] if isinstance(modules, LuaTable) else None
    if not isinstance(child, LuaObject):
        raise TypeError("network is not made as PartialLinear.lua makes it")
    return child


row(
    "nn.PartialLinear",
    "torch/nn: PartialLinear.lua",
    parameters="weight bias",
    constants={"partition": REQUIRED},
    buffers="network allcolumns inputsize outputsize gradBias addBuffer buffer",
    upgrade=lookup_weight,
    notes="computes the outputs that partition names, in its order",
)
row("nn.Maxout", "torch/nn: Maxout.lua", children="modules")
row("nn.LayerNormalization", "torch/nn: LayerNormalization.lua", children="modules")
