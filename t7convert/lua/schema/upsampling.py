"""Rows of the enlargements."""

from __future__ import annotations

from t7convert.lua.schema.spec import REQUIRED, row

row(
    "nn.SpatialUpSamplingNearest",
    "torch/nn: SpatialUpSamplingNearest.lua",
    constants={"scale_factor": REQUIRED},
    buffers="inputSize outputSize",
)
row(
    "nn.SpatialUpSamplingBilinear",
    "torch/nn: SpatialUpSamplingBilinear.lua",
    constants={"scale_factor": None, "owidth": None, "oheight": None},
    buffers="inputSize outputSize _input _gradOutput",
    notes="coordinates are computed in single precision, as in C",
)
row(
    "nn.UpSampling",
    "torch/nn: UpSampling.lua",
    constants={
        "mode": "nearest",
        "scale_factor": None,
        "odepth": None,
        "owidth": None,
        "oheight": None,
    },
    buffers="inputSize outputSize",
    notes="coordinates are computed in single precision, as in C",
)
row(
    "nn.PixelShuffle",
    "torch/nn: PixelShuffle.lua",
    constants={"upscaleFactor": REQUIRED},
    buffers="upscaleFactorSquared _intermediateShape _outShape _shuffleIn _shuffleOut",
)
