"""Writing: plain values, changed graphs, targets."""

from __future__ import annotations

import io
import os
import stat
from pathlib import Path

import numpy as np
import pytest

from t7convert.errors import OutputError, T7FormatError
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
from t7convert.format.objects import ArrayPayload
from tests.conftest import FIXTURES
from tests.format.building import integer, long, number, storage, string, table, tensor
from tests.format.comparing import difference

BINARY = FIXTURES / "formats" / "binary.t7"


def dumped(value: object, **how: object) -> bytes:
    target = io.BytesIO()
    save(value, target, **how)  # type: ignore[arg-type]
    return target.getvalue()


def test_plain_values_byte_by_byte() -> None:
    inner = ["x", None]
    value = {"a": 1, True: -0.5, 2: inner, "again": inner, b"raw\xff": False}
    expected = table(
        1,
        string(b"a"),
        number(1),
        integer(5, 1),
        number(-0.5),
        number(2),
        table(2, number(1), string(b"x"), number(2), integer(0)),
        string(b"again"),
        integer(3, 2),
        string(b"raw\xff"),
        integer(5, 0),
    )
    assert dumped(value) == expected


def test_true_and_1_are_two_keys() -> None:
    value = LuaTable()
    value[1], value[True] = "one", "true"
    again = load(dumped(value))
    assert list(again.items()) == [(1, "one"), (True, "true")]
    assert [type(key) for key in again] == [int, bool]


def test_arrays_byte_by_byte() -> None:
    expected = tensor(1, (2, 3), (3, 1), 1, storage(2, 0, 1, 2, 3, 4, 5))
    assert dumped(np.arange(6, dtype=np.float32).reshape(2, 3)) == expected


@pytest.mark.parametrize("dtype", ["u1", "i1", "i2", "i4", "i8", "f2", "f4", "f8", ">f4", "?"])
@pytest.mark.parametrize("how", [{}, {"ascii": True}, {"long_size": 4}, {"byteorder": "big"}])
def test_arrays_of_every_type(dtype: str, how: dict[str, object]) -> None:
    array = np.array([[0, 1, 2], [3, 4, 100]]).astype(dtype)
    value = load(dumped({"a": array, "t": array.T, "e": array[:0], "s": array[0, 0]}, **how))
    assert value["a"].numpy().tolist() == array.tolist()
    assert value["t"].numpy().tolist() == array.T.tolist()
    assert value["e"].numpy().tolist() == []
    assert value["s"] == array[0, 0]


def test_an_array_used_twice_is_one_tensor() -> None:
    array = np.zeros(3)
    value = load(dumped([array, array, np.zeros(3)]))
    assert value[1] is value[2]
    assert value[3] is not value[1]


def test_shared_storages_are_kept() -> None:
    flat = LuaStorage("torch.FloatStorage", 6, ArrayPayload(np.arange(6, dtype=np.float32)))
    one = LuaTensor("torch.FloatTensor", (6,), (1,), 0, flat)
    two = LuaTensor("torch.FloatTensor", (2, 2), (3, 1), 1, flat)
    model = LuaObject("nn.A", LuaTable({"weight": one, "tied": two, "flat": flat}))
    value = load(dumped(model))
    assert value["weight"].storage is value["tied"].storage is value["flat"]
    assert value["tied"].numpy().tolist() == [[1, 2], [4, 5]]
    assert value.version == 1


def test_special_numbers() -> None:
    values = [float("inf"), -float("inf"), -0.0, 5e-324, 1e308, 2**53, -(2**53), 0.1]
    for how in ({}, {"ascii": True}, {"byteorder": "big"}):
        again = load(dumped(values, **how)).list()
        assert [np.float64(a).tobytes() for a in again] == [np.float64(a).tobytes() for a in values]
    assert type(load(dumped(-0.0))) is float
    assert type(load(dumped(2.0**53))) is int
    assert type(load(dumped(2.0**60))) is float


