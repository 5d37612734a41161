"""Converters, one module per family of classes."""

from t7convert.conversion.layers import (
    containers,
    convolution,
    elementwise,
    graph,
    linear,
    normalization,
    pooling,
    shape,
)

FAMILIES = (
    containers,
    convolution,
    elementwise,
    graph,
    linear,
    normalization,
    pooling,
    shape,
)

__all__ = [
    "FAMILIES",
]
