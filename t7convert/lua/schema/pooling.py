"""Rows of the spatial poolings."""

from t7convert.lua.schema.spec import REQUIRED, alias, row

_GEOMETRY = {"kW": REQUIRED, "kH": REQUIRED, "dW": 1, "dH": 1, "padW": 0, "padH": 0}

row(
    "nn.SpatialMaxPooling",
    "torch/nn: SpatialMaxPooling.lua",
    constants={**_GEOMETRY, "ceil_mode": False},
    buffers="indices",
)
row(
    "nn.SpatialAveragePooling",
    "torch/nn: SpatialAveragePooling.lua",
    constants={**_GEOMETRY, "ceil_mode": False, "count_include_pad": True, "divide": True},
)
alias(
    "cudnn.SpatialAveragePooling",
    "nn.SpatialAveragePooling",
    "cudnn.torch: SpatialAveragePooling.lua, Pooling.lua",
    buffers="iSize mode",
)
