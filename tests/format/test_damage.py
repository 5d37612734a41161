"""Truncated, lying and hostile bytes: always a T7FormatError, with place and path."""

from __future__ import annotations

import io
import tracemalloc
import warnings
from collections.abc import Callable

import pytest

from t7convert.errors import T7FormatError
from t7convert.format import SalvageWarning, load, open_file, save
from tests.conftest import FIXTURES
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

FORMATS = FIXTURES / "formats"
WHOLE = ["binary", "ascii", "long32", "bigendian", "functions", "odd_keys", "cyclic", "user_class"]
NIL = integer(0)
EMPTY = table(2)


@pytest.mark.parametrize("name", WHOLE)
def test_every_prefix(name: str) -> None:
    data = (FORMATS / f"{name}.t7").read_bytes()
    for length in range(len(data)):
        with pytest.raises(T7FormatError):
            open_file(data[:length])


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (integer(2, -1), "a string of -1 bytes"),
        (integer(2, 2**31 - 1), "a string of 2,147,483,647 bytes"),
        (integer(3, 1, -1), "a table of -1 entries"),
        (integer(3, 1, 2**31 - 1), "a table of 2,147,483,647 entries"),
        (integer(3, 0, 0), "a table of index 0"),
        (integer(3, -5, 0), "a table of index -5"),
        (integer(4, 0), "an object of index 0"),
        (integer(5, 2), "the boolean 2"),
        (integer(3, 1, 1) + NIL + NIL + NIL, "nil or not a number"),
        (table(1, number(float("nan")), NIL), "nil or not a number"),
        (table(1, string(b"a"), NIL, string(b"a"), NIL), "comes twice"),
        (table(1, number(1), NIL, number(1), NIL), "comes twice"),
        (integer(3, 1, 1) + string(b"a") + integer(9, 9), "the tag 9"),
        (integer(3, 1, 1) + string(b"a") + integer(-1, 9), "the tag -1"),
        (table(1, string(b"a"), EMPTY, string(b"b"), integer(4, 2)), "a reference to the object 2"),
        (table(1, string(b"a"), storage(2, 1), string(b"b"), integer(3, 2)), "to the table 2"),
        (table(1, string(b"a"), EMPTY, string(b"b"), integer(8, 2)), "to the function 2"),
        (torch(1, b"torch.FloatStorage", long(-1)), "of -1 elements"),
        (torch(1, b"torch.FloatStorage", long(2**62)), "truncated: a torch.FloatStorage"),
        (torch(1, b"torch.FloatStorage", long(2) + b"\0" * 7), "truncated: a torch.FloatStorage"),
        (tensor(1, (2,), (1,), 1, storage(2, 1.0)), "spans the elements 1 to 2 of a storage of 1"),
        (tensor(1, (1,), (1,), 2, storage(2, 1.0)), "spans the elements 2 to 2 of a storage of 1"),
        (tensor(1, (1,), (1,), 0, storage(2, 1.0)), "spans the elements 0 to 0"),
        (tensor(1, (2,), (-1,), 2, storage(2, 1.0, 2.0)), "a stride is negative"),
        (tensor(1, (-2,), (1,), 1, storage(2, 1.0)), "a size is negative"),
        (tensor(1, (2**31, 2**31, 2**31), (0, 0, 0), 1, storage(2, 1.0)), "more elements than any"),
        (tensor(1, (2, 2), (2**62, 2**62), 1, storage(2, 1.0)), "of a storage of 1"),
        (tensor(1, (2,), (1,), 1, NIL), "without a storage"),
        (tensor(1, (1,), (1,), 1, EMPTY), "the tag 3 where a storage is"),
        (
            table(1, string(b"a"), EMPTY, string(b"b"), tensor(3, (1,), (1,), 1, integer(4, 2))),
            "a torch.FloatTensor on <LuaTable",
        ),
        (
            tensor(1, (1,), (1,), 1, torch(2, b"torch.DoubleStorage", long(1) + bytes(8))),
            "expected a torch.FloatStorage",
        ),
        (torch(1, b"torch.FloatTensor", integer(-1)), "-1 dimensions"),
        (torch(1, b"torch.FloatTensor", integer(33) + bytes(600)), "33 dimensions"),
        (torch(1, b"tds.Hash", long(-1)), "a tds.Hash of -1"),
        (torch(1, b"tds.Vec", long(2**40)), "a tds.Vec of 1,099,511,627,776"),
        (torch(1, b"torch.Generator", bytes(100)), "a torch.Generator of"),
        (integer(4, 1) + integer(-1), "a version string of -1 bytes"),
        (integer(4, 1) + counted(b"V 1") + integer(1000), "a class name of 1,000 bytes"),
        (integer(8, 1, 1000), "a function of 1,000 bytes"),
        (number(1) + b"\0", "truncated"),
        (number(1) + integer(77, 77), "the tag 77"),
    ],
)
def test_lies(data: bytes, problem: str) -> None:
    with pytest.raises(T7FormatError) as caught:
        open_file(data, ascii=False, byteorder="little", long_size=8)
    assert problem in caught.value.problem
    assert caught.value.file == "<bytes>"


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"3\n1\n-1\n", "a table of -1 entries"),
        (b"3\n1\n99999999\n", "a table of 99,999,999 entries"),
        (b"2\n99999999\nabc\n", "a string of 99,999,999 bytes"),
        (b"2\n3\nabcd\n", "no newline after a text of 3 bytes"),
        (b"1\nabc\n", "expected a number"),
        (b"1\n1_0\n", "expected a number"),
        (b"3\n1\n99999999999999\n", "too large for an int"),
        (b"3\n1\n1.5\n", "expected a whole number"),
        (b"5\n7\n", "the boolean 7"),
        (b"7\n1\n1\n", "a function of 1 bytes"),
        (b"4\n1\n3\nV 1\n19\ntorch.DoubleStorage\n3\n1 2\n", "torch.DoubleStorage of 3 elements"),
        (b"4\n1\n3\nV 1\n19\ntorch.DoubleStorage\n3\n1 22\n3", "truncated: 3 numbers expected"),
        (b"4\n1\n3\nV 1\n19\ntorch.DoubleStorage\n2\n1 xx\n", "something else among"),
        (b"4\n1\n3\nV 1\n17\ntorch.ByteStorage\n3\nab\n", "no newline after 3 elements"),
    ],
)
def test_lies_in_text(data: bytes, problem: str) -> None:
    with pytest.raises(T7FormatError) as caught:
        open_file(data)
    assert problem in caught.value.problem


