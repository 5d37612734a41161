"""``to-pytorch --into``: files that hold only what ``getParameters()`` returned."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

import t7convert
from tests.cli.test_commands import run
from tests.conftest import FIXTURES

MODEL = FIXTURES / "nets/sharesnet-basic/model.t7"


def test_a_flat_vector_becomes_the_networks_parameters(tmp_path: Path) -> None:
    vector = np.random.default_rng(0).standard_normal(128_402).astype(np.float32)
    t7convert.save({"parameters": vector, "epoch": 3}, tmp_path / "flat.t7")
    out = tmp_path / "out.pt"
    result = run("to-pytorch", str(tmp_path / "flat.t7"), str(out), "--into", str(MODEL))
    network = t7convert.load_model(out)

    assert result.exit_code == 0, result.stderr
    np.testing.assert_array_equal(t7convert.flat_vector(network).numpy(), vector)
    assert network.layer1[0].conv2.weight is network.layer1[1].conv2.weight
    origin = torch.load(out, weights_only=True)["provenance"]
    assert origin["source"] == "model.t7"
    assert origin["parameters"]["source"] == "flat.t7"


@pytest.mark.parametrize("length", [128_401, 128_403])
def test_a_vector_of_another_length_is_refused(length: int, tmp_path: Path) -> None:
    t7convert.save({"parameters": np.zeros(length, np.float32)}, tmp_path / "flat.t7")
    result = run(
        *("to-pytorch", str(tmp_path / "flat.t7"), str(tmp_path / "o.pt"), "--into", str(MODEL)),
    )

    assert result.exit_code == 1
    assert "128,402" in result.stderr
    assert not (tmp_path / "o.pt").exists()


def test_load_flat_and_its_inverse_on_a_network() -> None:
    network = t7convert.to_module(MODEL)
    before = t7convert.flat_vector(network).clone()
    t7convert.load_flat(network, before * 2)

    assert torch.equal(t7convert.flat_vector(network), before * 2)
    with pytest.raises(t7convert.CheckpointError):
        t7convert.load_flat(network, before[:-1])
