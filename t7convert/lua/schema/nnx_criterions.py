"""Rows of nnx's criterions."""

from __future__ import annotations

from t7convert.lua.schema.spec import REQUIRED, row

row(
    "nn.SuperCriterion",
    "nnx: SuperCriterion.lua",
    kind="criterion",
    children="criterions",
    constants={"weights": REQUIRED},
)
row(
    "nn.DistNLLCriterion",
    "nnx: DistNLLCriterion.lua",
    kind="criterion",
    constants={
        "inputIsADistance": False,
        "inputIsProbability": False,
        "inputIsLogProbability": False,
        "targetIsProbability": True,
    },
    buffers="""targetSoftMax inputLogSoftMax inputLog gradLogInput input probTarget
    logProbInput""",
)
row(
    "nn.DistMarginCriterion",
    "nnx: DistMarginCriterion.lua",
    kind="criterion",
    constants={"sizeAverage": True},
    notes="targets are lists of classes that end at 0, cut to whole numbers; averaged over classes"
    " only. C leaves the gradient at targets but the least likely one to chance: 0 here",
)
row(
    "nn.TreeNLLCriterion",
    "nnx: TreeNLLCriterion.lua",
    kind="criterion",
    buffers="_module _output_grad",
)
