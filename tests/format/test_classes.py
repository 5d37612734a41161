"""Classes with a payload of their own, versions, functions of every tag, appended files."""

from __future__ import annotations

import io
import struct
from typing import Any

import numpy as np
import pytest

from t7convert.format import LuaFunction, LuaObject, load, load_all, open_file, save, save_all
from t7convert.format.objects import DTYPES, LuaTable
from tests.format.building import (
    counted,
    integer,
    long,
    number,
    storage,
    string,
    table,
    tensor,
    torch,
)

END = string(b"the end")


def follows(payload: bytes, name: bytes, version: bytes = b"V 1") -> LuaObject:
    """Read an object in a table, with something after it, and write it back."""
    data = table(1, string(b"it"), torch(2, name, payload, version), string(b"z"), END)
    value = load(data)
    assert value["z"] == "the end"
    target = io.BytesIO()
    save(value, target)
    assert target.getvalue() == data
    text = io.BytesIO()
    save(value, text, ascii=True)
    again = io.BytesIO()
    save(load(text.getvalue()), again)
    assert again.getvalue() == data
    found: LuaObject = value["it"]
    return found


def test_gpu_writes_a_header_and_fields() -> None:
    header = table(3, number(1), string(b"torch.CudaTensor"), number(2), number(1))
    found = follows(header + table(4, string(b"device"), number(1)), b"nn.GPU")
    assert found.header[0].list() == ["torch.CudaTensor", 1]
    assert found["device"] == 1


@pytest.mark.parametrize("version", [b"V 2", b"V 3"])
def test_data_parallel_table_writes_two_objects(version: bytes) -> None:
    found = follows(table(3, number(1), number(1)) + table(4), b"nn.DataParallelTable", version)
    assert found.header[0].list() == [1]
    assert len(found.fields) == 0


@pytest.mark.parametrize("version", [b"V 1", b""])
def test_data_parallel_table_of_old_writes_one(version: bytes) -> None:
    found = follows(table(3, string(b"a"), number(1)), b"nn.DataParallelTable", version)
    assert found.header == ()
    assert found["a"] == 1


def test_timer_writes_nothing() -> None:
    assert follows(b"", b"torch.Timer").payload is None


def test_generator_of_8_byte_longs() -> None:
    states = struct.pack("<624Q", *range(2**31, 2**31 + 624))
    raw = struct.pack("<QiiQ", 5, 1, 1, 0) + states + struct.pack("<dddii", 1, 2, 3, 1, 0)
    assert len(raw) == 5048
    assert follows(raw, b"torch.Generator").payload == raw


def test_generator_of_4_byte_longs() -> None:
    states = struct.pack("<624I", *range(2**31, 2**31 + 624))
    raw = struct.pack("<IiiI", 5, 1, 1, 0) + states + struct.pack("<dddii", 1, 2, 3, 1, 0)
    raw = raw.ljust(2544, b"\0")
    rest = string(b"x" * 5000)
    value = load_all(torch(1, b"torch.Generator", raw) + rest)
    assert value[0].payload == raw
    assert value[1] == "x" * 5000


@pytest.mark.parametrize("name", [b"tds.Hash", b"tds_hash"])
def test_hash(name: bytes) -> None:
    found = follows(long(2) + string(b"k") + number(1) + integer(5, 1) + number(2), name, b"V 0")
    assert dict(found.fields) == {"k": 1, True: 2}
    assert found.version == 0


def test_vec() -> None:
    found = follows(long(2) + number(1) + table(3), b"tds.Vec", b"V 0")
    assert found.fields.list()[0] == 1


def test_counter() -> None:
    assert follows(long(7), b"tds.AtomicCounter").payload == 7


def test_samples() -> None:
    found = follows(integer(1, 2) + table(3) + table(4), b"nn.DataSet")
    assert found.header == (True,)
    assert len(found.fields.list()) == 2


def test_payload_that_is_no_table() -> None:
    assert follows(number(5), b"my.Class").payload == 5


@pytest.mark.parametrize(
    ("version", "expected"),
    [(b"V 1", 1), (b"V 2", 2), (b"V 0", 0), (b"V 1.5", 1.5), (b"V 01", 1), (b"", None)],
)
def test_versions(version: bytes, expected: object) -> None:
    assert follows(table(3), b"nn.Any", version).version == expected


@pytest.mark.parametrize("name", [b"V nan", b"V inf", b"V 1e999", b"V ", b"V x"])
def test_what_is_no_version_is_a_class(name: bytes) -> None:
    data = torch(1, name, table(2), b"")
    found = load(data)
    assert (found.typename, found.version) == (name.decode(), None)
    file = io.BytesIO()
    save(found, file)
    assert file.getvalue() == data


