"""Rows of the paddings of images and volumes."""

from __future__ import annotations

from t7convert.lua.schema.spec import REQUIRED, row

for _name in ("SpatialZeroPadding", "SpatialReflectionPadding", "SpatialReplicationPadding"):
    row(
        f"nn.{_name}",
        f"torch/nn: {_name}.lua",
        constants={"pad_l": REQUIRED, "pad_r": REQUIRED, "pad_t": REQUIRED, "pad_b": REQUIRED},
        notes="negative padding crops",
    )
row(
    "nn.VolumetricReplicationPadding",
    "torch/nn: VolumetricReplicationPadding.lua",
    constants={
        "pleft": REQUIRED,
        "pright": REQUIRED,
        "ptop": REQUIRED,
        "pbottom": REQUIRED,
        "pfront": REQUIRED,
        "pback": REQUIRED,
    },
    notes="negative padding crops",
)
