"""Converters of the containers and of the modules that work on tables."""

from __future__ import annotations

from torch import nn

from t7convert.conversion.layer import Layer
from t7convert.conversion.registry import converts
from t7convert.nn.containers import CAddTable, ConcatTable


@converts("nn.Sequential")
def sequential(m: Layer) -> nn.Sequential:
    return nn.Sequential(*m.children())


@converts("nn.ConcatTable")
def concat_table(m: Layer) -> ConcatTable:
    return ConcatTable(*m.children())


@converts("nn.CAddTable")
def c_add_table(m: Layer) -> CAddTable:
    return CAddTable(inplace=m.inplace)
