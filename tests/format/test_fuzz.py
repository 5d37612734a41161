"""Mutated and generated files."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from t7convert.errors import T7FormatError
from t7convert.format import (
    LuaFunction,
    LuaObject,
    LuaStorage,
    LuaTable,
    LuaTensor,
    load,
    load_all,
    open_file,
    save,
    save_all,
)
from t7convert.format.objects import DTYPES, ArrayPayload
from tests.format import fuzz
from tests.format.comparing import difference


@pytest.mark.parametrize("seed", [11, 12])
def test_mutants(seed: int) -> None:
    outcomes, _, _ = fuzz.run(1500, seed)
    assert outcomes["refused"] > 500
    assert outcomes["read"] > 50


@given(st.binary(max_size=200))
@settings(max_examples=300, deadline=None)
def test_any_bytes(data: bytes) -> None:
    try:
        opened = open_file(data)
    except T7FormatError:
        return
    target = io.BytesIO()
    encoding = opened.encoding
    if len(data) < 12 or encoding.ascii:
        return
    save_all(
        opened.objects,
        target,
        byteorder="big" if encoding.byteorder == "big" else "little",
        long_size=8 if encoding.long_size == 8 else 4,
    )
    assert target.getvalue() == data


def as_read(number: float) -> int | float:
    """Return a number as it comes back: whole ones that a double keeps are ``int``."""
    whole = number.is_integer() and abs(number) <= 2**53 and str(number) != "-0.0"
    return int(number) if whole else number


NUMBERS = st.one_of(
    st.floats(allow_nan=True, allow_infinity=True).map(as_read),
    st.integers(-(2**53), 2**53),
    st.just(-0.0),
)
STRINGS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=10),
    st.binary(max_size=10).map(lambda raw: raw.decode("utf-8", "surrogateescape")),
)
KEYS = st.one_of(STRINGS, st.integers(-5, 5), st.booleans(), st.floats(0.1, 0.9))


@st.composite
def graphs(draw: st.DrawFn) -> Any:
    """Draw a graph with shared objects, shared storages, views and cycles."""
    pool: list[Any] = [LuaTable()]
    storages = []
    for _ in range(draw(st.integers(0, 3))):
        family = draw(st.sampled_from(sorted(DTYPES)))
        raw = draw(st.lists(st.integers(0, 100), max_size=8))
        array = np.array(raw, DTYPES[family])
        storages.append(LuaStorage(f"torch.{family}Storage", len(raw), ArrayPayload(array)))
    for storage in storages:
        pool.append(storage)
        typename = storage.typename.replace("Storage", "Tensor")
        for _ in range(draw(st.integers(0, 2)) if storage.size else 0):
            size = draw(st.integers(1, storage.size))
            offset = draw(st.integers(0, storage.size - size))
            rows = draw(st.integers(1, 3))
            view = LuaTensor(typename, (rows, size), (0, 1), offset, storage)
            pool.append(draw(st.sampled_from([view, LuaTensor(typename, (), (), 0, None)])))
    for _ in range(draw(st.integers(0, 6))):
        kind = draw(st.sampled_from(["table", "object", "function"]))
        if kind == "table":
            table = LuaTable()
            for key in draw(st.lists(KEYS, max_size=4)):
                table[key] = draw(st.one_of(st.sampled_from(pool), NUMBERS, STRINGS, st.none()))
            table[draw(st.sampled_from(pool))] = draw(st.booleans())
            pool[0][len(pool)] = table
            pool.append(table)
        elif kind == "object":
            version = draw(st.sampled_from([1, 2, None, 1.5]))
            pool.append(LuaObject("my.Class", draw(st.sampled_from(pool)), version=version))
        else:
            tag = draw(st.sampled_from([7, 8]))
            pool.append(LuaFunction(b"\x1bLJ\0\n", draw(st.sampled_from(pool)), tag=tag))
    pool[0]["all"] = LuaTable(dict(enumerate(pool, 1)))
    return pool[0]


@given(
    graphs(),
    st.booleans(),
    st.sampled_from([4, 8]),
    st.sampled_from(["little", "big"]),
)
@settings(max_examples=300, deadline=None)
def test_generated_graphs(graph: Any, ascii: bool, long_size: Any, byteorder: Any) -> None:
    target = io.BytesIO()
    save(graph, target, ascii=ascii, long_size=long_size, byteorder=byteorder)
    data = target.getvalue()
    again = load(data, ascii=ascii, long_size=long_size, byteorder=byteorder)
    # text keeps no bits of a nan but its sign
    assert difference(graph, again) is None or (ascii and "nan" in str(difference(graph, again)))
    second = io.BytesIO()
    save(again, second, ascii=ascii, long_size=long_size, byteorder=byteorder)
    assert second.getvalue() == data
    assert len(load_all(data)) == 1
