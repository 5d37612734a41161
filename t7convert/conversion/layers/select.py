"""Converters of the modules that choose, cut and join the entries of tables."""

from __future__ import annotations

from t7convert.conversion.layer import Layer
from t7convert.conversion.registry import converts
from t7convert.nn import select


def from_one(number: int) -> int:
    """Return a Lua dimension or index (from 1, negative from the end) as Python's."""
    return number - 1 if number > 0 else number


def optional(m: Layer, name: str) -> int | None:
    """Return a whole number that the file may lack."""
    return None if m.get(name) is None else m.integer(name)


@converts("nn.JoinTable")
def join_table(m: Layer) -> select.JoinTable:
    return select.JoinTable(from_one(m.integer("dimension")), optional(m, "nInputDims"))


@converts("nn.SplitTable")
def split_table(m: Layer) -> select.SplitTable:
    return select.SplitTable(from_one(m.integer("dimension")), optional(m, "nInputDims"))


@converts("nn.SelectTable")
def select_table(m: Layer) -> select.SelectTable:
    index = m.require("index")
    return select.SelectTable(index if isinstance(index, str) else from_one(m.integer("index")))


@converts("nn.NarrowTable")
def narrow_table(m: Layer) -> select.NarrowTable:
    return select.NarrowTable(m.integer("offset") - 1, m.integer("length"))


@converts("nn.FlattenTable")
def flatten_table(m: Layer) -> select.FlattenTable:
    return select.FlattenTable()


@converts("nn.ZipTable")
def zip_table(m: Layer) -> select.ZipTable:
    return select.ZipTable()


@converts("nn.ZipTableOneToMany")
def zip_table_one_to_many(m: Layer) -> select.ZipTableOneToMany:
    return select.ZipTableOneToMany()
