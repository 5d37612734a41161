"""Rows of the modules about element types and layouts."""

from __future__ import annotations

from typing import Any

from t7convert.format.objects import LuaFunction, LuaTensor
from t7convert.lua.schema.spec import RawFields, row


def _type_of(value: Any) -> str | None:
    return value.typename if isinstance(value, LuaTensor) else None


def output_type(fields: RawFields, version: float | None) -> None:
    """The element type of the output is that of the field ``output``, whatever it holds."""
    fields["outtype"] = _type_of(fields.get("output"))


def between_equals(fields: RawFields, version: float | None) -> None:
    """Between equal types the constructor stores functions that pass the input on."""
    output_type(fields, version)
    fields["alias"] = isinstance(fields.get("updateOutput"), LuaFunction)


row(
    "nn.Copy",
    "torch/nn: Copy.lua",
    constants={"outtype": None, "alias": False},
    buffers="dontCast",
    upgrade=between_equals,
    stores="updateOutput updateGradInput",
    notes="floating types follow the network's, so that it can run in any precision",
)
row(
    "nn.Convert",
    "torch/nn: Convert.lua",
    constants={"inputShape": "b*", "outputShape": "b*", "outtype": None},
    buffers="""inputBatchDim outputBatchDim nInputDim nOutputDim transposition batchMode converter
    modules _input __input __output _gradInput __gradInput __gradOutput""",
    upgrade=output_type,
)
row(
    "nn.DontCast",
    "torch/nn: DontCast.lua",
    children="modules",
    constants={"castin": False, "castout": False, "moduleType": None, "outtype": None},
    buffers="_input _gradOutput",
    upgrade=output_type,
    notes="floating types follow the network's, so that it can run in any precision",
)