def test_bits_of_nan_survive() -> None:
    odd = np.frombuffer(bytes([1, 2, 3, 0, 0, 0, 0xF0, 0xFF]), "<f8")[0].item()
    data = dumped({"a": odd})
    assert bytes([1, 2, 3, 0, 0, 0, 0xF0, 0xFF]) in data
    assert dumped(load(data)) == data
    assert dumped(load(dumped(load(data), byteorder="big"))) == data


@pytest.mark.parametrize(
    "text", [b"nan", b"-nan", b"inf", b"-inf", b"-0", b"0.1", b"1e+20", b"1E5"]
)
def test_spelling_of_numbers_survives(text: bytes) -> None:
    data = b"3\n1\n2\n2\n1\na\n1\n" + text + b"\n1\n2.50\n1\n007\n"
    assert dumped(load(data), ascii=True) == data


def test_a_changed_number_is_spelled_anew() -> None:
    value = load(b"3\n1\n2\n2\n1\na\n1\n1.50\n2\n1\nb\n1\n2.50\n")
    value["a"] = 3.5
    assert dumped(value, ascii=True) == b"3\n1\n2\n2\n1\na\n1\n3.5\n2\n1\nb\n1\n2.50\n"


@pytest.mark.parametrize("ascii", [False, True])
def test_elements_that_text_spells(ascii: bool) -> None:
    floats = np.array([np.nan, -np.nan, np.inf, -np.inf, -0.0, 0.1, 1 / 3], np.float32)
    again = load(dumped(floats, ascii=ascii)).numpy()
    assert again.tobytes() == floats.tobytes()
    if ascii:
        assert b"nan -nan inf -inf -0 0.100000001 0.333333343\n" in dumped(floats, ascii=True)


def test_unchanged_parts_keep_their_indices_and_changes_number_anew() -> None:
    data = table(9, string(b"a"), table(4), string(b"b"), storage(7, 1.0))
    value = load(data)
    assert dumped(value) == data
    del value["a"]
    assert dumped(value) == table(9, string(b"b"), storage(7, 1.0))
    value["c"] = LuaTable()
    assert dumped(value) == table(1, string(b"b"), storage(2, 1.0), string(b"c"), table(3))


def test_parts_of_two_files_in_one() -> None:
    one, two = load(BINARY), load(BINARY)
    again = load(dumped([one, two]))
    assert difference(again[1], one) is None
    assert difference(again[2], two) is None
    assert again[1] is not again[2]


def test_several_objects_share() -> None:
    shared = LuaTable()
    target = io.BytesIO()
    save_all([shared, [shared]], target)
    first, second = load_all(target.getvalue())
    assert second[1] is first


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ({"a": [1, {"b": object()}]}, "at a[2].b: a Python object"),
        (np.zeros(2, np.uint16), "an array of uint16"),
        (np.zeros(2, complex), "an array of complex128"),
        (2**53 + 1, "a Lua number can't hold it"),
        (10**400, "a Lua number can't hold it"),
        ({None: 1}, "nil or not a number"),
        ({float("nan"): 1}, "nil or not a number"),
        (LuaTensor("torch.FloatTensor", (2,), (1,), 0, None), "without a storage"),
        (LuaTensor("torch.QTensor", (), (), 0, None), "a tensor of class torch.QTensor"),
        (LuaObject("torch.FloatTensor", None), "none of LuaTensor and LuaStorage"),
        (LuaObject("nn.GPU", LuaTable()), "0 headers, expected 1"),
        (LuaObject("tds.Hash", 5), "expected a LuaTable"),
        (LuaObject("tds.Vec", LuaTable({2: 1})), "not exactly 1..n"),
        (LuaObject("torch.Generator", "x"), "expected bytes"),
        (LuaObject("V 1", LuaTable(), version=None), "named 'V 1' like one"),
        (LuaObject("V 0", LuaTable(), version=None), "named 'V 0' like one"),
        (LuaFunction(b"", tag=5), "a function of tag 5"),
        (LuaStorage("torch.X", 0, ArrayPayload(np.zeros(0))), "a storage of class torch.X"),
    ],
)
def test_what_has_no_form(value: object, problem: str, tmp_path: Path) -> None:
    with pytest.raises(OutputError) as caught:
        save(value, tmp_path / "out.t7")
    assert problem in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_storage_that_lies_about_itself(tmp_path: Path) -> None:
    short = LuaStorage("torch.FloatStorage", 3, ArrayPayload(np.zeros(2, np.float32)))
    wrong = LuaStorage("torch.FloatStorage", 2, ArrayPayload(np.zeros(2)))
    for value in (short, wrong):
        with pytest.raises(OutputError, match=r"torch\.FloatStorage"):
            save(value, tmp_path / "out.t7")
    assert list(tmp_path.iterdir()) == []


