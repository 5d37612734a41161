"""Converters of Lp pooling."""

from __future__ import annotations

from torch import nn

from t7convert.conversion.layer import Layer
from t7convert.conversion.registry import converts
from t7convert.nn.lp_pooling import FeatureLPPool


@converts("nn.SpatialLPPooling")
def spatial_lp_pooling(m: Layer) -> nn.Sequential:
    return nn.Sequential(*m.children())


@converts("nn.FeatureLPPooling")
def feature_lp_pooling(m: Layer) -> FeatureLPPool:
    return FeatureLPPool(
        m.integer("width"), m.integer("stride"), m.number("power"), batched=m.flag("batch_mode")
    )
