"""Rows of nnx's small modules."""

from __future__ import annotations

from typing import Any

from t7convert.format.objects import LuaObject, LuaTable
from t7convert.lua.schema.spec import REQUIRED, RawFields, alias, row


def _fixed_map(fields: RawFields, version: float | None) -> None:
    """Take the matrix out of the SpatialLinear: nobody trains it, it's a constant."""
    linear: Any = fields.get("linear")
    if isinstance(linear, LuaObject) and isinstance(linear.payload, LuaTable):
        fields["matrix"], fields["offset"] = linear.payload["weight"], linear.payload["bias"]


row(
    "nn.SpatialLinear",
    "nnx: SpatialLinear.lua",
    parameters="weight bias",
    constants={"fanin": REQUIRED, "fanout": REQUIRED, "weightDecay": 0},
    buffers="gradWeight gradBias",
    true_gradient=False,
    notes="three dimensions only; with weightDecay every pixel adds the weight to its gradient",
)
row(
    "nn.SaturatedLU",
    "nnx: SaturatedLU.lua",
    constants={"threshold": -1.0, "val": -1.0, "threshold2": 1.0, "val2": 1.0},
)
row("nn.Minus", "nnx: Minus.lua")
row(
    "nn.MultiSoftMax",
    "nnx: MultiSoftMax.lua",
    buffers="_input _output _gradInput _gradOutput",
    notes="of two dimensions too, where today's Torch7 returns nothing",
)
row(
    "nn.Balance",
    "nnx: Balance.lua",
    constants={"nBatch": 10, "inputCache": None, "batchSize": 0, "startIdx": 1},
    buffers="prob sum",
    true_gradient=False,
    notes="the identity in evaluation; in training the gradient takes the divisors for constants",
)
row(
    "nn.PushTable",
    "nnx: PushTable.lua",
    constants={"_index": REQUIRED},
    buffers="_pulls _gradInput _forward",
    notes="what it takes out of its table, its PullTables put in again",
)
row("nn.PullTable", "nnx: PullTable.lua", constants={"_index": REQUIRED, "_push": REQUIRED})
row(
    "nn.SpatialColorTransform",
    "nnx: SpatialColorTransform.lua",
    constants={"transform": REQUIRED, "islinear": False, "matrix": None, "offset": None},
    buffers="linear usage",
    upgrade=_fixed_map,
    notes="the linear ones: those by hue can't run with the image package of today's Torch7",
)
row(
    "nn.SpatialGraph",
    "nnx: SpatialGraph.lua",
    constants={"dist": 0, "normalize": 1, "connex": 4},
    buffers="usage",
    true_gradient=False,
    notes="the gradient of the normalised cosine isn't the derivative: C cuts its exponents off",
)
row(
    "nn.SpatialMatching",
    "nnx: SpatialMatching.lua",
    constants={"maxh": 11, "maxw": 11, "full_output": False},
    buffers="gradInput1 gradInput2",
    notes="1e30 where there is no partner",
)
row(
    "nn.SoftMaxTree",
    "nnx: SoftMaxTree.lua",
    parameters="weight bias",
    constants={
        "inputSize": REQUIRED,
        "rootId": 1,
        "childIds": REQUIRED,
        "parentIds": REQUIRED,
        "parentChildren": REQUIRED,
    },
    buffers="""gradWeight gradBias childParent hierarchy updates static accUpdate batchSize
    nChildNode nParentNode minNodeId maxNodeId maxParentId maxChildId maxFamily maxFamilyPath
    maxDept momGradParams _nodeBuffer _multiBuffer _gradInput _gradTarget _gradOutput""",
    true_gradient=False,
    notes="computed with Torch7's fast exponential, off by up to 3e-5. Lua's parameters()"
    " gives weight and bias by families, and those of the last batch only",
)
alias(
    "nnx.QDRiemaNNLinear",
    "nn.Linear",
    "nnx: QDRiemaNNLinear.lua",
    constants={"gamma": 0.01, "qdFlag": True, "matReg": 1e-12, "initMetric": True},
    statistics=("Mii", "M0i", "M00"),
    true_gradient=False,
    notes="the gradients of weight and bias are scaled by a metric that every backward updates",
)
