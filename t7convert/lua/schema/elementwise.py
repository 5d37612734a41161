"""Rows of the element-wise functions."""

from t7convert.lua.schema.spec import REQUIRED, alias, row

_INPLACE = {"inplace": False}

row("nn.Abs", "torch/nn: Abs.lua", notes="the gradient at 0 is 1, as THNN/generic/Abs.c has it")
row(
    "nn.AddConstant",
    "torch/nn: AddConstant.lua",
    constants={"constant_scalar": REQUIRED, **_INPLACE},
    notes="constant_scalar may be a vector, added to the last of at most two dimensions",
)
row(
    "nn.MulConstant",
    "torch/nn: MulConstant.lua",
    constants={"constant_scalar": REQUIRED, **_INPLACE},
)
row(
    "nn.HardTanh",
    "torch/nn: HardTanh.lua",
    constants={"min_val": -1, "max_val": 1, **_INPLACE},
)
alias("nn.Clamp", "nn.HardTanh", "torch/nn: Clamp.lua, HardTanh.lua")
row("nn.ELU", "torch/nn: ELU.lua", constants={"alpha": 1, **_INPLACE})
row("nn.Exp", "torch/nn: Exp.lua")
row("nn.HardShrink", "torch/nn: HardShrink.lua", constants={"lambda": 0.5})
row("nn.SoftShrink", "torch/nn: SoftShrink.lua", constants={"lambda": 0.5})
row(
    "nn.LeakyReLU",
    "torch/nn: LeakyReLU.lua",
    constants={"negval": 0.01, **_INPLACE},
)
row("nn.Log", "torch/nn: Log.lua")
row("nn.LogSigmoid", "torch/nn: LogSigmoid.lua", buffers="buffer")
row("nn.Power", "torch/nn: Power.lua", constants={"pow": REQUIRED})
row(
    "nn.PReLU",
    "torch/nn: PReLU.lua",
    parameters="weight",
    constants={"nOutputPlane": 0},
    buffers="gradWeight gradWeightBuf gradWeightBuf2",
    notes="nOutputPlane 0: one slope for all; else one per plane, the second dimension (or the "
    "only one)",
)
row(
    "nn.RReLU",
    "torch/nn: RReLU.lua",
    constants={"lower": 1 / 8, "upper": 1 / 3, **_INPLACE},
    buffers="noise",
    random=True,
    notes="random in training",
)
row(
    "nn.ReLU",
    "torch/nn: ReLU.lua, Threshold.lua",
    constants={"threshold": 0, "val": 0, **_INPLACE},
    notes="a Threshold; one with other values than 0 stays one",
)
row("nn.ReLU6", "torch/nn: ReLU6.lua", constants=_INPLACE)
row("nn.Sigmoid", "torch/nn: Sigmoid.lua")
row(
    "nn.SoftPlus",
    "torch/nn: SoftPlus.lua",
    constants={"beta": 1, "threshold": 20},
)
row("nn.SoftSign", "torch/nn: SoftSign.lua", buffers="temp tempgrad")
row(
    "nn.Sqrt",
    "torch/nn: Sqrt.lua",
    buffers="eps bias",
    notes="eps does nothing (THNN/generic/Sqrt.c); the gradient at 0 is 0",
)
row("nn.Square", "torch/nn: Square.lua")
row("nn.Tanh", "torch/nn: Tanh.lua")
row("nn.TanhShrink", "torch/nn: TanhShrink.lua", buffers="tanh")
row(
    "nn.Threshold",
    "torch/nn: Threshold.lua",
    constants={"threshold": 1e-6, "val": 0, **_INPLACE},
)
row(
    "nn.CReLU",
    "torch/nn: CReLU.lua",
    children="modules",
    constants={"nInputDims": REQUIRED},
    buffers="inplace",
)
row(
    "nn.GatedLinearUnit",
    "torch/nn: GatedLinearUnit.lua",
    constants={"dim": None},
    buffers="sigmoid fHalf sHalf",
    notes="without dim, the last dimension is halved",
)

_POINTWISE = "iSize nElem mode _gradOutput iDesc activDesc"
row(
    "cudnn.ReLU",
    "cudnn.torch: ReLU.lua, Pointwise.lua",
    constants=_INPLACE,
    buffers=_POINTWISE + " threshold val",
)
for _name in ("Tanh", "Sigmoid"):
    alias(
        f"cudnn.{_name}",
        f"nn.{_name}",
        f"cudnn.torch: {_name}.lua, Pointwise.lua",
        constants=_INPLACE,
        buffers=_POINTWISE,
    )
row(
    "cudnn.ClippedReLU",
    "cudnn.torch: ClippedReLU.lua, Pointwise.lua",
    constants={"ceiling": REQUIRED, **_INPLACE},
    buffers=_POINTWISE,
)
