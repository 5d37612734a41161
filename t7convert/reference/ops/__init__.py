"""Reference implementations, one module per family of classes."""

from t7convert.reference.ops import (
    arithmetic,
    containers,
    convolution,
    convolution_full,
    criterion_classes,
    criterion_containers,
    criterion_elementwise,
    criterion_pairs,
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
    arithmetic,
    containers,
    convolution,
    convolution_full,
    criterion_classes,
    criterion_containers,
    criterion_elementwise,
    criterion_pairs,
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
