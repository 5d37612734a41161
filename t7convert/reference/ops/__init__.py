"""Reference implementations, one module per family of classes."""

from t7convert.reference.ops import (
    containers,
    elementwise,
    linear,
)

FAMILIES = (
    containers,
    elementwise,
    linear,
)

__all__ = [
    "FAMILIES",
]
