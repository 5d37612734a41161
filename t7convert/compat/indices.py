"""Fields that ``torch.legacy.nn`` counted from 0 or named otherwise than Lua."""

from __future__ import annotations

from typing import Any

import torch

#: Class → fields from which ``load_lua`` took one.
SHIFTED: dict[str, tuple[str, ...]] = {
    "Index": ("dimension",),
    "SelectTable": ("index",),
    "SplitTable": ("dimension",),
    "Parallel": ("inputDimension", "outputDimension"),
    "Concat": ("dimension",),
    "DepthConcat": ("dimension",),
    "Squeeze": ("dim",),
    "Unsqueeze": ("pos",),
    "Replicate": ("dim",),
    "MixtureTable": ("dim",),
    "Narrow": ("dimension", "index"),
    "NarrowTable": ("offset",),
    "LookupTable": ("paddingValue",),
    "SpatialConvolutionMap": ("connTable",),
    "SpatialFullConvolutionMap": ("connTable",),
    "Select": ("dimension", "index"),
    "Padding": ("dim", "index"),
    "PartialLinear": ("partition",),
    "Sum": ("dimension",),
    "Max": ("dimension",),
    "Min": ("dimension",),
    "Mean": ("dimension",),
    "Transpose": ("permutations",),
}
_POSITIVE = frozenset({"Sum", "Max", "Min", "Mean"})
#: Class → Lua's name of a field → the name in ``torch.legacy.nn``.
RENAMED: dict[str, dict[str, str]] = {
    "ReLU": {"val": "value"},
    "Threshold": {"val": "value"},
    "Unsqueeze": {"pos": "dim"},
    "HardShrink": {"lambda": "lambd"},
    "SoftShrink": {"lambda": "lambd"},
    "GradientReversal": {"lambda": "lambd"},
    "SpatialAdaptiveMaxPooling": {"H": "h", "W": "w"},
}


def python_name(kind: str, field: str) -> str:
    """Return the name of a Lua field in Python."""
    return RENAMED.get(kind, {}).get(field, field)


def lua_name(kind: str, name: str) -> str:
    """Return Lua's name of a field."""
    return next((lua for lua, own in RENAMED.get(kind, {}).items() if own == name), name)


def is_shifted(kind: str, field: str) -> bool:
    """Tell whether ``load_lua`` counted the Lua field of this class from 0."""
    return field in SHIFTED.get(kind, ())


def shifted(kind: str, value: Any, by: int) -> Any:
    """Return a position, or a list or tensor of positions, moved by -1 or 1.

    The classes of ``_POSITIVE`` count negative positions from the end, and these stay.
    """
    if isinstance(value, list):
        return [shifted(kind, item, by) for item in value]
    if isinstance(value, bool) or not isinstance(value, (int, float, torch.Tensor)):
        return value
    if kind in _POSITIVE and (value <= 0 if by < 0 else value < 0):
        return value
    return value + by
