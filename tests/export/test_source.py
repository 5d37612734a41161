"""Readable source: run in a fresh Python that has torch and no t7convert."""

from __future__ import annotations

import lzma
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

import t7convert
from t7convert.api import to_converted
from t7convert.errors import ConversionError, OutputError
from t7convert.export.source.text import source_text
from t7convert.inputs.values import to_arrays, to_tensors
from t7convert.outputs import write_kind
from tests.build import linear, sequential
from tests.cli.test_commands import run
from tests.conftest import FIXTURES
from tests.golden import leaves

NETS = sorted(path.name for path in (FIXTURES / "nets").iterdir())
FULL = ("sharesnet164-cifar10", "sharesnet50")
#: Runs the source with the input and leaves what it computed.
ALONE = """
import importlib.util, sys, torch
class Forbidden:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("t7convert", "torchfile"):
            raise ImportError(name)
sys.meta_path.insert(0, Forbidden())
torch.set_num_threads(1)
spec = importlib.util.spec_from_file_location("model", sys.argv[1])
model = importlib.util.module_from_spec(spec)
sys.modules["model"] = model
spec.loader.exec_module(model)
network = model.load()
with torch.no_grad():
    output = network(torch.load(sys.argv[2], weights_only=True))
state = network.state_dict()
count = sum(p.numel() for p in network.parameters())
torch.save({"output": output, "keys": list(state), "parameters": count}, sys.argv[3])
assert not any(name.split(".")[0] == "t7convert" for name in sys.modules)
"""


def alone(source: Path, given: Any) -> dict[str, Any]:
    """Return what the source computes in a process of its own."""
    torch.save(given, source.with_suffix(".in"))
    script = source.with_name("alone.py")
    script.write_text(ALONE)
    args = [script, source, source.with_suffix(".in"), source.with_suffix(".out")]
    subprocess.run([sys.executable, "-I", *map(str, args)], check=True, timeout=300)
    found: dict[str, Any] = torch.load(source.with_suffix(".out"), weights_only=True)
    return found


def prove(model: Path, io: Path, target: Path, arch: Any) -> str:
    """Write the source and compare what it computes alone; return its text."""
    remark = write_kind(model, target, "py", arch=arch, input=io)
    network = t7convert.to_module(model, arch=arch)
    given = to_tensors(to_arrays(t7convert.load(io))["input"])
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.no_grad():
            expected = network(given)
    finally:
        torch.set_num_threads(threads)
    found = alone(target, given)

    assert "compared, bit for bit" in remark
    assert found["keys"] == list(network.state_dict())
    assert found["parameters"] == sum(p.numel() for p in network.parameters())
    assert leaves(expected)
    for a, b in zip(leaves(found["output"]), leaves(expected), strict=True):
        assert torch.equal(a, b)
    return target.read_text()


