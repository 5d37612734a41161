"""The documents say what the package does: their examples run as printed."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import t7convert
from tests.build import linear, obj, sequential, table, tensor
from tests.conftest import ROOT


def blocks(document: str, language: str) -> list[str]:
    """Return the code blocks of a document in one language."""
    text = (ROOT / document).read_text()
    found = re.findall(r"^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return [block for name, block in found if name == language]


def shell(line: str, folder: Path) -> str:
    """Run one `$ t7convert ...` line in a folder and return what it printed."""
    words = line.removeprefix("$ ").split()
    assert words[0] == "t7convert"
    done = subprocess.run(
        [sys.executable, "-m", *words], cwd=folder, check=True, capture_output=True, text=True
    )
    return done.stdout


def test_the_example_of_the_readme_runs_as_printed(tmp_path: Path) -> None:
    (tmp_path / "fixtures").symlink_to(ROOT / "fixtures")
    commands = next(block for block in blocks("README.md", "") if block.startswith("$"))
    for line in commands.strip().splitlines():
        printed = shell(line, tmp_path)
    assert "PASS" in printed
    code = blocks("README.md", "python")[0]
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, check=True, capture_output=True, text=True
    )

    expected = blocks("README.md", "")[-1]
    assert done.stdout == expected


def test_the_plugin_of_contributing_converts(tmp_path: Path) -> None:
    layer = obj("my.ScaleShift", output=0, gradInput=0, power=2)
    layer.fields["weight"], layer.fields["bias"] = tensor([2.0, 3.0]), tensor([1.0, 0.0])
    t7convert.save(table(net=sequential(layer)), tmp_path / "model.t7")
    shell("$ t7convert stub model.t7 my_layers.py", tmp_path)
    skeleton = (tmp_path / "my_layers.py").read_text()
    assert "class ScaleShift(nn.Module)" in skeleton
    assert (
        "@converts('my.ScaleShift', parameters='weight bias', constants={'power': 2})" in skeleton
    )

    (tmp_path / "my_layers.py").write_text(blocks("CONTRIBUTING.md", "python")[0])
    shell("$ t7convert to-pytorch model.t7 out.pt --plugin my_layers.py", tmp_path)
    network = t7convert.load_model(tmp_path / "out.pt", plugins=[tmp_path / "my_layers.py"])

    np.testing.assert_array_equal(
        network(torch.tensor([2.0, 2.0], dtype=torch.float64)).detach(), [9.0, 12.0]
    )


def test_the_skeleton_of_stub_is_a_plugin_whose_forward_is_missing(tmp_path: Path) -> None:
    layer = obj("my.Box", output=0, gradInput=0, scale=1.5, name="a b", inner=sequential())
    layer.fields["table"] = tensor([1.0])
    layer.fields["modules"] = table(sequential())
    t7convert.save(layer, tmp_path / "model.t7")
    shell("$ t7convert stub model.t7 plugin.py", tmp_path)
    network = t7convert.to_module(tmp_path / "model.t7", plugins=[tmp_path / "plugin.py"])

    assert type(network).__name__ == "Box"
    assert network.scale == 1.5
    with pytest.raises(RuntimeError, match=r"my\.Box has no forward yet"):
        network(1)


def test_the_python_of_the_parity_document_runs(tmp_path: Path) -> None:
    t7convert.save(linear(3, 2), tmp_path / "model.t7")
    t7convert.convert(tmp_path / "model.t7", tmp_path / "out.pt")
    first, second = blocks("docs/parity.md", "python")[:2]
    setup = "import t7convert\nmy_model = t7convert.load_model('out.pt')\n"
    code = f"{setup}{first}{second}test_my_network_is_still_the_lua_one()\n"

    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)


def test_what_the_readme_names_is_there() -> None:
    text = (ROOT / "README.md").read_text()
    named = re.findall(r"`t7convert((?:\.[a-zA-Z_0-9]+)+)`", text)
    assert len(named) > 5
    for path in named:
        value: object = t7convert
        for position, name in enumerate(path[1:].split(".")):
            if not hasattr(value, name):
                value = importlib.import_module(
                    f"t7convert{'.'.join(path.split('.')[: position + 2])}"
                )
            else:
                value = getattr(value, name)


def test_every_relative_link_leads_somewhere() -> None:
    documents = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]
    for document in documents:
        for link in re.findall(r"\]\(([^)#]+)", document.read_text()):
            if "://" not in link:
                assert (document.parent / link).exists(), f"{document.name}: {link}"
