"""Rows of batch normalisation."""

from __future__ import annotations

from t7convert.lua.schema.spec import alias, row

row(
    "nn.BatchNormalization",
    "torch/nn: BatchNormalization.lua",
    parameters="weight bias",
    statistics="running_mean running_var running_std",
    constants={"eps": 1e-5, "momentum": 0.1},
    buffers="""gradWeight gradBias save_mean save_std _input _gradOutput affine nDim buffer buffer2
    centered std normalized""",
    notes="training on a batch of one uses the running statistics and leaves them alone",
)
for _name in ("SpatialBatchNormalization", "VolumetricBatchNormalization"):
    alias(f"nn.{_name}", "nn.BatchNormalization", f"torch/nn: {_name}.lua")
for _name in ("BatchNormalization", "SpatialBatchNormalization"):
    row(
        f"fbnn.{_name}",
        f"fbcunn: {_name}.lua",
        parameters="weight bias",
        statistics="running_mean running_std",
        constants={"eps": 1e-5, "momentum": 0.1},
        buffers="gradWeight gradBias affine centered std normalized",
        notes="running_std is 1 / standard deviation, and is itself averaged in training",
    )
for _name in (
    "BatchNormalization",
    "SpatialBatchNormalization",
    "VolumetricBatchNormalization",
):
    alias(
        f"cudnn.{_name}",
        "nn.BatchNormalization",
        f"cudnn.torch: {_name}.lua",
        buffers="mode iSize scaleT",
        notes="",
    )
