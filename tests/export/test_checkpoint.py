"""The .pt file: safe to load, compact, and strict when it is read back."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import t7convert
from t7convert.errors import CheckpointError, OutputError
from tests.build import linear, obj, sequential, storage, table, tensor, view
from tests.conftest import FIXTURES

NETS = sorted(path.name for path in (FIXTURES / "nets").iterdir())


def model(name: str) -> Path:
    """Return the file of a golden network."""
    return next((FIXTURES / "nets" / name).glob("model.t7*"))


@pytest.mark.parametrize("arch", ["auto", "generic"])
@pytest.mark.parametrize("name", NETS)
def test_what_is_saved_comes_back(name: str, arch: Any, tmp_path: Path) -> None:
    made = t7convert.convert(model(name), tmp_path / "out.pt", arch=arch)
    before = t7convert.to_module(model(name), arch=arch)
    after = t7convert.load_model(made.target)

    assert str(after) == str(before)
    assert not after.training
    assert sum(p.numel() for p in after.parameters()) == made.parameters
    for (key, a), (other, b) in zip(
        before.state_dict().items(), after.state_dict().items(), strict=True
    ):
        assert key == other
        assert torch.equal(a, b)


def test_the_file_holds_plain_values_and_compact_storages(tmp_path: Path) -> None:
    target = tmp_path / "out.pt"
    t7convert.convert(model("sharesnet-basic"), target)
    content = torch.load(target, weights_only=True)

    assert set(content) == {
        *("format", "state_dict", "architecture", "bindings", "ties", "provenance"),
    }
    assert content["ties"][0] == ["layer1.0.conv2.weight", "layer1.1.conv2.weight"]
    state = content["state_dict"]
    one, two = (state[key] for key in content["ties"][0])
    assert one.data_ptr() == two.data_ptr()
    for value in state.values():
        assert value.untyped_storage().nbytes() == value.numel() * value.element_size()
    assert json.loads(content["architecture"])["kind"] == "sharesnet"
    assert content["bindings"][0] == {
        "path": "modules[1].weight",
        "key": "conv1.weight",
        "view": [],
    }


def test_provenance_tells_the_source_and_what_stood_beside(tmp_path: Path) -> None:
    source = model("checkpoint-table")
    t7convert.convert(source, tmp_path / "out.pt")
    origin = torch.load(tmp_path / "out.pt", weights_only=True)["provenance"]

    assert origin["source"] == source.name
    assert origin["size"] == source.stat().st_size
    assert len(origin["sha256"]) == 64
    assert origin["model"] == "model"
    assert origin["beside"]["mean"] == [0.485, 0.456, 0.406]
    assert origin["beside"]["opt"]["dataset"] == "imagenet"


def test_big_tensors_and_objects_beside_the_model_are_named(tmp_path: Path) -> None:
    root = table(net=linear(1, 1), feats=tensor(np.zeros(5000)), loss=obj("nn.MSECriterion"))
    t7convert.convert(root, tmp_path / "out.pt")
    origin = torch.load(tmp_path / "out.pt", weights_only=True)["provenance"]

    assert [row.split(":")[0] for row in origin["left_out"]] == ["feats", "loss"]


def test_state_dict_only(tmp_path: Path) -> None:
    t7convert.convert(model("transposed-tie"), tmp_path / "out.pt", state_dict_only=True)
    state = torch.load(tmp_path / "out.pt", weights_only=True)

    assert all(isinstance(value, torch.Tensor) for value in state.values())
    with pytest.raises(CheckpointError, match="bare state_dict"):
        t7convert.load_model(tmp_path / "out.pt")


@pytest.mark.parametrize("dtype", ["float64", "float16", "bfloat16"])
def test_dtype_casts_floating_tensors_and_keeps_ties(dtype: Any, tmp_path: Path) -> None:
    made = t7convert.convert(model("sharesnet-basic"), tmp_path / "out.pt", dtype=dtype)
    network = t7convert.load_model(made.target)

    assert {p.dtype for p in network.parameters()} == {getattr(torch, dtype)}
    assert sum(p.numel() for p in network.parameters()) == 128_402


def change(path: Path, key: str, value: Any) -> None:
    """Rewrite one entry of a checkpoint."""
    content = torch.load(path, weights_only=True)
    content[key] = value(content[key])
    torch.save(content, path)


def test_values_that_disagree_across_a_tie_are_an_error(tmp_path: Path) -> None:
    target = tmp_path / "out.pt"
    t7convert.convert(model("sharesnet-basic"), target)

    def untie(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        changed = state["layer1.1.conv2.weight"].clone()
        changed[0, 0, 0, 0] = torch.nextafter(changed[0, 0, 0, 0], torch.tensor(9.0))
        return {**state, "layer1.1.conv2.weight": changed}

    change(target, "state_dict", untie)
    with pytest.raises(CheckpointError, match=r"layer1.0.conv2.weight and layer1.1.conv2.weight"):
        t7convert.load_model(target)


def test_equal_values_across_a_tie_become_one_parameter_again(tmp_path: Path) -> None:
    target = tmp_path / "out.pt"
    t7convert.convert(model("sharesnet-basic"), target)
    change(target, "state_dict", lambda state: {k: v.clone() for k, v in state.items()})
    network = t7convert.load_model(target)

    assert sum(p.numel() for p in network.parameters()) == 128_402


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("state_dict", lambda s: dict(list(s.items())[1:]), "missing"),
        ("state_dict", lambda s: {**s, "more": torch.ones(1)}, "unexpected"),
        ("state_dict", lambda s: {**s, "0.weight": torch.ones(2, 2)}, "has shape"),
        ("architecture", lambda a: a[:-9], "can't be understood"),
        ("format", lambda f: {**f, "version": 99}, "version 99"),
        ("format", lambda f: {**f, "name": "other"}, "not of t7convert"),
    ],
)
def test_what_does_not_fit_is_an_error(key: str, value: Any, message: str, tmp_path: Path) -> None:
    target = tmp_path / "out.pt"
    t7convert.convert(sequential(linear(3, 2)), target)
    change(target, key, value)
    with pytest.raises(CheckpointError, match=message):
        t7convert.load_model(target)


def test_a_file_that_is_no_checkpoint_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "x.pt").write_text("hello")

    with pytest.raises(CheckpointError, match="can't be loaded"):
        t7convert.load_model(tmp_path / "x.pt")


def test_an_existing_output_is_kept_unless_forced(tmp_path: Path) -> None:
    target = tmp_path / "out.pt"
    target.write_text("mine")
    with pytest.raises(OutputError, match="exists; use --force"):
        t7convert.convert(linear(1, 1), target)
    assert target.read_text() == "mine"
    t7convert.convert(linear(1, 1), target, force=True)

    assert t7convert.load_model(target).in_features == 1


def test_the_input_is_never_overwritten(tmp_path: Path) -> None:
    source = tmp_path / "model.t7"
    t7convert.save(linear(1, 1), source)
    before = source.read_bytes()

    with pytest.raises(OutputError, match="is the file that is being read"):
        t7convert.convert(source, source, force=True)
    assert source.read_bytes() == before


def test_a_failure_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(t7convert.ConversionError):
        t7convert.convert(obj("my.Unknown", output=0, gradInput=0), tmp_path / "out.pt")

    assert list(tmp_path.iterdir()) == []


def test_the_mode_is_that_of_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        made = t7convert.convert(linear(1, 1), tmp_path / "out.pt")
    finally:
        os.umask(before)

    assert stat.S_IMODE(made.target.stat().st_mode) == 0o640


def test_a_small_view_of_a_huge_storage_is_saved_small(tmp_path: Path) -> None:
    base = storage(np.zeros(100_000))
    made = t7convert.convert(linear(2, 2, weight=view(base, (2, 2), offset=50)), tmp_path / "o.pt")

    assert made.target.stat().st_size < 10_000


def test_progress_is_reported(tmp_path: Path) -> None:
    seen: list[tuple[str, int, int]] = []
    t7convert.convert(
        model("sharesnet-basic"), tmp_path / "o.pt", progress=lambda *step: seen.append(step)
    )

    assert seen[-1][1] == seen[-1][2] > 500_000
    assert [done for _, done, _ in seen] == sorted(done for _, done, _ in seen)
