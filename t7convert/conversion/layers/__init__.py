"""Converters, one module per family of classes."""

from t7convert.families import import_families

FAMILIES = import_families(__name__, __path__)

__all__ = [
    "FAMILIES",
]
