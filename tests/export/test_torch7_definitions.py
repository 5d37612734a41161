"""Bare state_dicts of ShaResNets and ResNets go back by the name of their network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner

import t7convert
from t7convert.cli import main
from t7convert.errors import CheckpointError
from t7convert.models import sharesnet18, sharesnet164
from t7convert.models.states import network_of_state, read_state
from tests.export.torch7_there_and_back import settled


@pytest.fixture
def shared() -> Any:
    """A small shared network of the paper, its weights other than at the beginning."""
    torch.manual_seed(0)
    return settled(sharesnet164(num_classes=3))


def test_a_shared_network_keeps_its_ties(shared: Any, tmp_path: Path) -> None:
    torch.save({"state_dict": shared.state_dict(), "epoch": 3}, tmp_path / "a.pt")
    command = ["to-torch7", str(tmp_path / "a.pt"), str(tmp_path / "a.t7")]
    done = CliRunner().invoke(main, [*command, "--model", "sharesnet164"])
    assert done.exit_code == 0, done.output
    again = t7convert.to_module(tmp_path / "a.t7")

    assert again.ties() == shared.ties() != ()
    for key, value in shared.state_dict().items():
        assert key.endswith("tracked") or torch.equal(again.state_dict()[key], value), key


@pytest.mark.parametrize("prefix", ["", "module."])
def test_an_original_has_torchvisions_keys(prefix: str) -> None:
    torch.manual_seed(0)
    network = settled(sharesnet18(shared=False, num_classes=4))
    state = {prefix + key: value for key, value in network.state_dict().items()}
    again = network_of_state(state, "resnet18", source="it").eval()
    x = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        assert torch.equal(again.features(x), network.features(x))
    assert again.ties() == ()


def test_safetensors_keep_one_name_of_a_tie(shared: Any, tmp_path: Path) -> None:
    save_model = pytest.importorskip("safetensors.torch").save_model
    save_model(shared, str(tmp_path / "a.safetensors"))
    state = read_state(tmp_path / "a.safetensors")
    again = network_of_state(state, "sharesnet164", source="it")

    assert len(state) < len(shared.state_dict())
    assert again.ties() == shared.ties()
    for key, value in shared.state_dict().items():
        assert torch.equal(again.state_dict()[key], value), key


def test_what_does_not_fit_is_named(shared: Any) -> None:
    state = dict(shared.state_dict())
    tied = shared.ties()[0][1]
    cases: list[tuple[dict[str, Any], str, str]] = [
        (state, "sharesnet165", "did you mean sharesnet164"),
        (state, "sharesnet18", "no state_dict of sharesnet18: missing .*unexpected"),
        ({**state, "fc.bias": torch.ones(2)}, "sharesnet164", r"fc\.bias has shape \(2,\)"),
        ({"a": 1}, "sharesnet164", "no tensors"),
        ({**state, tied: state[tied] + 1}, "sharesnet164", "differ: is it a resnet164"),
    ]
    for given, name, reason in cases:
        with pytest.raises(CheckpointError, match=reason):
            network_of_state(given, name, source="it")


def test_files_of_others_say_what_helps(tmp_path: Path) -> None:
    network = torch.nn.Sequential(torch.nn.Linear(2, 2))
    torch.save(network, tmp_path / "whole.pt")
    torch.save(network.state_dict(), tmp_path / "bare.pt")
    torch.save([1, 2], tmp_path / "list.pt")
    (tmp_path / "other.pt2").write_bytes(b"PK")
    for name in ("whole.pt", "bare.pt", "other.pt2"):
        with pytest.raises(CheckpointError, match=r"--model.*t7convert\.to_torch7\(network"):
            t7convert.to_torch7(tmp_path / name, tmp_path / "a.t7")
    with pytest.raises(CheckpointError, match=r"names no architecture.*--model"):
        t7convert.to_torch7(network.state_dict(), tmp_path / "a.t7")  # type: ignore[arg-type]
    for name, reason in (("whole", "weights_only=True"), ("list", "holds a list")):
        with pytest.raises(CheckpointError, match=reason):
            read_state(tmp_path / f"{name}.pt")
    assert not (tmp_path / "a.t7").exists()
