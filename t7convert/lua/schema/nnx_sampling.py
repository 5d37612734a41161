"""Rows of nnx's padding and resampling of images."""

from __future__ import annotations

from t7convert.lua.schema.spec import REQUIRED, RawFields, row


def _left_for_all(fields: RawFields, version: float | None) -> None:
    """The constructor lets the left padding stand for those that it wasn't given."""
    for name in ("pad_r", "pad_t", "pad_b"):
        fields.setdefault(name, fields.get("pad_l"))


row(
    "nn.SpatialPadding",
    "nnx: SpatialPadding.lua",
    constants={
        "pad_l": REQUIRED,
        "pad_r": REQUIRED,
        "pad_t": REQUIRED,
        "pad_b": REQUIRED,
        "y_dim": 2,
        "x_dim": 3,
        "val": 0,
    },
    upgrade=_left_for_all,
    notes="negative paddings crop",
)
row(
    "nn.SpatialUpSampling",
    "nnx: SpatialUpSampling.lua",
    constants={"dW": REQUIRED, "dH": REQUIRED, "yDim": 2, "xDim": 3},
    buffers="inputSize outputSize usage",
)
row(
    "nn.SpatialDownSampling",
    "nnx: SpatialDownSampling.lua",
    constants={"rW": REQUIRED, "rH": REQUIRED},
    buffers="usage",
    notes="three dimensions only; the mean's divisor is a C float",
)
row(
    "nn.SpatialReSampling",
    "nnx: SpatialReSampling.lua",
    constants={"rwidth": None, "rheight": None, "owidth": None, "oheight": None},
    buffers="usage",
    notes="made with ratios, it keeps the size of its first output, as Lua's does",
)
row(
    "nn.SpatialReSamplingEx",
    "nnx: SpatialReSamplingEx.lua",
    constants={
        "rwidth": None,
        "rheight": None,
        "owidth": None,
        "oheight": None,
        "mode": "simple",
        "yDim": 2,
        "xDim": 3,
    },
    buffers="mode_c inputSize outputSize iheight iwidth oheightCurrent owidthCurrent usage",
    true_gradient=False,
    notes="the mean's divisor is a C float in the output, but not in the gradient",
)
row(
    "nn.SpatialMaxSampling",
    "nnx: SpatialMaxSampling.lua",
    constants={"owidth": REQUIRED, "oheight": REQUIRED},
    buffers="indices usage",
    notes="three dimensions only; windows computed in C float",
)
row(
    "nn.PixelSort",
    "nnx: PixelSort.lua",
    constants={"downscaleFactor": REQUIRED},
    buffers="""downscaleFactorSquared outShape _intermediateShape _outShape _shuffleIn
    _shuffleOut""",
)
