"""Rows of the linear maps."""

from t7convert.lua.schema.spec import row

row(
    "nn.Linear",
    "torch/nn: Linear.lua",
    parameters="weight bias",
    buffers="gradWeight gradBias addBuffer",
)
