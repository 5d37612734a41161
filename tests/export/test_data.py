"""Parts of a file that are no network, as .npz, .npy, .json, .pt and .t7."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import t7convert
from t7convert.errors import OutputError
from t7convert.export.data import write_data
from t7convert.format.objects import LuaFunction, LuaTable
from tests.build import linear, storage, table, tensor, view
from tests.conftest import FIXTURES


@pytest.fixture
def everything() -> Any:
    """Return a table with one value of every kind, written by a real Torch7."""
    return t7convert.load(FIXTURES / "formats/binary.t7")


def test_npz_holds_every_tensor_by_path(everything: Any, tmp_path: Path) -> None:
    write_data(everything, tmp_path / "o.npz")
    found = np.load(tmp_path / "o.npz")

    np.testing.assert_array_equal(found["transposed"], np.arange(1.0, 25).reshape(4, 6).T)
    assert found["tensor_Half"].dtype == np.float16
    assert found["storage"].tolist() == [2, 3, 5]


def test_the_root_tensor_is_called_value(tmp_path: Path) -> None:
    write_data(tensor([[1.0, 2.0]]), tmp_path / "o.npz")
    write_data(tensor([[1.0, 2.0]]), tmp_path / "o.npy")

    assert np.load(tmp_path / "o.npz")["value"].tolist() == [[1.0, 2.0]]
    assert np.load(tmp_path / "o.npy").tolist() == [[1.0, 2.0]]


def test_json_holds_everything_else(everything: Any, tmp_path: Path) -> None:
    write_data(everything, tmp_path / "o.json")
    data = json.loads((tmp_path / "o.json").read_text())

    assert (data["number"], data["int"], data["yes"]) == (1.5, 42, True)
    assert data["list"] == [10, 20, 30]
    assert data["huge"] == {"number": "inf"}
    assert data["latin1"] == {"bytes": "Y2Fm6Q=="}
    assert data["utf8"] == "café"
    assert sorted(data["sparse"]["pairs"]) == [[1, "a"], [3, "c"]]
    assert {"same": "base"} in (data["same"], data["base"]) or data["base"] == {"same": "same"}


def test_pt_holds_both_and_keeps_what_is_the_same(tmp_path: Path) -> None:
    vector = tensor([1.0, 2.0], "Float")
    write_data(table(a=vector, b=table(vector, 3)), tmp_path / "o.pt")
    data = torch.load(tmp_path / "o.pt", weights_only=True)

    assert data["a"].dtype == torch.float32
    assert data["b"][1] == 3
    assert data["a"].data_ptr() == data["b"][0].data_ptr()


def test_a_small_view_is_written_small(tmp_path: Path) -> None:
    write_data(view(storage(np.zeros(100_000)), (2,), offset=9), tmp_path / "o.npz")

    assert (tmp_path / "o.npz").stat().st_size < 1000


def loop() -> LuaTable:
    """Return a table that contains itself."""
    made = LuaTable()
    made["me"] = made
    return made


@pytest.mark.parametrize(
    ("value", "name", "message"),
    [
        (table(1), "o.xyz", "unknown kind of output"),
        (table(1), "o.npz", "no tensor"),
        (table(1), "o.npy", "one tensor"),
        (table(f=LuaFunction(b"\x1bLJ")), "o.pt", "no plain form"),
        (loop(), "o.pt", "no plain form"),
    ],
)
def test_what_has_no_such_form_is_refused(
    value: Any, name: str, message: str, tmp_path: Path
) -> None:
    with pytest.raises(OutputError, match=message):
        write_data(value, tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_json_names_what_contains_itself(tmp_path: Path) -> None:
    write_data(loop(), tmp_path / "o.json")

    assert json.loads((tmp_path / "o.json").read_text()) == {"me": {"same": ""}}


def test_t7_writes_the_part_anew(tmp_path: Path) -> None:
    write_data(table(linear(1, 1)), tmp_path / "o.t7")

    assert t7convert.load(tmp_path / "o.t7")[1].typename == "nn.Linear"
