"""Inputs of a check: drawn by the network's own shapes, from files, from pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import t7convert
from t7convert.inputs.drawing import Trial, from_file
from tests.build import obj, tensor
from tests.conftest import FIXTURES

BASIC = next((FIXTURES / "nets/sharesnet-basic").glob("model.t7*"))


@pytest.mark.parametrize("arch", ["auto", "generic"])
def test_drawn_inputs_are_a_batch_one_sample_and_no_batch(arch: Any) -> None:
    report = t7convert.verify(BASIC, arch=arch)

    assert report.ok
    assert list(report.inputs.values()) == ["2x3x40x56", "1x3x40x56", "3x40x56"]
    assert report.facts[1].ok
    assert report.facts[1].detail == "4 groups of shared parameters, each one Parameter"


@pytest.mark.parametrize("kind", ["npy", "pt", "t7"])
def test_inputs_from_files(kind: str, tmp_path: Path) -> None:
    value = np.random.default_rng(0).standard_normal((1, 3, 40, 56)).astype(np.float32)
    path = tmp_path / f"x.{kind}"
    if kind == "npy":
        np.save(path, value)
    elif kind == "pt":
        torch.save(torch.from_numpy(value), path)
    else:
        t7convert.save(tensor(value, "Float"), path)
    report = t7convert.verify(BASIC, input=path)

    assert report.ok
    assert report.seed is None
    assert report.inputs == {f"x.{kind}": "1x3x40x56"}


@pytest.mark.parametrize("kind", ["png", "jpg"])
def test_inputs_from_pictures(kind: str, tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image")
    pixels = np.random.default_rng(0).integers(0, 256, (40, 56, 3), dtype=np.uint8)
    path = tmp_path / f"x.{kind}"
    image.fromarray(pixels).save(path)

    assert from_file(path).value.shape == (1, 3, 40, 56)
    assert t7convert.verify(BASIC, input=path).ok


def test_an_input_that_was_refused_is_said_to_be_not_compared(tmp_path: Path) -> None:
    t7convert.save(obj("nn.JoinTable", dimension=2), tmp_path / "m.t7")
    pair = [np.ones((2, 3)), np.ones((2, 4))]
    t7convert.save({"input": pair}, tmp_path / "io.t7")
    given = t7convert.verify(tmp_path / "m.t7", input=tmp_path / "io.t7")
    drawn = t7convert.verify(BASIC)

    assert list(given.inputs.values()) == ["[2x3, 2x4]"]
    assert not any("not compared" in text for text in drawn.inputs.values())
    from t7convert.parity.check import _told  # noqa: PLC0415

    assert "not compared" in _told(Trial("without batch", np.ones(3)), drawn.rows[:1])
