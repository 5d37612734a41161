"""Rows of the transposed convolutions."""

from __future__ import annotations

from t7convert.lua.schema.spec import REQUIRED, alias, row

row(
    "nn.SpatialFullConvolution",
    "torch/nn: SpatialFullConvolution.lua",
    parameters="weight bias",
    constants={
        "nInputPlane": REQUIRED,
        "nOutputPlane": REQUIRED,
        "kW": REQUIRED,
        "kH": REQUIRED,
        "dW": 1,
        "dH": 1,
        "padW": 0,
        "padH": 0,
        "adjW": 0,
        "adjH": 0,
    },
    buffers="gradWeight gradBias finput fgradInput ones zeroScalar _input _gradOutput",
    notes="a table {input, target} gives the output the target's size",
)
alias(
    "cudnn.SpatialFullConvolution",
    "nn.SpatialFullConvolution",
    "cudnn.torch: SpatialFullConvolution.lua",
    buffers="iSize pad stride input_offset output_offset weight_offset",
)
