"""Rows of the convolutions with a table of connections, and of subsampling."""

from __future__ import annotations

from t7convert.lua.schema.spec import REQUIRED, alias, row

_WINDOW = {"kW": REQUIRED, "kH": REQUIRED, "dW": 1, "dH": 1}

row(
    "nn.SpatialConvolutionMap",
    "torch/nn: SpatialConvolutionMap.lua",
    parameters="weight bias",
    constants={
        **_WINDOW,
        "nInputPlane": REQUIRED,
        "nOutputPlane": REQUIRED,
        "connTable": REQUIRED,
    },
    buffers="gradWeight gradBias",
    true_gradient=False,
    notes="where the stride leaves a remainder, Torch7's gradients go astray; so do these",
)
alias(
    "nn.SpatialFullConvolutionMap",
    "nn.SpatialConvolutionMap",
    "torch/nn: SpatialFullConvolutionMap.lua",
    true_gradient=True,
    notes="",
)
row(
    "nn.SpatialSubSampling",
    "torch/nn: SpatialSubSampling.lua",
    parameters="weight bias",
    constants={**_WINDOW, "nInputPlane": REQUIRED},
    buffers="gradWeight gradBias",
)
