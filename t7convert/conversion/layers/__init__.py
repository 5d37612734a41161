"""Converters, one module per family of classes."""

from t7convert.conversion.layers import (
    containers,
    convolution,
    convolution_full,
    criterion_classes,
    criterion_containers,
    criterion_elementwise,
    distance,
    dropout,
    elementwise,
    graph,
    linear,
    lp_pooling,
    lrn,
    normalization,
    pooling,
    select,
    shape,
    softmax,
    tables,
)

FAMILIES = (
    containers,
    convolution,
    convolution_full,
    criterion_classes,
    criterion_containers,
    criterion_elementwise,
    distance,
    dropout,
    elementwise,
    graph,
    linear,
    lp_pooling,
    lrn,
    normalization,
    pooling,
    select,
    shape,
    softmax,
    tables,
)

__all__ = [
    "FAMILIES",
]
