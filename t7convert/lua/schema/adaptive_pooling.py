"""Rows of the poolings to a given size, and of those with random windows."""

from __future__ import annotations

from t7convert.lua.schema.spec import REQUIRED, row

row(
    "nn.SpatialAdaptiveMaxPooling",
    "torch/nn: SpatialAdaptiveMaxPooling.lua",
    constants={"W": REQUIRED, "H": REQUIRED},
    buffers="indices",
    notes="windows are computed in single precision, as in C; for some sizes not PyTorch's",
)
row(
    "nn.SpatialAdaptiveAveragePooling",
    "torch/nn: SpatialAdaptiveAveragePooling.lua",
    constants={"W": REQUIRED, "H": REQUIRED},
)
row(
    "nn.SpatialFractionalMaxPooling",
    "torch/nn: SpatialFractionalMaxPooling.lua",
    constants={
        "poolSizeW": REQUIRED,
        "poolSizeH": REQUIRED,
        "outW": None,
        "outH": None,
        "ratioW": None,
        "ratioH": None,
        "newRandomPool": False,
        "randomSamples": None,
    },
    buffers="indices",
    random=True,
    notes="random in evaluation too, unless fixPoolingRegions kept the samples in the file",
)
row(
    "nn.VolumetricFractionalMaxPooling",
    "torch/nn: VolumetricFractionalMaxPooling.lua",
    constants={
        "poolSizeT": REQUIRED,
        "poolSizeW": REQUIRED,
        "poolSizeH": REQUIRED,
        "outT": None,
        "outW": None,
        "outH": None,
        "ratioT": None,
        "ratioW": None,
        "ratioH": None,
        "newRandomPool": False,
        "randomSamples": None,
    },
    buffers="indices",
    random=True,
    notes="volumes are height, width, time; random in evaluation too, unless the samples are kept",
)
