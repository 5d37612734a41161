"""Converters of the spatial poolings."""

from __future__ import annotations

from torch import nn

from t7convert.conversion.layer import Layer
from t7convert.conversion.registry import converts


@converts("nn.SpatialMaxPooling")
def spatial_max_pooling(m: Layer) -> nn.MaxPool2d:
    return nn.MaxPool2d(
        m.hw("k"), stride=m.hw("d"), padding=m.hw("pad"), ceil_mode=m.flag("ceil_mode")
    )


@converts("nn.SpatialAveragePooling", "cudnn.SpatialAveragePooling")
def spatial_average_pooling(m: Layer) -> nn.AvgPool2d:
    return nn.AvgPool2d(
        m.hw("k"),
        stride=m.hw("d"),
        padding=m.hw("pad"),
        ceil_mode=m.flag("ceil_mode"),
        count_include_pad=m.flag("count_include_pad"),
        divisor_override=None if m.flag("divide") else 1,
    )
