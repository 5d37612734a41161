"""Wrong arguments of the public functions are errors: nothing is ignored, nothing is guessed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import t7convert
from t7convert.export.data import write_data
from tests.build import linear, sequential, tensor


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "m.t7"
    t7convert.save(sequential(linear(3, 2)), path)
    return path


@pytest.mark.parametrize("kind", ["pt", "npz", "safetensors", "json"])
def test_an_option_that_there_is_not(model: Path, tmp_path: Path, kind: str) -> None:
    with pytest.raises(TypeError, match="there is no option 'unite'; known are untie, input"):
        t7convert.convert(model, tmp_path / f"o.{kind}", unite=True)
    assert not (tmp_path / f"o.{kind}").exists()


@pytest.mark.parametrize("kind", ["pt", "npz", "safetensors", "py"])
def test_a_dtype_that_nothing_is_cast_to(model: Path, tmp_path: Path, kind: str) -> None:
    wrong: Any = "int8"
    with pytest.raises(ValueError, match="dtype='int8', expected one of float64, float32"):
        t7convert.convert(model, tmp_path / f"o.{kind}", dtype=wrong)
    assert not (tmp_path / f"o.{kind}").exists()


def test_wrong_calls_of_verify(model: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.zeros((1, 3)))
    with pytest.raises(ValueError, match="dtype='int8', expected one of"):
        t7convert.verify(model, dtype="int8")
    with pytest.raises(ValueError, match="input and input_shape: give one of them"):
        t7convert.verify(model, input=tmp_path / "x.npy", input_shape=(1, 3))


def test_verify_takes_what_the_others_take(model: Path) -> None:
    data = model.read_bytes()
    with model.open("rb") as file:
        parsers = [t7convert.verify(source).parser for source in (model, str(model), data, file)]
    loaded = t7convert.verify(t7convert.load(model))

    assert parsers == ["torchfile"] * 4
    assert loaded.ok
    assert "no file, but an object in memory" in loaded.parser


def test_data_is_written_to_a_path_of_any_kind(tmp_path: Path) -> None:
    write_data(tensor([1.0, 2.0]), str(tmp_path / "o.npy"))

    assert np.load(tmp_path / "o.npy").tolist() == [1.0, 2.0]
