"""Every kind of output, read by the kind's own reader."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch
from safetensors import safe_open

import t7convert
from t7convert.errors import CheckpointError, ConversionError, OutputError
from t7convert.inputs.values import to_arrays, to_tensors
from t7convert.outputs import write_kind
from tests.build import linear, sequential, storage, tensor, view
from tests.cli.test_commands import run
from tests.conftest import FIXTURES
from tests.golden import assert_close, leaves

NETS = sorted(path.name for path in (FIXTURES / "nets").iterdir())


def model(name: str) -> Path:
    """Return the file of a golden network."""
    return next((FIXTURES / "nets" / name).glob("model.t7*"))


def recorded(name: str) -> dict[str, Any]:
    """Return the recorded input and output of a golden network."""
    found: dict[str, Any] = to_arrays(t7convert.load(FIXTURES / "nets" / name / "io.t7.xz"))
    return found


@pytest.mark.parametrize("name", NETS)
def test_safetensors_load_as_the_network_and_in_any_reader(name: str, tmp_path: Path) -> None:
    target = tmp_path / "o.safetensors"
    write_kind(model(name), target, "safetensors")
    expected, found = t7convert.to_module(model(name)), t7convert.load_model(target)

    assert str(found) == str(expected)
    assert sum(p.numel() for p in found.parameters()) == sum(
        p.numel() for p in expected.parameters()
    )
    state = expected.state_dict()
    with safe_open(target, framework="pt") as opened:
        keys = set(opened.keys())
        aliases = json.loads(opened.metadata()["aliases"])
        assert keys | set(aliases) == set(state)
        for key in keys:
            assert torch.equal(opened.get_tensor(key), state[key])


def test_untied_safetensors_hold_every_name_and_say_what_it_costs(tmp_path: Path) -> None:
    remark = write_kind(
        model("sharesnet-basic"), tmp_path / "o.safetensors", "safetensors", untie=True
    )
    state = t7convert.to_module(model("sharesnet-basic")).state_dict()

    assert f"{4 * (177_362 - 128_402):,} bytes more" in remark
    with safe_open(tmp_path / "o.safetensors", framework="pt") as opened:
        assert set(opened.keys()) == set(state)
    again = t7convert.load_model(tmp_path / "o.safetensors")
    assert sum(p.numel() for p in again.parameters()) == 128_402


@pytest.mark.parametrize("dtype", ["float64", "float16", "bfloat16"])
def test_safetensors_in_another_dtype(dtype: Any, tmp_path: Path) -> None:
    write_kind(model("nngraph-unet"), tmp_path / "o.safetensors", "safetensors", dtype=dtype)
    expected = t7convert.to_module(model("nngraph-unet")).to(getattr(torch, dtype)).state_dict()
    found = t7convert.load_model(tmp_path / "o.safetensors").state_dict()

    assert all(torch.equal(found[key], expected[key]) for key in expected)


def test_views_that_do_not_lie_in_one_piece_are_streamed_too(tmp_path: Path) -> None:
    base = storage(np.arange(40.0))
    root = sequential(
        linear(2, 2, weight=view(base, (2, 2), (8, 4))),
        linear(2, 2, weight=view(base, (2, 2), (8, 4), offset=4)),
        linear(3, 2, weight=view(base, (2, 3), (1, 0), offset=30)),
    )
    write_kind(root, tmp_path / "o.safetensors", "safetensors")
    found = t7convert.load_model(tmp_path / "o.safetensors")
    expected = t7convert.to_module(root)

    for a, b in zip(found, expected, strict=True):
        assert torch.equal(a.weight, b.weight)


@pytest.mark.parametrize("name", NETS)
def test_onnx_agrees_in_its_own_runtime(name: str, tmp_path: Path) -> None:
    target = tmp_path / "o.onnx"
    remark = write_kind(model(name), target, "onnx", input=FIXTURES / f"nets/{name}/io.t7.xz")
    io = recorded(name)
    session = onnxruntime.InferenceSession(str(target))
    names = [entry.name for entry in session.get_inputs()]
    found = session.run(None, dict(zip(names, leaves(io["input"]), strict=True)))

    assert "opset 20" in remark
    assert_close(name, found, leaves(io["output"]), 2e-5)


@pytest.mark.parametrize("name", NETS)
@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")
def test_pt2_agrees_in_its_own_runtime(name: str, tmp_path: Path) -> None:
    target = tmp_path / "o.pt2"
    write_kind(model(name), target, "pt2", input=FIXTURES / f"nets/{name}/io.t7.xz")
    io = recorded(name)
    with torch.no_grad():
        found = torch.export.load(target).module()(to_tensors(io["input"]))

    assert_close(name, found, io["output"], 2e-5)


def test_npz_holds_the_state_dict(tmp_path: Path) -> None:
    write_kind(model("transposed-tie"), tmp_path / "o.npz", "npz")
    found = np.load(tmp_path / "o.npz")
    state = t7convert.to_module(model("transposed-tie")).state_dict()
    aliases = json.loads(str(found["aliases"]))

    assert aliases == {"2.parametrizations.weight.original": "0.weight"}
    for key in set(state) - set(aliases):
        np.testing.assert_array_equal(found[key], state[key].numpy())


def test_json_holds_the_structure(tmp_path: Path) -> None:
    write_kind(model("checkpoint-table"), tmp_path / "o.json", "json")
    data = json.loads((tmp_path / "o.json").read_text())

    assert data["provenance"]["beside"]["epoch"] == 90
    assert data["bindings"][0]["key"] == "0.weight"


def test_a_network_that_no_graph_can_express_is_refused(tmp_path: Path) -> None:
    from torch import nn  # noqa: PLC0415

    from t7convert.export.graphs import write_onnx  # noqa: PLC0415

    class Choosy(nn.Module):
        def forward(self, input: torch.Tensor) -> torch.Tensor:
            return input if input.sum().item() > 0 else -input

    with pytest.raises(ConversionError, match="Choosy: it can't be traced"):
        write_onnx(Choosy(), torch.ones(2, 3), tmp_path / "o.onnx")
    assert list(tmp_path.iterdir()) == []


def test_onnx_is_float32_only(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="float32"):
        write_kind(model("transposed-tie"), tmp_path / "o.onnx", "onnx", dtype="float16")


def test_an_unknown_kind_lists_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="known are pt, safetensors"):
        write_kind(model("transposed-tie"), tmp_path / "o.xyz", "xyz")


@pytest.mark.parametrize("suffix", ["onnx", "npz", "json", "t7"])
def test_loading_what_holds_no_network_says_what_reads_it(suffix: str, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="reads it"):
        t7convert.load_model(tmp_path / f"o.{suffix}")


def test_foreign_safetensors_are_refused(tmp_path: Path) -> None:
    from safetensors.torch import save_file  # noqa: PLC0415

    save_file({"a": torch.ones(1)}, tmp_path / "o.safetensors")
    with pytest.raises(CheckpointError, match="names no architecture"):
        t7convert.load_model(tmp_path / "o.safetensors")


def test_the_command_converts_networks_and_data(tmp_path: Path) -> None:
    t7convert.save({"feats": np.ones((2, 3)), "names": ["a", "b"]}, tmp_path / "data.t7")
    made = run("convert", str(model("transposed-tie")), str(tmp_path / "o.safetensors"), "--json")
    data = run("convert", str(tmp_path / "data.t7"), str(tmp_path / "o.npz"))
    again = run("convert", str(tmp_path / "data.t7"), str(tmp_path / "o.npz"))

    assert (made.exit_code, data.exit_code, again.exit_code) == (0, 0, 1)
    assert np.load(tmp_path / "o.npz")["feats"].shape == (2, 3)
    assert "no network in this file" in data.stdout


def test_a_tensor_file_of_one_value(tmp_path: Path) -> None:
    t7convert.save(tensor([3.0]), tmp_path / "x.t7")
    run("convert", str(tmp_path / "x.t7"), str(tmp_path / "x.npy"))

    assert np.load(tmp_path / "x.npy").tolist() == [3.0]
