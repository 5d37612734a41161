"""Rows of Lp pooling."""

from __future__ import annotations

from t7convert.lua.schema.spec import REQUIRED, row

row(
    "nn.SpatialLPPooling",
    "torch/nn: SpatialLPPooling.lua",
    children="modules",
    buffers="kW kH dW dH",
    notes="a Sequential of a power, an average pooling, a factor and a root",
)
row(
    "nn.FeatureLPPooling",
    "torch/nn: FeatureLPPooling.lua",
    constants={"width": REQUIRED, "stride": REQUIRED, "power": REQUIRED, "batch_mode": False},
)
