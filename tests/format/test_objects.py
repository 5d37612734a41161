"""The objects as a user handles them."""

from __future__ import annotations

import numpy as np
import pytest

from t7convert.format import LuaFunction, LuaObject, LuaStorage, LuaTable, LuaTensor
from t7convert.format.objects import ArrayPayload, dtype_of, is_storage_type, is_tensor_type


def test_a_table_is_a_mapping() -> None:
    table = LuaTable({1: "one"})
    table[True], table["k"], table[False] = "true", 2, "false"
    assert len(table) == 4
    assert table[1] == "one"
    assert table[True] == "true"
    assert list(table) == [1, True, "k", False]
    assert table.get("missing") is None
    assert False in table
    assert 0 not in table
    del table[True]
    assert True not in table
    assert 1 in table
    with pytest.raises(KeyError):
        table[True]


def test_tables_compare_by_identity() -> None:
    one, two = LuaTable({1: 1}), LuaTable({1: 1})
    assert one != two
    assert one == one  # noqa: PLR0124 -- that is the question
    assert len({one: 1, two: 2}) == 2


def test_lists() -> None:
    assert LuaTable({1: "a", 2: "b"}).list() == ["a", "b"]
    assert LuaTable({2: "b", 1: "a"}).list() == ["a", "b"]
    assert LuaTable().list() == []
    for entries in ({2: "b"}, {1: "a", "k": 1}, {1: "a", 3: "c"}, {True: 0}):
        assert not LuaTable(entries).is_list()
        with pytest.raises(ValueError, match="not a list"):
            LuaTable(entries).list()


def test_objects_give_their_fields() -> None:
    value = LuaObject("nn.A", LuaTable({"a": 1}))
    assert value["a"] == 1
    assert value.get("b", 7) == 7
    with pytest.raises(KeyError):
        value["b"]
    with pytest.raises(TypeError, match=r"nn\.A holds no table"):
        LuaObject("nn.A", 5).fields  # noqa: B018 -- raises


def test_how_they_print() -> None:
    storage = LuaStorage("torch.FloatStorage", 6, ArrayPayload(np.zeros(6, np.float32)))
    assert repr(storage) == "<torch.FloatStorage of 6>"
    assert repr(LuaTensor("torch.FloatTensor", (2, 3), (3, 1), 0, storage)) == (
        "<torch.FloatTensor 2x3>"
    )
    assert repr(LuaTensor("torch.FloatTensor", (), (), 0, None)) == "<torch.FloatTensor empty>"
    assert repr(LuaTable({1: 1})) == "<LuaTable of 1>"
    assert repr(LuaObject("nn.A")) == "<nn.A>"
    assert repr(LuaFunction(b"abc")) == "<Lua function, 3 bytes>"


def test_types() -> None:
    assert dtype_of("torch.CudaTensor") == np.float32
    assert dtype_of("torch.CudaHalfStorage") == np.float16
    assert is_tensor_type("torch.ClTensor")
    assert not is_tensor_type("torch.FloatStorage")
    assert is_storage_type("torch.CudaLongStorage")
    assert not is_storage_type("nn.Storage")
    with pytest.raises(KeyError):
        dtype_of("nn.Linear")


def test_views_and_copies() -> None:
    flat = np.arange(24, dtype=np.float64)
    storage = LuaStorage("torch.DoubleStorage", 24, ArrayPayload(flat))
    tensor = LuaTensor("torch.DoubleTensor", (3, 2), (1, 6), 2, storage)
    expected = flat.reshape(4, 6)[:2, 2:5].T
    assert np.array_equal(tensor.numpy(), expected)
    assert np.array_equal(tensor.copy(), expected)
    assert not tensor.is_contiguous()
    assert tensor.copy().flags.c_contiguous
    assert tensor.numel() == 6
    assert tensor.extent() == 9
    assert np.shares_memory(tensor.numpy(), flat)
    assert not np.shares_memory(tensor.copy(), flat)
    with pytest.raises(ValueError, match="read-only"):
        tensor.numpy()[0, 0] = 1
    assert storage.copy(2, 4).tolist() == [2, 3]
    assert storage.span is None
    for start, stop in ((-1, 2), (0, 25), (3, 2)):
        with pytest.raises(IndexError, match=r"of <torch\.DoubleStorage of 24>"):
            storage.read(start, stop)
        with pytest.raises(IndexError, match=r"of <torch\.DoubleStorage of 24>"):
            storage.copy(start, stop)
    assert flat.flags.writeable
