"""Converters of the reductions over one dimension."""

from __future__ import annotations

from t7convert.conversion.layer import Layer
from t7convert.conversion.layers.select import optional, position
from t7convert.conversion.registry import converts
from t7convert.nn import reduction


@converts("nn.Max")
def maximum(m: Layer) -> reduction.Max:
    return reduction.Max(position(m, "dimension"), optional(m, "nInputDims"))


@converts("nn.Min")
def minimum(m: Layer) -> reduction.Min:
    return reduction.Min(position(m, "dimension"), optional(m, "nInputDims"))


@converts("nn.Sum", "nn.Mean")
def total(m: Layer) -> reduction.Sum:
    return reduction.Sum(
        position(m, "dimension"),
        optional(m, "nInputDims"),
        average=m.flag("sizeAverage"),
        squeeze=m.flag("squeeze"),
    )
