"""The schema: per Lua class, what its fields mean. One module per family of classes."""

from t7convert.families import import_families
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

FAMILIES = import_families(__name__, __path__)

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