@pytest.mark.parametrize("text", [b"1 1e400 --1", b"1.5 2 3"])
def test_bad_elements_are_found_when_they_are_read(text: bytes) -> None:
    kind = b"torch.ShortStorage" if b"." in text else b"torch.DoubleStorage"
    data = b"4\n1\n3\nV 1\n%d\n%b\n3\n%b\n" % (len(kind), kind, text)
    value = load(data)
    with pytest.raises(T7FormatError, match="can't hold"):
        value.numpy()


def test_an_element_out_of_range_in_text() -> None:
    with pytest.raises(T7FormatError, match="can't hold"):
        load(b"4\n1\n3\nV 1\n18\ntorch.ShortStorage\n1\n70000\n").numpy()


def test_the_place_and_the_path() -> None:
    inner = table(3, string(b"weight"), tensor(4, (9,), (1,), 1, storage(5, 1.0)))
    modules = table(2, number(1), inner)
    data = table(1, string(b"modules"), modules)
    with pytest.raises(T7FormatError) as caught:
        open_file(data)
    assert caught.value.path == "modules[1].weight"
    assert caught.value.offset == data.index(b"torch.FloatTensor") + len(b"torch.FloatTensor")


def test_the_path_goes_through_objects_and_boolean_keys() -> None:
    fields = table(2, integer(5, 1), integer(3, 3, 1) + string(b"a b") + integer(99, 99))
    with pytest.raises(T7FormatError) as caught:
        open_file(torch(1, b"nn.A", fields))
    assert caught.value.path == '[true]["a b"]'


def test_the_path_of_a_deep_place_is_short() -> None:
    deep: dict[str, object] = {}
    inner = deep
    for _ in range(1000):
        inner["next"] = {}
        inner = inner["next"]  # type: ignore[assignment]
    target = io.BytesIO()
    save(deep, target)
    with pytest.raises(T7FormatError) as caught:
        open_file(target.getvalue()[:-4])
    assert caught.value.path.count("next") == 64


@pytest.mark.parametrize(
    "data",
    [
        lambda: torch(1, b"torch.FloatStorage", long(2**40)),
        lambda: integer(3, 1, 2**31 - 1) + bytes(1000),
        lambda: tensor(1, (2**20, 2**20), (0, 0), 1, storage(2, 1.0)),
    ],
)
def test_no_memory_for_lies(data: Callable[[], bytes]) -> None:
    made = data()
    tracemalloc.start()
    try:
        try:
            load(made)
        except T7FormatError:
            pass
        else:
            load(made).numpy()
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


def test_salvage_returns_what_is_whole() -> None:
    data = table(1, string(b"a"), number(7), string(b"b"), table(2, string(b"c"), string(b"long")))
    with pytest.raises(T7FormatError):
        load(data[:-2])
    with pytest.warns(SalvageWarning, match="salvaged what is whole"):
        opened = open_file(data[:-2], salvage=True)
    assert opened.problem is not None
    assert opened.unfinished == ("", "b")
    assert opened.problem.path == "b.c"
    assert opened.object()["a"] == 7
    assert len(opened.object()["b"]) == 0


def test_salvage_of_a_whole_file_marks_nothing() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        opened = open_file(table(1), salvage=True)
    assert opened.problem is None
    assert opened.unfinished == ()


def test_salvage_of_nothing_is_an_error() -> None:
    with pytest.raises(T7FormatError):
        load(integer(77, 77), salvage=True)
    with pytest.raises(T7FormatError):
        load(b"", salvage=True)


def test_an_object_that_is_not_there() -> None:
    with pytest.raises(T7FormatError, match="object 2 was asked for, the file holds 1"):
        load(number(1), index=2)
    with pytest.raises(T7FormatError, match="object 0"):
        load(number(1), index=0)


def test_an_encoding_that_does_not_fit() -> None:
    with pytest.raises(T7FormatError, match="do not fit the encoding"):
        load(number(1), byteorder="big")
    with pytest.raises(T7FormatError, match="do not fit the encoding"):
        load(number(1), ascii=True)
    assert load(number(1), byteorder="little", long_size=4) == 1
