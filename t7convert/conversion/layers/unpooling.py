"""Converters of the unpoolings."""

from __future__ import annotations

from t7convert.conversion.layer import Layer
from t7convert.conversion.registry import converts
from t7convert.nn.pooling import MaxPool
from t7convert.nn.unpooling import MaxUnpool


@converts("nn.SpatialMaxUnpooling", "nn.VolumetricMaxUnpooling")
def max_unpooling(m: Layer) -> MaxUnpool:
    pooling = m.child("pooling")
    if not isinstance(pooling, MaxPool):
        raise m.error(f"its pooling is a {m.module_at('pooling').typename}")
    return MaxUnpool(pooling)
