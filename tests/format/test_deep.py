"""Depth and number: nothing recurses, and small objects are cheap."""

from __future__ import annotations

import gc
import io
from typing import Any

import pytest

from t7convert.errors import T7FormatError
from t7convert.format import LuaFunction, LuaObject, LuaTable, load, open_file, save

DEPTH = 100_000


def nested(kind: str) -> Any:
    """Return a chain of DEPTH links."""
    value: Any = LuaTable()
    for _ in range(DEPTH):
        if kind == "tables":
            value = LuaTable({"next": value})
        elif kind == "keys":
            value = LuaTable({value: True})
        elif kind == "objects":
            value = LuaObject("nn.A", LuaTable({"next": value}))
        elif kind == "functions":
            value = LuaFunction(b"\x1bLJ", value)
        elif kind == "hashes":
            value = LuaObject("tds.Hash", LuaTable({"next": value}))
        else:
            value = [value]
    return value


@pytest.mark.parametrize(
    ("kind", "ascii"),
    [
        ("tables", False),
        ("tables", True),
        ("keys", False),
        ("objects", False),
        ("functions", True),
        ("hashes", False),
        ("lists", False),
    ],
)
def test_depth(kind: str, ascii: bool) -> None:
    value = nested(kind)
    target = io.BytesIO()
    save(value, target, ascii=ascii)
    data = target.getvalue()
    again = load(data)
    second = io.BytesIO()
    save(again, second, ascii=ascii)
    assert second.getvalue() == data
    assert again != value
    del again, value
    gc.collect()
    with pytest.raises(T7FormatError) as caught:
        load(data[:-20])
    assert len(str(caught.value)) < 5000


def test_a_million_small_objects() -> None:
    target = io.BytesIO()
    save([{"a": number, "b": str(number)} for number in range(250_000)], target)
    opened = open_file(target.getvalue())
    assert opened.count == 250_001
    assert opened.object()[250_000]["b"] == "249999"
