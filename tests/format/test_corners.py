"""The corner files that a real Torch7 wrote, compared with what the Lua script put into them."""

from __future__ import annotations

import math

import numpy as np
import pytest

from t7convert.format import Encoding, LuaFunction, LuaObject, LuaStorage, LuaTensor, open_file
from t7convert.format.objects import LuaTable
from tests.conftest import FIXTURES

FORMATS = FIXTURES / "formats"
EVERYTHING = {
    "binary": Encoding(),
    "ascii": Encoding(ascii=True),
    "long32": Encoding(long_size=4),
    "bigendian": Encoding(byteorder="big"),
    "bigendian_long32": Encoding(byteorder="big", long_size=4),
}
KINDS = ("Byte", "Char", "Short", "Int", "Long", "Float", "Double", "Half")


def read(name: str) -> object:
    return open_file(FORMATS / f"{name}.t7").object()


@pytest.mark.parametrize("name", EVERYTHING)
def test_every_encoding_is_detected(name: str) -> None:
    assert open_file(FORMATS / f"{name}.t7").encoding == EVERYTHING[name]


@pytest.mark.parametrize("name", EVERYTHING)
def test_plain_values(name: str) -> None:
    values = read(name)
    assert isinstance(values, LuaTable)
    assert values["number"] == 1.5
    assert [values[key] for key in ("int", "negative", "big")] == [42, -7, 2**53]
    assert all(type(values[key]) is int for key in ("int", "negative", "big"))
    assert values["huge"] == math.inf
    assert values["minus_huge"] == -math.inf
    assert math.isnan(values["nan"])
    assert values["yes"] is True
    assert values["no"] is False
    assert values["string"] == "plain"
    assert values["empty_string"] == ""
    assert values["nul_string"] == "a\0b"
    assert values["latin1"] == "caf\udce9"
    assert values["utf8"] == "café"
    assert values["newline"] == "two\nlines"
    assert values["list"].list() == [10, 20, 30]
    assert len(values["empty_table"]) == 0
    assert dict(values["sparse"]) == {1: "a", 3: "c"}
    assert dict(values["mixed"]) == {1: "x", "key": "y"}
    assert len(values) == 35


@pytest.mark.parametrize("name", EVERYTHING)
@pytest.mark.parametrize("kind", KINDS)
def test_tensors_of_every_type(name: str, kind: str) -> None:
    values = read(name)
    assert isinstance(values, LuaTable)
    tensor = values[f"tensor_{kind}"]
    assert tensor.typename == f"torch.{kind}Tensor"
    assert tensor.numpy().tolist() == [[1, 2, 3], [4, 5, 6]]
    assert tensor.copy().tolist() == [[1, 2, 3], [4, 5, 6]]
    assert tensor.numpy().dtype == tensor.dtype
    assert not tensor.numpy().flags.writeable
    assert tensor.copy().flags.writeable


@pytest.mark.parametrize("name", EVERYTHING)
def test_views(name: str) -> None:
    values = read(name)
    assert isinstance(values, LuaTable)
    base = np.arange(1, 25).reshape(4, 6)
    assert np.array_equal(values["base"].numpy(), base)
    assert np.array_equal(values["transposed"].numpy(), base.T)
    assert np.array_equal(values["transposed"].copy(), base.T)
    assert np.array_equal(values["narrowed"].numpy(), base[:, 2:4])
    assert values["expanded"].numpy().tolist() == [[1, 1, 1], [2, 2, 2]]
    assert values["same"] is values["base"]
    assert values["transposed"].storage is values["narrowed"].storage is values["base"].storage
    assert values["empty"].size == ()
    assert values["empty"].numpy().shape == (0,)
    assert values["scalarlike"].numpy().tolist() == [3.25]
    assert isinstance(values["storage"], LuaStorage)
    assert values["storage"].numpy().tolist() == [2, 3, 5]


def test_a_cycle() -> None:
    value = read("cyclic")
    assert isinstance(value, LuaTable)
    assert value["self"] is value
    assert value["child"]["parent"] is value


def test_odd_keys() -> None:
    value = read("odd_keys")
    assert isinstance(value, LuaTable)
    assert value[True] == "true key"
    assert value[False] == "false key"
    assert 1 not in value
    assert value[1.5] == "fraction"
    assert value[-1] == "negative"
    assert value[value["back"]] == "table key"


def test_functions() -> None:
    value = read("functions")
    assert isinstance(value, LuaTable)
    first = value["f1"]
    assert isinstance(first, LuaFunction)
    assert first is value["again"]
    assert first is not value["f2"]
    assert first.tag == 8
    assert first.bytecode.startswith(b"\x1bLJ")
    assert first.upvalues.list()[0]["name"] == "x"
    assert first.upvalues.list()[0]["value"] == 5


def test_nesting() -> None:
    value = read("nested50")
    for level in range(1, 51):
        assert isinstance(value, LuaTable)
        value = value["next"]
        assert isinstance(value, LuaTable)
        assert value["level"] == level


@pytest.mark.parametrize(
    ("name", "expected"),
    [("nil", None), ("number", 3.5), ("string", "hello"), ("true", True)],
)
def test_plain_roots(name: str, expected: object) -> None:
    assert read(f"root_{name}") is expected or read(f"root_{name}") == expected


def test_other_roots() -> None:
    tensor, storage, function = (read(f"root_{name}") for name in ("tensor", "storage", "function"))
    assert isinstance(tensor, LuaTensor)
    assert tensor.numpy().tolist() == [1, 2, 3, 4, 5]
    assert isinstance(storage, LuaStorage)
    assert storage.numpy().tolist() == [1, 2]
    assert isinstance(function, LuaFunction)


def test_a_small_view_reads_its_part_only() -> None:
    opened = open_file(FORMATS / "small_view.t7")
    tensor = opened.object()
    assert tensor.numpy().tolist() == [100, 101, 102]
    assert tensor.storage.size == 20000
    assert tensor.extent() == 3
    assert tensor.storage.span == (opened.size - 160000, 160000)


def test_two_objects() -> None:
    opened = open_file(FORMATS / "two_objects.t7")
    assert len(opened.objects) == 2
    assert opened.object(1).list() == [1, 2]
    assert opened.object(2) == "second"


def test_unreferenced() -> None:
    value = read("unreferenced")
    assert isinstance(value, LuaTable)
    assert value[2][2][1] == 3
    assert value[3].numpy().tolist() == [1, 2, 3, 4]


def test_a_class_of_the_users_own() -> None:
    value = read("user_class")
    assert isinstance(value, LuaTable)
    assert isinstance(value["foo"], LuaObject)
    assert value["foo"].typename == "my.Foo"
    assert value["foo"]["b"] == "user data"
    assert value["foo"]["a"].numpy().tolist() == [1, 2, 3]
