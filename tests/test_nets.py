"""Whole networks that a real Torch7 saved and ran: outputs, layers, gradients, ties."""

from __future__ import annotations

import lzma
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import t7convert
from t7convert.api import to_converted
from t7convert.inputs.values import to_arrays, to_tensors
from tests.conftest import FIXTURES
from tests.golden import assert_close, leaves

FOLDERS = {path.name: path for kind in ("nets", "nets2") for path in (FIXTURES / kind).iterdir()}
NETS = sorted(FOLDERS)
#: Ties, and the families that are recognised, of nets2.
FAMILIES = {"shortcut-a": 3, "shortcut-a-notcleared": 0, "shortcut-c": 2}
OTHERS = {
    "partly-tied": (3, "is not how the definition shares"),
    "tied-by-object": (3, "stands in several places"),
    "object-residual": (1, "is not how the definition shares"),
    "tied-embedding": (1, "neither a ShaResNet"),
    "unrolled": (12, "neither a ShaResNet"),
}
FULL = ("sharesnet164-cifar10", "sharesnet50")


def net(name: str) -> tuple[Path, dict[str, Any]]:
    """Return the model's path and the recorded values of a network."""
    folder = FOLDERS[name]
    model = next(folder.glob("model.t7*"))
    return model, to_arrays(t7convert.load(folder / "io.t7.xz"))


@pytest.mark.parametrize("arch", ["auto", "generic"])
@pytest.mark.parametrize("name", NETS)
def test_float64_output_and_gradient_agree_with_torch7(name: str, arch: Any) -> None:
    model, io = net(name)
    network = t7convert.to_module(model, arch=arch).double()
    given = to_tensors(io["input"], dtype=torch.float64)
    for tensor in leaves(given):
        tensor.requires_grad_(True)
    output = network(given)

    assert_close("output", output, io["output64"], 1e-10)
    torch.autograd.backward(leaves(output), leaves(to_tensors(io["gradOutput"])))
    # LookupTable's gradient at its indices is zero
    found = [torch.zeros_like(x) if x.grad is None else x.grad for x in leaves(given)]
    assert_close("gradInput", found, io["gradInput64"], 1e-10)
    flat = torch.cat([p.grad.reshape(-1) for p in network.parameters()])
    assert_close("gradParams", flat, io["gradParams64"], 1e-10)


@pytest.mark.parametrize("name", NETS)
def test_float32_error_is_as_small_as_torch7s_own(name: str) -> None:
    model, io = net(name)
    with torch.no_grad():
        output = t7convert.to_module(model)(to_tensors(io["input"]))
    for a, b, truth in zip(
        leaves(output), leaves(io["output"]), leaves(io["output64"]), strict=True
    ):
        theirs = float(np.abs(b - truth).max())
        ours = float(np.abs(a.numpy() - truth).max())

        assert ours <= 4 * theirs + 1e-7 * float(np.abs(truth).max())


@pytest.mark.parametrize("name", NETS)
def test_layers_agree_with_torch7(name: str) -> None:
    model, io = net(name)
    if "layers" not in io:
        return
    converted = to_converted(model, arch="generic")
    outputs: dict[str, Any] = {}
    for path, names in converted.modules.items():
        key = ".".join(str(k) for k in t7convert.paths.parse(path) if isinstance(k, int))

        def keep(module: Any, args: Any, output: Any, key: str = key) -> None:
            outputs[key] = [leaf.detach().clone().numpy() for leaf in leaves(output)]

        converted.network.get_submodule(names[0]).register_forward_hook(keep)
    with torch.no_grad():
        converted.network(to_tensors(io["input"]))

    assert io["layers"]
    for layer in io["layers"]:
        assert_close(layer["path"], outputs[layer["path"]], layer["output"], 2e-5)


@pytest.mark.parametrize("name", sorted(p.name for p in (FIXTURES / "nets2").iterdir()))
def test_other_networks_verify(name: str, tmp_path: Path) -> None:
    model, io = net(name)
    made = t7convert.convert(model, tmp_path / "out.pt", verify=False)
    report = t7convert.verify(model, made.target, gradients=True, dtype="float64")

    assert report.ok, str(report)
    assert made.parameters == len(io["gradParams64"])


@pytest.mark.parametrize("name", [*FAMILIES, *OTHERS])
def test_only_the_definitions_own_ties_are_recognised(name: str) -> None:
    converted = to_converted(net(name)[0])
    ties, reason = OTHERS.get(name, (FAMILIES.get(name), ""))

    assert converted.architecture == ("sharesnet" if name in FAMILIES else "generic")
    assert reason in converted.reason
    assert len(converted.ties()) == ties


@pytest.mark.slow
@pytest.mark.parametrize("name", FULL)
def test_full_size_networks(name: str, shared: Path, tmp_path: Path) -> None:
    paths = {}
    for part in ("model", "io"):
        paths[part] = tmp_path / f"{part}.t7"
        packed = shared / f"golden/full/{name}/{part}.t7.xz"
        with lzma.open(packed) as source, paths[part].open("wb") as plain:
            shutil.copyfileobj(source, plain)
    io = to_arrays(t7convert.load(paths["io"]))
    made = t7convert.convert(paths["model"], tmp_path / "out.pt")
    network = t7convert.load_model(made.target)

    assert (made.parameters, made.parameters_naive) == (io["unique"], io["naive"])
    assert made.architecture == "sharesnet"
    with torch.no_grad():
        output = network(to_tensors(io["input"])).numpy()
        wide = network.double()(to_tensors(io["input"], dtype=torch.float64))
    assert_close("output64", wide, io["output64"], 1e-10)
    theirs = np.abs(io["output"] - io["output64"]).max()
    assert np.abs(output - io["output64"]).max() <= 4 * theirs
