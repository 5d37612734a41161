"""The schema: per Lua class, what its fields mean. One module per family of classes."""

from t7convert.lua.schema import (
    containers,
    convolution,
    elementwise,
    graph,
    linear,
    normalization,
    pooling,
    shape,
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
    elementwise,
    graph,
    linear,
    normalization,
    pooling,
    shape,
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
