"""Row of weight normalisation, which leaves the weight of the module it wraps out of the file."""

from __future__ import annotations

from t7convert.format.objects import LuaObject, LuaTable, LuaTensor
from t7convert.lua.schema.spec import REQUIRED, RawFields, row


def without_weight(fields: RawFields, version: float | None) -> None:
    """Files that hold the computed weight: it is what v and g say, and no parameter."""
    modules = fields.get("modules")
    child = modules.get(1) if isinstance(modules, LuaTable) else None
    if not isinstance(child, LuaObject) or not isinstance(child.get("weight"), LuaTensor):
        return
    fields.setdefault("weightSize", list(child["weight"].size))
    rest = LuaTable({key: value for key, value in child.fields.items() if key != "weight"})
    fields["modules"] = LuaTable({1: LuaObject(child.typename, rest, version=child.version)})


row(
    "nn.WeightNorm",
    "torch/nn: WeightNorm.lua",
    parameters="v g",
    children="modules",
    constants={"weightSize": REQUIRED, "outputDim": 1},
    buffers="weight bias gradWeight gradBias gradV gradG viewIn viewOut otherDims _norm _scale",
    upgrade=without_weight,
    notes="the weight of the module inside is computed from v and g",
)
