"""Converters of the reductions over one dimension."""

from __future__ import annotations

from t7convert.conversion.layer import Layer
from t7convert.conversion.layers.select import from_one, optional
from t7convert.conversion.registry import converts
from t7convert.nn import reduction


@converts("nn.Max")
def maximum(m: Layer) -> reduction.Max:
    return reduction.Max(from_one(m.integer("dimension")), optional(m, "nInputDims"))


@converts("nn.Min")
def minimum(m: Layer) -> reduction.Min:
    return reduction.Min(from_one(m.integer("dimension")), optional(m, "nInputDims"))


@converts("nn.Sum", "nn.Mean")
def total(m: Layer) -> reduction.Sum:
    return reduction.Sum(
        from_one(m.integer("dimension")),
        optional(m, "nInputDims"),
        average=m.flag("sizeAverage"),
        squeeze=m.flag("squeeze"),
    )
