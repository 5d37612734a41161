"""Both readers agree on everything that torchfile can read."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torchfile

from t7convert.errors import T7FormatError
from t7convert.format import load, open_file
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
from tests.format.comparing import difference

#: What torchfile can't read, and why.
BEYOND = {"ascii", "long32", "bigendian", "bigendian_long32"}


def agree(path: Path) -> None:
    """Compare all objects of a file."""
    native, other = open_file(path), open_file(path, reader="torchfile")
    assert len(native.objects) == len(other.objects)
    for one, two in zip(native.objects, other.objects, strict=True):
        assert difference(one, two) is None, path


@pytest.mark.parametrize(
    "path",
    [
        *(path for path in sorted((FIXTURES / "formats").glob("*.t7")) if path.stem not in BEYOND),
        *sorted((FIXTURES / "formats2").glob("*.little8.t7")),
    ],
    ids=lambda path: path.stem,
)
def test_fixtures(path: Path) -> None:
    agree(path)


@pytest.mark.parametrize("name", sorted(BEYOND))
def test_other_encodings_are_refused(name: str) -> None:
    with pytest.raises(T7FormatError, match="torchfile can't read"):
        load(FIXTURES / "formats" / f"{name}.t7", reader="torchfile")


def test_everything(shared: Path) -> None:
    compared = 0
    paths = sorted((shared / "golden").rglob("*.t7")) + sorted((shared / "zoo").rglob("*"))
    for path in (path for path in paths if path.is_file()):
        try:
            encoding = open_file(path).encoding
        except T7FormatError:
            continue
        if encoding.ascii or encoding.byteorder == "big" or encoding.long_size == 4:
            continue
        agree(path)
        compared += 1
    assert compared > 550


def test_completed_classes(tmp_path: Path) -> None:
    generator = bytes(5048)
    inner = [
        torch(
            3, b"nn.GPU", table(4, number(1), string(b"x")) + table(5, string(b"me"), integer(4, 3))
        ),
        torch(6, b"nn.DataParallelTable", table(7) + table(8), b"V 2"),
        torch(9, b"torch.Timer", b""),
        torch(10, b"torch.Generator", generator),
        torch(11, b"tds.Hash", long(1) + integer(5, 1) + integer(4, 11), b"V 0"),
        torch(12, b"tds.Vec", long(1) + number(-0.0), b"V 0"),
        torch(13, b"tds.AtomicCounter", long(5)),
        torch(14, b"nn.DataSet", integer(0, 1) + table(15)),
        torch(16, b"torch.CudaLongStorage", long(1, 2**40)),
        torch(17, b"torch.HalfStorage", long(1) + b"\0<"),
        torch(20, b"nn.DataList", integer(0, 1) + table(21)),
        torch(18, b"nn.Old", table(19, integer(5, 1), integer(5, 0), number(1), NIL), b""),
    ]
    pairs = [part for index, each in enumerate(inner, 1) for part in (number(index), each)]
    path = tmp_path / "a.t7"
    path.write_bytes(table(1, *pairs) + string(b"second"))
    agree(path)
    assert load(path, reader="torchfile", index=2) == "second"


NIL = integer(0)


def function(tag: int, index: int, upvalues: bytes) -> bytes:
    return integer(tag, index) + counted(b"\x1bLJ") + upvalues


@pytest.mark.parametrize("tag", [6, 7, 8])
def test_a_function_that_is_its_own_upvalue(tmp_path: Path, tag: int) -> None:
    path = tmp_path / "a.t7"
    path.write_bytes(function(tag, 1, table(2, number(1), integer(tag, 1))))
    agree(path)
    loaded = load(path, reader="torchfile")
    assert loaded.upvalues[1] is loaded


def test_functions_without_index(tmp_path: Path) -> None:
    path = tmp_path / "a.t7"
    one = integer(6) + counted(b"\x1bLJ") + table(2)
    path.write_bytes(table(1, number(1), one, number(2), one.replace(table(2), integer(3, 1))))
    agree(path)


def test_tensors_and_storages_as_keys(tmp_path: Path) -> None:
    path = tmp_path / "a.t7"
    one = tensor(2, (1,), (1,), 1, storage(3, 1.0))
    path.write_bytes(
        table(1, one, string(b"tensor"), integer(4, 3), string(b"storage"), number(1), one[:8])
    )
    agree(path)


def test_the_module_of_others_stays_as_it_was() -> None:
    before = dict(torchfile.type_handlers)
    limit = sys.getrecursionlimit()
    load(FIXTURES / "formats" / "binary.t7", reader="torchfile")
    assert torchfile.type_handlers == before
    assert torchfile.hashable_uniq_dict.__module__ == "torchfile"
    assert sys.getrecursionlimit() == limit


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (integer(2, -5), "-5 bytes expected"),
        (integer(2, 100), "100 bytes expected"),
        (torch(1, b"torch.FloatStorage", long(9)), "a storage of 9 elements"),
        (torch(1, b"torch.FloatStorage", long(-1)), "a storage of -1 elements"),
        (table(1, string(b"a"), integer(9, 9)), "unknown object type"),
        (number(1) + b"\0", "4 bytes expected"),
        (
            torch(1, b"torch.FloatTensor", integer(1) + long(5, 1, 1) + storage(2, 1.0)),
            "spans the elements 1 to 5",
        ),
    ],
)
def test_what_it_can_not_read(data: bytes, problem: str) -> None:
    with pytest.raises(T7FormatError) as caught:
        load(data, reader="torchfile")
    assert problem in str(caught.value)


def test_depth_is_refused() -> None:
    data = integer(3, 1, 1) + string(b"n")
    for index in range(2, 30000):
        data += integer(3, index, 1) + string(b"n")
    with pytest.raises(T7FormatError, match="nested too deeply"):
        load(data + integer(0), reader="torchfile")


def test_an_unknown_reader() -> None:
    with pytest.raises(ValueError, match="expected 'native' or 'torchfile'"):
        load(number(1), reader="other")  # type: ignore[arg-type]
