"""Converters of the arithmetic over the tensors of a table."""

from __future__ import annotations

from t7convert.conversion.layer import Layer
from t7convert.conversion.registry import converts
from t7convert.nn import tables


@converts("nn.CAddTable")
def c_add_table(m: Layer) -> tables.CAddTable:
    return tables.CAddTable()


@converts("nn.CSubTable")
def c_sub_table(m: Layer) -> tables.CSubTable:
    return tables.CSubTable()


@converts("nn.CMulTable")
def c_mul_table(m: Layer) -> tables.CMulTable:
    return tables.CMulTable()


@converts("nn.CDivTable")
def c_div_table(m: Layer) -> tables.CDivTable:
    return tables.CDivTable()


@converts("nn.CMaxTable")
def c_max_table(m: Layer) -> tables.CMaxTable:
    return tables.CMaxTable()


@converts("nn.CMinTable")
def c_min_table(m: Layer) -> tables.CMinTable:
    return tables.CMinTable()


@converts("nn.CAddTensorTable")
def c_add_tensor_table(m: Layer) -> tables.CAddTensorTable:
    return tables.CAddTensorTable()
