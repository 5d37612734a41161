"""Converters of the modules that choose, cut and join the entries of tables."""

from __future__ import annotations

from t7convert.conversion.layer import Layer
from t7convert.conversion.registry import converts
from t7convert.nn import select


def position(m: Layer, name: str, *, backwards: bool = True) -> int:
    """Return a dimension or index (from 1, ``backwards`` negative from the end) as Python counts.

    Raises:
        ConversionError: if Lua refuses every input for this number.
    """
    number = m.integer(name)
    if number == 0 or (number < 0 and not backwards):
        raise m.error(f"{name} is {number}, which Lua refuses at every call")
    return number - 1 if number > 0 else number


def optional(m: Layer, name: str) -> int | None:
    """Return a whole number that the file may lack."""
    return None if m.get(name) is None else m.integer(name)


@converts("nn.JoinTable")
def join_table(m: Layer) -> select.JoinTable:
    return select.JoinTable(position(m, "dimension"), optional(m, "nInputDims"))


@converts("nn.SplitTable")
def split_table(m: Layer) -> select.SplitTable:
    return select.SplitTable(position(m, "dimension"), optional(m, "nInputDims"))


@converts("nn.SelectTable")
def select_table(m: Layer) -> select.SelectTable:
    index = m.require("index")
    return select.SelectTable(index if isinstance(index, str) else position(m, "index"))


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
