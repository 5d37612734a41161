"""Rows of the criterions of torch/nn and of cudnn."""

from __future__ import annotations

from t7convert.lua.schema.spec import REQUIRED, row

AVERAGE = {"sizeAverage": True}

for name in ("AbsCriterion", "MSECriterion", "SmoothL1Criterion", "SoftMarginCriterion"):
    row(
        f"nn.{name}",
        f"torch/nn: {name}.lua",
        kind="criterion",
        constants=AVERAGE,
        buffers="output_tensor",
        notes="the gradient where input and target are equal is 1" * (name == "AbsCriterion"),
    )
row(
    "nn.DistKLDivCriterion",
    "torch/nn: DistKLDivCriterion.lua",
    kind="criterion",
    constants=AVERAGE,
    buffers="output_tensor",
)
row(
    "nn.BCECriterion",
    "torch/nn: BCECriterion.lua",
    kind="criterion",
    statistics="weights",
    constants=AVERAGE,
    buffers="output_tensor buffer",
    true_gradient=False,
    notes="the epsilon of the logarithms stands in the gradient's denominator only",
)
row(
    "nn.MultiLabelSoftMarginCriterion",
    "torch/nn: MultiLabelSoftMarginCriterion.lua",
    kind="criterion",
    statistics="weights",
    constants=AVERAGE,
    buffers="sigmoid _buffer1 _buffer2",
)
row(
    "nn.WeightedMSECriterion",
    "torch/nn: WeightedMSECriterion.lua",
    kind="criterion",
    statistics="weight",
    constants=AVERAGE,
    buffers="output_tensor buffer",
)
row(
    "nn.SpatialAutoCropMSECriterion",
    "torch/nn: SpatialAutoCropMSECriterion.lua",
    kind="criterion",
    constants=AVERAGE,
    buffers="output_tensor",
    notes="Lua has no backward for a target that needs cropping",
)
row("nn.L1Cost", "torch/nn: L1Cost.lua", kind="criterion", buffers="output_tensor")
row(
    "nn.MarginCriterion",
    "torch/nn: MarginCriterion.lua",
    kind="criterion",
    constants={**AVERAGE, "margin": 1},
    buffers="output_tensor",
)
row(
    "nn.HingeEmbeddingCriterion",
    "torch/nn: HingeEmbeddingCriterion.lua",
    kind="criterion",
    constants={**AVERAGE, "margin": 1},
    buffers="buffer ty",
    true_gradient=False,
    notes="for targets other than 1 and -1 the gradient is the target",
)
row(
    "nn.L1HingeEmbeddingCriterion",
    "torch/nn: L1HingeEmbeddingCriterion.lua",
    kind="criterion",
    constants={"margin": 1},
    notes="where the pair is equal the gradient is 1 or -1 by chance",
)
row(
    "nn.CosineEmbeddingCriterion",
    "torch/nn: CosineEmbeddingCriterion.lua",
    kind="criterion",
    constants={**AVERAGE, "margin": 0},
    buffers="buffer w1 w22 w w32 _outputs _idx _y",
)
row(
    "nn.MarginRankingCriterion",
    "torch/nn: MarginRankingCriterion.lua",
    kind="criterion",
    constants={**AVERAGE, "margin": 1},
    buffers="_output dist mask",
)
row(
    "nn.DistanceRatioCriterion",
    "torch/nn: DistanceRatioCriterion.lua",
    kind="criterion",
    constants=AVERAGE,
    buffers="_expMinusX _expMinusY _sumExpMinusXY _logSumExpMinusXY loss dX dY",
)
row(
    "nn.ClassNLLCriterion",
    "torch/nn: ClassNLLCriterion.lua",
    kind="criterion",
    statistics="weights",
    constants={**AVERAGE, "ignoreIndex": -100},
    buffers="output_tensor total_weight_tensor target",
)
row(
    "nn.CrossEntropyCriterion",
    "torch/nn: CrossEntropyCriterion.lua",
    kind="criterion",
    children="nll",
    constants={"sizeAverage": None, "oldSizeAverage": None},
    buffers="lsm",
)
row(
    "nn.SpatialClassNLLCriterion",
    "torch/nn: SpatialClassNLLCriterion.lua",
    kind="criterion",
    statistics="weights",
    constants=AVERAGE,
    buffers="output_tensor total_weight_tensor target",
)
row(
    "cudnn.SpatialCrossEntropyCriterion",
    "cudnn.torch: SpatialCrossEntropyCriterion.lua",
    kind="criterion",
    children="nll",
    constants=AVERAGE,
    buffers="slsm",
)
row(
    "cudnn.VolumetricCrossEntropyCriterion",
    "cudnn.torch: VolumetricCrossEntropyCriterion.lua",
    kind="criterion",
    children="scec",
)
row(
    "nn.MultiMarginCriterion",
    "torch/nn: MultiMarginCriterion.lua",
    kind="criterion",
    statistics="weights",
    constants={**AVERAGE, "p": 1, "margin": 1},
    buffers="output_tensor target_tensor",
)
row(
    "nn.MultiLabelMarginCriterion",
    "torch/nn: MultiLabelMarginCriterion.lua",
    kind="criterion",
    constants=AVERAGE,
    buffers="output_tensor isTarget",
)
row(
    "nn.ClassSimplexCriterion",
    "torch/nn: ClassSimplexCriterion.lua",
    kind="criterion",
    statistics="simplex",
    constants={**AVERAGE, "nClasses": None},
    buffers="output_tensor _target",
)
row(
    "nn.MultiCriterion",
    "torch/nn: MultiCriterion.lua",
    kind="criterion",
    children="criterions",
    constants={"weights": REQUIRED},
)
row(
    "nn.ParallelCriterion",
    "torch/nn: ParallelCriterion.lua",
    kind="criterion",
    children="criterions",
    constants={"weights": REQUIRED, "repeatTarget": False},
)
row(
    "nn.ModuleCriterion",
    "torch/nn: ModuleCriterion.lua",
    kind="criterion",
    children="criterion inputModule targetModule",
    constants={"castTarget": True},
    buffers="input target",
)
row(
    "nn.CriterionTable",
    "torch/nn: CriterionTable.lua",
    children="criterion",
    notes="a module, not a criterion; its gradInput ignores gradOutput",
)
