"""Rows of the modules of Facebook's fbnn."""

from __future__ import annotations

from t7convert.format.objects import LuaObject
from t7convert.lua.schema.spec import REQUIRED, RawFields, row

GRADIENTS = "gradWeight gradBias"


def inner_linear(fields: RawFields, version: float | None) -> None:
    """The convolution computes with the weight and bias of its inner Linear."""
    inner = fields.get("linear")
    if isinstance(inner, LuaObject):
        fields["weight"], fields["bias"] = inner.get("weight"), inner.get("bias")


row(
    "nn.UnfoldedTemporalConvolution",
    "fbnn: UnfoldedTemporalConvolution.lua",
    parameters="weight bias",
    constants={
        "inputFrameSize": REQUIRED,
        "outputFrameSize": REQUIRED,
        "kW": REQUIRED,
        "dW": 1,
        "pad": 0,
    },
    buffers=f"{GRADIENTS} linear _paddedInput _paddedGradInput _unfoldedInput _linearGradOutput"
    " _unfoldedGradInput",
    upgrade=inner_linear,
)
row("nn.Upsample", "fbnn: Upsample.lua", constants={"factor": REQUIRED}, buffers="buffer")
row(
    "nn.LinearNB",
    "fbnn: LinearNB.lua",
    parameters="weight bias",
    buffers=f"{GRADIENTS} addBuffer",
)
row(
    "nn.LinearNoBackprop",
    "fbnn: LinearNoBackprop.lua",
    parameters="weight bias",
    buffers=f"{GRADIENTS} addBuffer",
    true_gradient=False,
    notes="gradInput is zero",
)
row(
    "fbnn.NormalizedLinearNoBias",
    "fbnn: NormalizedLinearNoBias.lua",
    parameters="weight bias",
    buffers=f"{GRADIENTS} addBuffer",
    true_gradient=False,
    notes="rescales its weight at every forward in training; the bias is added but never learned",
)
row(
    "nn.DifferenceOfGaussian",
    "fbnn: DifferenceOfGaussian.lua",
    statistics="filter",
    constants={
        "nInputPlane": REQUIRED,
        "nOctaves": 3,
        "nScalesPerOctave": 5,
        "padW": REQUIRED,
        "padH": REQUIRED,
    },
    buffers="sigma nOutputPlane kW kH dW dH finput fgradInput outputBuf",
    notes="Lua has no backward",
)
row(
    "nn.FasterLookup",
    "fbnn: FasterLookup.lua, src/FasterLookup.c",
    parameters="weight",
    buffers="gradWeight count skipBoundChecking scaleGradByFreq concUpdates",
)
row("nn.SparseThreshold", "fbnn: SparseThreshold.lua", children="module")
row(
    "fbnn.LeakyReLU",
    "fbnn: LeakyReLU.lua",
    parameters="weight",
    constants={"nOutputPlane": 0},
    buffers="gradWeight gradWeightBuf gradWeightBuf2",
    true_gradient=False,
    notes="the slope is a parameter that never gets a gradient",
)
row("fbnn.Constant", "fbnn: Constant.lua", statistics="value")
row("fbnn.L2Normalize", "fbnn: L2Normalize.lua", buffers="norms")
row(
    "fbnn.ProjectiveGradientNormalization",
    "fbnn: ProjectiveGradientNormalization.lua",
    constants={"eps": 1e-5},
    true_gradient=False,
    notes="the identity; its gradient loses the part along the input. eps is never used",
)
row(
    "fbnn.NestedDropout",
    "fbnn: NestedDropout.lua",
    constants={"p": 0.01, "logp": None, "log1p": None},
    buffers="noise v2 inplace lazy stochastic_inference",
    random=True,
    notes="random in training; takes a batch of vectors",
)
row(
    "fbnn.SparseLinear",
    "fbnn: SparseLinear.lua, src/SparseLinear.c",
    parameters="weight bias",
    constants={"doGradInput": False, "weightDecay": 0},
    buffers=f"{GRADIENTS} useSparseUpdate numBackward sparseUpdate lastInput lastInputKey"
    " lastInputVal formatted_input gradWeightBuf legacyMode",
    notes="the input is {keys, values}, or what nn.SparseLinear takes",
)
row(
    "fbnn.SegSparseLinear",
    "fbnn: SegSparseLinear.lua",
    parameters="weight bias",
    buffers=f"{GRADIENTS} ones sparseGradWeightPtr _sparseBuf useSparseGrad learningRateMul"
    " lastInput",
    notes="the input is {segments, keys, values}, the weight stands inputs x outputs",
)
AVERAGE = {"sizeAverage": True}
row("nn.TrueNLLCriterion", "fbnn: TrueNLLCriterion.lua", kind="criterion", constants=AVERAGE)
row(
    "nn.ClassNLLCriterionWithUNK",
    "fbnn: ClassNLLCriterionWithUNK.lua",
    kind="criterion",
    children="crit",
    constants={"unk_index": None, "tensortype": None},
    buffers="tmp gradInputExtra use_unk",
    notes="a batch with an unknown class gives the sum of its samples' losses, others the average",
)
for name in ("SoftPlusLSECriterion", "SoftPlusLSEMinusLSECriterion"):
    row(
        f"nn.{name}",
        f"fbnn: {name}.lua",
        kind="criterion",
        buffers="sizeAverage threshold LSE SoftPlusLSE",
        notes="a sum, whatever sizeAverage says",
    )
row(
    "nn.ClassHierarchicalNLLCriterion",
    "fbnn: ClassHierarchicalNLLCriterion.lua",
    kind="criterion",
    parameters="clusterMatrix clusterBias classMatrix classBias",
    statistics="mapping startIndex clusterCounts",
    buffers="clusterMatrixDx classMatrixDx clusterBiasDx classBiasDx logSMCluster logSMClass"
    " logLossCluster logLossClass outputCluster outputClass outputClusterDx outputClassDx clusterID"
    " classID startCluster numClasses",
    notes="one sample at a time; it learns, though Lua's criterion has no parameters()",
)
row(
    "nn.SequentialCriterion",
    "fbnn: SequentialCriterion.lua",
    kind="criterion",
    children="module criterion",
)
