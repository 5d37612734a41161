"""Rows of the spatial convolutions."""

from __future__ import annotations

from t7convert.lua.schema.spec import REQUIRED, RawFields, alias, row


def square_padding(fields: RawFields, version: int | None) -> None:
    """Before padW and padH there was ``padding`` for both (2013 to 2014)."""
    padding = fields.get("padding")
    if padding is not None:
        fields.setdefault("padW", padding)
        fields.setdefault("padH", padding)


row(
    "nn.SpatialConvolution",
    "torch/nn: SpatialConvolution.lua",
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
    },
    buffers="gradWeight gradBias finput fgradInput _input _gradOutput padding",
    upgrade=square_padding,
)
alias("nn.SpatialConvolutionMM", "nn.SpatialConvolution", "torch/nn: SpatialConvolutionMM.lua")
alias(
    "cudnn.SpatialConvolution",
    "nn.SpatialConvolution",
    "cudnn.torch: SpatialConvolution.lua",
    constants={"groups": 1},
    buffers="iSize fmode bdmode bwmode benchmarked input_offset output_offset weight_offset",
)
