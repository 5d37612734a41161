"""Converters of local response normalisation across feature maps."""

from __future__ import annotations

from t7convert.conversion.layer import Layer
from t7convert.conversion.registry import converts
from t7convert.nn.lrn import CrossMapLRN


@converts("nn.SpatialCrossMapLRN", "cudnn.SpatialCrossMapLRN")
def spatial_cross_map_lrn(m: Layer) -> CrossMapLRN:
    return CrossMapLRN(m.integer("size"), m.number("alpha"), m.number("beta"), m.number("k"))