@pytest.mark.parametrize("version", [b"V 2", b"", b"V 01"])
def test_versions_of_tensors(version: bytes) -> None:
    geometry = integer(1) + long(1, 1, 1)
    inner = torch(2, b"torch.FloatStorage", long(1) + b"\0\0\x80?", version)
    data = torch(1, b"torch.FloatTensor", geometry + inner, version)
    value = load(data)
    assert value.numpy().tolist() == [1]
    target = io.BytesIO()
    save(value, target)
    assert target.getvalue() == data


@pytest.mark.parametrize(
    ("prefix", "kind"),
    [(prefix, kind) for prefix in ("", "Cuda", "Cl") for kind in (*DTYPES, "") if prefix or kind],
)
def test_every_tensor_class(prefix: str, kind: str) -> None:
    dtype = DTYPES[kind or "Float"]
    values = np.arange(6, dtype=dtype)
    raw = torch(2, f"torch.{prefix}{kind}Storage".encode(), long(6) + values.tobytes())
    geometry = integer(2) + long(2, 3, 3, 1, 1)
    found: Any = follows_tensor(geometry + raw, f"torch.{prefix}{kind}Tensor".encode())
    assert found.dtype == dtype
    assert found.numpy().tolist() == [[0, 1, 2], [3, 4, 5]]


def follows_tensor(payload: bytes, name: bytes) -> Any:
    data = torch(1, name, payload)
    value = load_all(data + END)[0]
    target = io.BytesIO()
    save(value, target)
    assert target.getvalue() == data
    return value


@pytest.mark.parametrize("tag", [7, 8])
def test_functions_with_index(tag: int) -> None:
    function = integer(tag, 2) + counted(b"\x1bLJcode") + table(3, number(1), integer(tag, 2))
    data = table(1, string(b"f"), function, string(b"g"), integer(tag, 2), string(b"z"), END)
    value = load(data)
    assert isinstance(value["f"], LuaFunction)
    assert value["f"] is value["g"]
    assert value["f"].upvalues[1] is value["f"]
    assert value["f"].tag == tag
    target = io.BytesIO()
    save(value, target)
    assert target.getvalue() == data


@pytest.mark.parametrize("index", [b"", integer(5)])
def test_functions_of_tag_6_with_and_without_index(index: bytes) -> None:
    function = integer(6) + index + counted(b"\x1bLJcode") + table(2)
    data = table(1, string(b"f"), function, string(b"z"), END)
    value = load(data)
    assert value["f"].bytecode == b"\x1bLJcode"
    target = io.BytesIO()
    save(value, target)
    assert target.getvalue() == data


def test_a_function_of_tag_6_used_twice_gets_an_index() -> None:
    function = LuaFunction(b"\x1bLJ", LuaTable(), tag=6)
    target = io.BytesIO()
    save([function, function], target)
    value = load(target.getvalue())
    assert value[1] is value[2]
    assert value[1].tag == 7


def test_a_storage_before_its_tensors_and_after() -> None:
    bare = storage(2, 1.0, 2.0)
    view = tensor(3, (2,), (1,), 1, integer(4, 2))
    value = load(table(1, string(b"a"), bare, string(b"b"), view))
    assert value["b"].storage is value["a"]
    later = tensor(3, (2,), (1,), 1, bare)
    value = load(table(1, string(b"b"), later, string(b"a"), integer(4, 2)))
    assert value["b"].storage is value["a"]


def test_a_tensor_of_size_1_may_have_any_stride() -> None:
    value = load(tensor(1, (1, 2), (-(2**62), 1), 1, storage(2, 1.0, 2.0)))
    assert value.numpy().tolist() == [[1, 2]]
    assert value.copy().tolist() == [[1, 2]]


def test_a_tensor_with_a_size_of_0_may_have_any_geometry() -> None:
    value = load(tensor(1, (0, 3), (9, 9), 77, storage(2, 1.0)))
    assert value.numpy().shape == (0, 3)
    assert value.copy().shape == (0, 3)


def test_an_expanded_tensor_is_not_copied_to_be_seen() -> None:
    value = load(tensor(1, (2**20, 2**20), (0, 0), 1, storage(2, 5.0)))
    assert value.numpy()[7, 7] == 5


def test_appended_files_count_anew() -> None:
    one = table(1, string(b"a"), number(1))
    two = table(1, string(b"b"), table(2, string(b"c"), integer(3, 1)))
    first, second = load_all(one + two)
    assert dict(first) == {"a": 1}
    assert second["b"]["c"] is second


def test_objects_of_one_file_share() -> None:
    first, second = load_all(table(1) + integer(3, 1))
    assert first is second
    target = io.BytesIO()
    save_all([first, second], target)
    assert target.getvalue() == table(1) + integer(3, 1)


def test_trailing_bytes_are_an_error_for_every_index() -> None:
    with pytest.raises(ValueError, match="the tag 1,734,435,942"):
        load(number(1) + b"fdagfdag", index=1)


def test_forced_encodings() -> None:
    data = torch(1, b"torch.FloatStorage", long(0))
    assert load(data).size == 0
    assert load_all(data, long_size=4)[1] is None
    assert open_file(data).encoding.long_size == 8
