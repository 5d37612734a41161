"""Rows of the modules that only change the shape."""

from t7convert.lua.schema.spec import REQUIRED, row

row("nn.Identity", "torch/nn: Identity.lua", buffers="tensorOutput tensorGradInput")
row(
    "nn.View",
    "torch/nn: View.lua",
    constants={"size": REQUIRED, "numInputDims": None},
    buffers="numElements",
    notes="whether there is a batch dimension is decided at run time",
)
row(
    "nn.Reshape",
    "torch/nn: Reshape.lua",
    constants={"size": REQUIRED, "batchMode": None},
    buffers="batchsize nelement _input _gradOutput",
    notes="whether there is a batch dimension is decided at run time",
)
row("nn.Contiguous", "torch/nn: Contiguous.lua")
row(
    "nn.Transpose",
    "torch/nn: Transpose.lua",
    constants={"permutations": REQUIRED, "numInputDims": None},
)
row("nn.Squeeze", "torch/nn: Squeeze.lua", constants={"dim": None, "numInputDims": None})
row(
    "nn.Unsqueeze",
    "torch/nn: Unsqueeze.lua",
    constants={"pos": REQUIRED, "numInputDims": None},
    notes="without numInputDims Lua takes the rank of the first input it sees, here of each input",
)
row("nn.Collapse", "torch/nn: Collapse.lua", constants={"nInputDim": REQUIRED}, buffers="_input")
row(
    "nn.Replicate",
    "torch/nn: Replicate.lua",
    constants={"nfeatures": REQUIRED, "dim": 1, "ndim": None},
)
