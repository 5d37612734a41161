"""Rows of the modules that take parts of a tensor, pad it, or put a constant in its place."""

from t7convert.lua.schema.spec import REQUIRED, row

row("nn.Select", "torch/nn: Select.lua", constants={"dimension": REQUIRED, "index": REQUIRED})
row(
    "nn.Narrow",
    "torch/nn: Narrow.lua",
    constants={"dimension": REQUIRED, "index": REQUIRED, "length": 1},
)
row(
    "nn.Index",
    "torch/nn: Index.lua",
    constants={"dimension": REQUIRED},
    notes="the positions count from 1 and get no gradient",
)
row(
    "nn.MaskedSelect",
    "torch/nn: MaskedSelect.lua",
    buffers="_maskIndices _maskIndexBuffer _maskIndexBufferCPU _gradBuffer _gradMask",
    notes="the mask gets no gradient",
)
row(
    "nn.Padding",
    "torch/nn: Padding.lua",
    constants={"dim": REQUIRED, "pad": REQUIRED, "nInputDim": None, "value": 0, "index": 1},
    buffers="outputSize",
)
row("nn.Constant", "torch/nn: Constant.lua", constants={"value": REQUIRED, "nInputDim": None})