def test_longs_that_do_not_fit() -> None:
    with pytest.raises(OutputError, match="too large for 4-byte longs"):
        dumped(np.array([2**40]), long_size=4)
    wide = tensor(1, (0,), (2**40,), 1, integer(0))
    with pytest.raises(OutputError, match="too large for 4-byte longs"):
        dumped(load(wide), long_size=4)
    assert load(dumped(np.array([-(2**31)]), long_size=4)).numpy()[0] == -(2**31)


def test_wrong_arguments() -> None:
    with pytest.raises(ValueError, match="long_size=5"):
        dumped(1, long_size=5)
    with pytest.raises(ValueError, match="byteorder='middle'"):
        dumped(1, byteorder="middle")


def test_an_existing_file_needs_force(tmp_path: Path) -> None:
    path = tmp_path / "out.t7"
    save(1, path)
    with pytest.raises(OutputError, match="exists; use --force"):
        save(2, path)
    assert load(path) == 1
    save(2, path, force=True)
    assert load(path) == 2
    assert [each.name for each in tmp_path.iterdir()] == ["out.t7"]


def test_the_file_that_is_read_is_not_written(tmp_path: Path) -> None:
    path = tmp_path / "out.t7"
    save(np.zeros(3), path)
    os.link(path, tmp_path / "same.t7")
    (tmp_path / "link.t7").symlink_to(path)
    value = load(path)
    for name in ("out.t7", "same.t7", "link.t7"):
        with pytest.raises(OutputError, match="the file that is being read"):
            save({"a": value}, tmp_path / name, force=True)
    assert load(path).numpy().tolist() == [0, 0, 0]


def test_mode_follows_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        save(1, tmp_path / "out.t7")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "out.t7").stat().st_mode) == 0o640


def test_nothing_is_left_when_a_source_fails(tmp_path: Path) -> None:
    path = tmp_path / "in.t7"
    save(np.zeros(3), path)
    value = load(path)
    os.utime(path, ns=(1, 1))
    with pytest.raises(T7FormatError, match="changed while it was open"):
        save(value, tmp_path / "out.t7")
    assert [each.name for each in tmp_path.iterdir()] == ["in.t7"]


def test_a_target_that_takes_little_at_a_time() -> None:
    class Slow(io.RawIOBase):
        data = b""

        def write(self, data: object) -> int:
            piece = bytes(data)[:1000]  # type: ignore[call-overload]
            self.data += piece
            return len(piece)

    slow = Slow()
    save(load(BINARY), slow)  # type: ignore[arg-type]
    assert slow.data == BINARY.read_bytes()


def test_devices_are_written_to() -> None:
    save(load(BINARY), os.devnull)


def test_a_directory_is_no_target(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="is a folder"):
        save(1, tmp_path, force=True)


def test_4_byte_longs_byte_by_byte() -> None:
    assert load(dumped(load(storage(1, 1.0)), long_size=4)).numpy()[0] == 1
    assert len(dumped(load(storage(1, 1.0)), long_size=4)) == len(storage(1, 1.0)) - 4
    assert open_file(BINARY.with_name("long32.t7")).encoding.long_size == 4
    assert long(1) in storage(1, 1.0)
