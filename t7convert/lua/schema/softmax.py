"""Rows of the softmax functions."""

from t7convert.lua.schema.spec import alias, row

_RANK = "normalises the only dimension of 1-D, the second of 2-D and 4-D, the first of 3-D inputs"

for _name in ("SoftMax", "LogSoftMax", "SpatialSoftMax", "SpatialLogSoftMax"):
    row(f"nn.{_name}", f"torch/nn: {_name}.lua", notes=_RANK)
row("nn.SoftMin", "torch/nn: SoftMin.lua", buffers="mininput", notes=_RANK)

row(
    "cudnn.SpatialSoftMax",
    "cudnn.torch: SpatialSoftMax.lua",
    constants={
        "mode": "CUDNN_SOFTMAX_MODE_CHANNEL",
        "algorithm": "CUDNN_SOFTMAX_ACCURATE",
    },
    buffers="iSize iDesc oDesc _gradOutput",
    notes="mode and algorithm as the file has them; 3-D and 4-D inputs: over the planes",
)
alias("cudnn.SpatialLogSoftMax", "cudnn.SpatialSoftMax", "cudnn.torch: SpatialLogSoftMax.lua")
for _name in ("SoftMax", "LogSoftMax"):
    alias(
        f"cudnn.{_name}",
        "cudnn.SpatialSoftMax",
        f"cudnn.torch: {_name}.lua",
        notes="normalises planes, rows and columns of an image together (instance mode)",
    )
for _name in ("VolumetricSoftMax", "VolumetricLogSoftMax"):
    row(
        f"cudnn.{_name}",
        f"cudnn.torch: {_name}.lua",
        children="ssm",
        notes="its inner SpatialSoftMax sees time and rows as one dimension",
    )
