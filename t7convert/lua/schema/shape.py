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
