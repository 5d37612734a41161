"""More corner files of a real Torch7, compared with what the Lua script put into them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from t7convert.errors import T7FormatError
from t7convert.format import LuaFunction, LuaTable, LuaTensor, load, open_file
from tests.conftest import FIXTURES

FOLDER = FIXTURES / "formats2"
ENCODINGS = ("little8", "little4", "big8", "big4", "ascii")
NUMBERS = [
    *(0, -0.0, math.inf, -math.inf, 5e-324, 2.2250738585072014e-308, 1.7976931348623157e308, 0.1),
    *(1 / 3, -1.5, 2**53, 2**53 + 2, -(2.0**63), 10**15, 10**16, 1e17, 123456.789, 1e-5),
]
ELEMENTS = {
    "half": [1, -0.5, 65504, np.float16(6e-8)],
    "byte": [0, 10, 32, 255],
    "char": [-128, -1, 10, 127],
    "short": [-(2**15), 2**15 - 1],
    "int": [-(2**31), 2**31 - 1],
    "long": [-(2**31), 2**31 - 1],
}


def name_of(encoding: str) -> tuple[str, int]:
    if encoding == "ascii":
        return "little", 8
    return encoding[:-1], int(encoding[-1])


@pytest.fixture(params=ENCODINGS)
def encoding(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def read(name: str, encoding: str) -> Any:
    return load(FOLDER / f"{name}.{encoding}.t7")


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.t7")), ids=lambda path: path.name)
def test_encodings_are_detected(path: Any) -> None:
    encoding = path.name.split(".")[1]
    found = open_file(path).encoding
    assert found.ascii == (encoding == "ascii")
    if path.name.startswith("closures"):  # no longs in it, so no word size
        assert found.byteorder == name_of(encoding)[0]
    else:
        assert (found.byteorder, found.long_size) == name_of(encoding)


def test_numbers(encoding: str) -> None:
    values = read("numbers", encoding)
    doubles = np.array(NUMBERS, float)
    found = np.array(values["values"].list(), float)
    assert found.tobytes() == doubles.tobytes()
    assert values["doubles"].numpy().tobytes() == doubles.tobytes()
    with np.errstate(over="ignore"):
        floats = doubles.astype(np.float32)
    assert values["floats"].numpy().tobytes() == floats.tobytes()
    for name, expected in ELEMENTS.items():
        assert values[name].numpy().tolist() == expected
    keys = dict(values["keys"])
    assert keys == {
        **{1.5: "fraction", -1: "negative", 2**60: "huge", 1e300: "vast"},
        **{math.inf: "infinite", 5e-324: "tiny", 3: "three"},
    }


@pytest.mark.parametrize("encoding", ["little8", "big8", "ascii"])
def test_longs_that_no_double_holds(encoding: str) -> None:
    found = load(FOLDER / f"longs.{encoding}.t7").numpy()
    assert found.tolist() == [2**63 - 1, -(2**63), 2**53 + 1, -1]


def test_views(encoding: str) -> None:
    values = read("views", encoding)
    expected = {
        "base": [1, 2, 3, 4, 5, 6, 7, 8],
        "row": [5, 6, 7, 8],
        "across": [[1, 5], [2, 6], [3, 7], [4, 8]],
        "diagonal": [2, 5, 8],
        "expanded": [[3, 3, 3], [3, 3, 3]],
        "none": [],
        "kept": [],
    }
    for name, elements in expected.items():
        assert values[name].numpy().tolist() == elements
        assert values[name].copy().tolist() == elements
        assert values[name].storage is (None if name == "none" else values["storage"])
    assert values["expanded"].stride[1] == 0
    assert values["many"].size == (1,) * 8
    assert values["many"].numpy().item() == 8
    assert values["kept"].size == ()
    assert values["bare"].size == 0


def test_closures(encoding: str) -> None:
    values = read("closures", encoding)
    assert all(isinstance(value, LuaFunction) for value in values.values())
    again, add, get = values["again"], values["add"], values["get"]
    assert again.upvalues[1]["value"] is again
    assert add.upvalues[1]["id"] == get.upvalues[1]["id"]
    assert dict(get.upvalues[2]).keys() == {"name", "id"}
    assert len(values["plain"].upvalues) == 0


def test_several_objects(encoding: str) -> None:
    with open_file(FOLDER / f"several.{encoding}.t7") as opened:
        first, second, truth, text, storage, number = opened.objects
    assert second[1] is first
    assert second[2] is first["tensor"]
    assert first["tensor"].storage is storage
    assert (truth, text, number) == (True, "text\n", 2.5)


def test_tds(encoding: str) -> None:
    values = read("tds", encoding)
    inner, vec = values["hash"].payload, values["vec"].payload.list()
    assert {key for key in inner if key is not True} == {"a", 2, "vec"}
    assert inner[True].numpy().tolist() == [3]
    assert inner["vec"].payload.list() == [1, "x", False]
    assert vec[:2] == ["first", None]
    assert vec[2] is inner["vec"]
    assert len(vec[3].payload) == len(values["empty"].payload) == 0


def test_classes_with_a_payload_of_their_own(encoding: str) -> None:
    values = read("classes", encoding)
    for name in ("set", "list"):
        samples = values[name].payload.list()
        assert values[name].header == (name == "set",)
        assert [sample[1].numpy().tolist() for sample in samples] == [[1], [2]]
    assert values["timer"].payload is None
    assert values["gpu"].header[0].list() == ["torch.DoubleTensor", 1]
    assert isinstance(values["tester"].payload, LuaTable)
    norm = values["norm"]
    assert "weight" not in norm.fields
    assert isinstance(norm["v"], LuaTensor)
    assert norm["v"].numpy().item() == 3


@pytest.mark.parametrize("name", ["numbers", "views", "closures", "tds"])
def test_every_prefix(name: str, encoding: str) -> None:
    data = (FOLDER / f"{name}.{encoding}.t7").read_bytes()
    for length in range(len(data)):
        with pytest.raises(T7FormatError):
            open_file(data[:length])
