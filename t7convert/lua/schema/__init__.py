"""The schema: per Lua class, what its fields mean. One module per family of classes."""

from t7convert.lua.schema import (
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
from t7convert.lua.schema.spec import (
    REQUIRED,
    ClassSpec,
    RawFields,
    alias,
    by_name,
    find,
    is_known,
    restored,
    row,
    rows,
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
    "REQUIRED",
    "ClassSpec",
    "RawFields",
    "alias",
    "by_name",
    "find",
    "is_known",
    "restored",
    "row",
    "rows",
]
