"""Rows of the modules that only change the shape."""

from t7convert.lua.schema.spec import REQUIRED, row

row("nn.Identity", "torch/nn: Identity.lua")
row(
    "nn.View",
    "torch/nn: View.lua",
    constants={"size": REQUIRED, "numInputDims": None},
    buffers="numElements",
)