def assert_formatted(folder: Path) -> None:
    """Require that ruff has nothing to change or to say."""
    options = ["--isolated", "--line-length=100", "--target-version=py310", str(folder)]
    for command in (["format", "--check"], ["check", "--select=E,F,W,I,UP,PIE,C4,PT"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *command, *options],
            check=False,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("arch", ["auto", "generic"])
@pytest.mark.parametrize("name", NETS)
def test_the_source_computes_the_same_without_t7convert(
    name: str, arch: Any, tmp_path: Path
) -> None:
    folder = FIXTURES / "nets" / name
    model = next(folder.glob("model.t7*"))
    text = prove(model, folder / "io.t7.xz", tmp_path / "net.py", arch)
    (tmp_path / "alone.py").unlink()

    assert "import t7convert" not in text
    assert "from t7convert" not in text
    assert_formatted(tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("name", FULL)
def test_full_size_networks(name: str, shared: Path, tmp_path: Path) -> None:
    paths = {}
    for part in ("model", "io"):
        paths[part] = tmp_path / f"{part}.t7"
        with (
            lzma.open(shared / f"golden/full/{name}/{part}.t7.xz") as source,
            paths[part].open("wb") as plain,
        ):
            shutil.copyfileobj(source, plain)
    text = prove(paths["model"], paths["io"], tmp_path / "net.py", "auto")

    assert len(text.splitlines()) <= 100
    (tmp_path / "alone.py").unlink()
    assert_formatted(tmp_path)
    generic = prove(paths["model"], paths["io"], tmp_path / "generic.py", "generic")
    assert "for i in range(" in generic


def source_of(name: str, arch: Any = "auto") -> str:
    """Return the text for a golden network."""
    model = next((FIXTURES / "nets" / name).glob("model.t7*"))
    return source_text(to_converted(model, arch=arch).network, "net.weights.pt")


def test_ties_are_visible() -> None:
    shared, plain = source_of("sharesnet-basic"), source_of("resnet-basic")
    twice, tied = source_of("same-module-twice"), source_of("transposed-tie")
    generic = source_of("sharesnet-basic", "generic")

    assert "block.conv2.weight = blocks[0].conv2.weight" in shared
    assert "conv2.weight" not in plain
    assert "self[2] = self[0]\n" in twice
    assert "self[6][1][0].bias = self[6][0][0].bias\n" in twice
    assert "self[2].weight = self[0].weight\n" in tied
    assert '(self[2], "weight", PermutedView((1, 0)), unsafe=True)' in tied
    assert "self[4][1][0][0][3].weight = self[4][0][0][0][3].weight\n" in generic


def test_repeated_structures_are_classes_and_loops() -> None:
    text = source_of("sharesnet-bottleneck", "generic")

    assert text.count("nn.Conv2d(") < 12
    assert "class Residual" in text
    assert " for _ in range(" in text


def test_a_graph_is_a_forward_with_named_values() -> None:
    text = source_of("nngraph-lstm")

    assert "        node3, node15, node6 = input\n" in text
    assert "        node17 = self.node17([node14, node15])\n" in text
    assert "        return [node23, node27]\n" in text


def test_another_dtype(tmp_path: Path) -> None:
    folder = FIXTURES / "nets/nngraph-unet"
    model = next(folder.glob("model.t7*"))
    write_kind(model, tmp_path / "o.py", "py", dtype="float64", input=folder / "io.t7.xz")
    given = to_tensors(to_arrays(t7convert.load(folder / "io.t7.xz"))["input"], dtype=torch.float64)
    with torch.no_grad():
        expected = t7convert.to_module(model).double()(given)

    assert ".to(torch.float64)\n" in (tmp_path / "o.py").read_text()
    assert torch.equal(alone(tmp_path / "o.py", given)["output"], expected)


def test_the_command_writes_both_files_and_replaces_neither(tmp_path: Path) -> None:
    model = next((FIXTURES / "nets/transposed-tie").glob("model.t7*"))
    made = run("convert", str(model), str(tmp_path / "o.py"))
    again = run("convert", str(model), str(tmp_path / "o.py"))
    (tmp_path / "o.py").unlink()

    assert (made.exit_code, again.exit_code) == (0, 1)
    assert "weights in o.weights.pt" in made.stdout
    with pytest.raises(OutputError, match=r"o\.weights\.pt: exists"):
        write_kind(model, tmp_path / "o.py", "py")
    state = torch.load(tmp_path / "o.weights.pt", weights_only=True)
    assert list(state) == list(t7convert.to_module(model).state_dict())


def test_without_a_known_input_only_the_structure_is_compared(tmp_path: Path) -> None:
    from t7convert.conversion.convert import Converted  # noqa: PLC0415
    from t7convert.errors import SelectionError  # noqa: PLC0415
    from t7convert.export.source.text import write_source  # noqa: PLC0415

    def unknown() -> Any:
        raise SelectionError("nobody knows")

    converted: Converted = to_converted(sequential(linear(2, 2)))
    remark = write_source(converted, tmp_path / "o.py", example=unknown)

    assert "were not compared: nobody knows" in remark


class Foreign(torch.nn.Module):
    """A module that belongs to neither torch nor t7convert."""


def changed() -> torch.nn.Module:
    """Return a network with a module that was changed after it was made."""
    network = t7convert.to_module(next((FIXTURES / "nets/inception").glob("model.t7*")))
    network.get_submodule("2").extra = 3  # type: ignore[assignment]  # torch takes any attribute
    return network


def test_what_has_no_source_is_refused_by_name(tmp_path: Path) -> None:
    from dataclasses import replace  # noqa: PLC0415

    from t7convert.export.source.text import write_source  # noqa: PLC0415

    converted = to_converted(sequential(linear(2, 2)))
    hooked = torch.nn.Sequential(torch.nn.ReLU())
    hooked[0].register_forward_hook(lambda module, args, output: output + 1)
    mixed = torch.nn.Sequential(torch.nn.Linear(1, 1), torch.nn.Linear(1, 1).double())
    named = torch.nn.Sequential()
    named.add_module("relu", torch.nn.ReLU())
    cases = {
        "0: Foreign: .* neither torch's nor t7convert's": torch.nn.Sequential(Foreign()),
        "0: ReLU: it has a hook": hooked,
        "mixes dtypes": mixed,
        "named relu": named,
        "2: CrossMapLRN: its extra was set after": changed(),
    }
    for message, network in cases.items():
        with pytest.raises(ConversionError, match=message):
            write_source(replace(converted, network=network), tmp_path / "o.py")
    assert list(tmp_path.iterdir()) == []
