"""Rows of the modules that measure: norms, distances, products of two vectors."""

from t7convert.lua.schema.spec import REQUIRED, row

row(
    "nn.Normalize",
    "torch/nn: Normalize.lua",
    constants={"p": REQUIRED, "eps": 1e-10},
    buffers="_output _indices _gradInput buffer buffer2 norm normp cross",
    true_gradient=False,
    notes="p may be infinite; for p < 2 the gradient has an epsilon that the output lacks",
)
row(
    "nn.PairwiseDistance",
    "torch/nn: PairwiseDistance.lua",
    constants={"norm": 2},
    buffers="diff outExpand grad ones",
    true_gradient=False,
    notes="the gradient has an epsilon, and is that of a p-norm for p = 1 and p >= 2 only; at a "
    "difference of 0 with p = 1 Lua draws its sign, here it is 1",
)
row(
    "nn.CosineDistance",
    "torch/nn: CosineDistance.lua",
    buffers="buffer w1 w22 w w32 ones _input1 _input2",
)
row("nn.DotProduct", "torch/nn: DotProduct.lua", buffers="buffer")

_TEMPLATE_BUFFERS = (
    "gradWeight gradDiagCov fastBackward temp _input _output _gradOutput _weight _diagCov _div "
    "_sum _expand _expand2 _expand3 _expand4 _repeat _repeat2 _repeat3 _inputNorm _weightNorm "
    "__norm"
)
row(
    "nn.Euclidean",
    "torch/nn: Euclidean.lua",
    parameters="weight",
    buffers=_TEMPLATE_BUFFERS,
    true_gradient=False,
    notes="the gradient adds 1e-7 to the distance",
)
row(
    "nn.WeightedEuclidean",
    "torch/nn: WeightedEuclidean.lua",
    parameters="weight diagCov",
    buffers=_TEMPLATE_BUFFERS + " templates gradTemplates bias gradBias",
    true_gradient=False,
    notes="the gradient adds 1e-7 to the distance",
)
row(
    "nn.Cosine",
    "torch/nn: Cosine.lua",
    parameters="weight",
    buffers=_TEMPLATE_BUFFERS,
    true_gradient=False,
    notes="the gradient takes lengths + 1e-12 for the lengths",
)
row(
    "nn.Kmeans",
    "torch/nn: Kmeans.lua",
    parameters="weight",
    constants={"k": REQUIRED, "dim": REQUIRED, "scale": None},
    buffers="gradWeight loss clusterSampleCount p _expandedSamples _clusterDistances _temp "
    "_tempExpanded _tempWeight _tempWeightExp _expandedWeight _minScore _minIndx _cscAdder "
    "_gradWeight _gradWeight2 _ccounts",
    true_gradient=False,
    notes="gives the number of the nearest centre, from 1; the centres' gradient is the k-means "
    "step",
)
