"""Rows of batch normalisation and its relatives."""

from t7convert.lua.schema.spec import alias, row

row(
    "nn.BatchNormalization",
    "torch/nn: BatchNormalization.lua",
    parameters="weight bias",
    statistics="running_mean running_var running_std",
    constants={"eps": 1e-5, "momentum": 0.1},
    buffers="gradWeight gradBias save_mean save_std _input _gradOutput affine nDim",
)
alias(
    "nn.SpatialBatchNormalization",
    "nn.BatchNormalization",
    "torch/nn: SpatialBatchNormalization.lua",
)
