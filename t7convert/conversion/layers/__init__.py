"""Converters, one module per family of classes."""

from t7convert.conversion.layers import (
    containers,
    convolution,
    convolution_full,
    elementwise,
    graph,
    linear,
    lp_pooling,
    lrn,
    normalization,
    pooling,
    select,
    shape,
    tables,
)

FAMILIES = (
    containers,
    convolution,
    convolution_full,
    elementwise,
    graph,
    linear,
    lp_pooling,
    lrn,
    normalization,
    pooling,
    select,
    shape,
    tables,
)

__all__ = [
    "FAMILIES",
]
