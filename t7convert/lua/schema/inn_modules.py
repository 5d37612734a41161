"""Rows of imagine-nn (inn)."""

from __future__ import annotations

from t7convert.lua.schema import lrn, pooling
from t7convert.lua.schema.spec import REQUIRED, RawFields, alias, row

__all__ = ["lrn", "pooling"]  # their rows come first: these classes inherit from them


def _always_ceil(fields: RawFields, version: float | None) -> None:
    """Every updateOutput sets ceil_mode, whatever the file says; the parent's then runs."""
    pooling.noted_by_unpooling(fields, version)
    fields["ceil_mode"] = True


row(
    "inn.ConstAffine",
    "imagine-nn: ConstAffine.lua",
    statistics="a b",
    constants={"inplace": False},
    notes="of (N, C) or (N, C, H, W); a and b are no parameters, nobody trains them",
)
row(
    "inn.MeanSubtraction",
    "imagine-nn: MeanSubtraction.lua",
    statistics="mean",
    notes="a mean with a batch dimension, as a used module has it, stands for its first sample",
)
row(
    "inn.SpatialSameResponseNormalization",
    "imagine-nn: SpatialSameResponseNormalization.lua",
    children="modules",
    buffers="size alpha beta",
)
alias(
    "inn.SpatialCrossResponseNormalization",
    "nn.SpatialCrossMapLRN",
    "imagine-nn: SpatialCrossResponseNormalization.lua",
)
row(
    "inn.SpatialPyramidPooling",
    "imagine-nn: SpatialPyramidPooling.lua",
    children="modules",
    constants={"pyr": REQUIRED},
    buffers="dimension outputSize size",
)
alias(
    "inn.SpatialMaxPooling",
    "nn.SpatialMaxPooling",
    "imagine-nn: SpatialMaxPooling.lua",
    upgrade=_always_ceil,
    notes="always rounds sizes up, also where the file lacks ceil_mode",
)
alias(
    "inn.SpatialAveragePooling",
    "nn.SpatialAveragePooling",
    "imagine-nn: SpatialAveragePooling.lua",
    upgrade=_always_ceil,
    notes="always rounds sizes up, also where the file lacks ceil_mode; without divide it sums",
)
