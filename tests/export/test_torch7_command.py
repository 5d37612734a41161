"""``t7convert to-torch7`` and its document."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner

import t7convert
from t7convert.cli import main
from t7convert.export.torch7.building import BUILDERS
from tests.conftest import ROOT
from tests.test_documents import blocks
from tests.test_nets import net


@pytest.mark.parametrize("suffix", ["pt", "safetensors"])
def test_the_command_writes_what_comes_back(suffix: str, tmp_path: Path) -> None:
    model, _ = net("sharesnet-basic")
    source, out = tmp_path / f"a.{suffix}", tmp_path / "b.t7"
    if suffix == "pt":
        t7convert.convert(model, source, verify=False)
    else:
        pytest.importorskip("safetensors")
        done = CliRunner().invoke(main, ["convert", str(model), str(source)])
        assert done.exit_code == 0, done.output
    options = ["--type", "double", "--backend", "nn", "--flatten", "--no-gradients"]
    done = CliRunner().invoke(main, ["to-torch7", str(source), str(out), *options])

    assert done.exit_code == 0, done.output
    first, second = t7convert.to_module(model), t7convert.to_module(out)
    for key, value in first.state_dict().items():
        assert torch.equal(value.to(second.state_dict()[key].dtype), second.state_dict()[key])
    again = CliRunner().invoke(main, ["to-torch7", str(source), str(out)])
    assert again.exit_code == 1
    assert "--force" in again.output


def test_other_files_are_refused(tmp_path: Path) -> None:
    torch.save({"weight": torch.ones(2)}, tmp_path / "bare.pt")
    done = CliRunner().invoke(
        main, ["to-torch7", str(tmp_path / "bare.pt"), str(tmp_path / "out.t7")]
    )

    assert done.exit_code == 1
    assert "was not written by t7convert" in done.output
    assert not (tmp_path / "out.t7").exists()


@pytest.mark.parametrize("number", [0, 1, 2])
def test_the_document_runs_as_printed(number: int, tmp_path: Path) -> None:
    (tmp_path / "fixtures").symlink_to(ROOT / "fixtures")
    code = blocks("docs/torch7.md", "python")[number]
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, check=True, capture_output=True, text=True
    )

    starts = ("<nn.gModule>\n", "Sequential(", "<nn.Sequential>\n")
    assert done.stdout.startswith(starts[number])


def test_the_document_names_every_layer() -> None:
    text = (ROOT / "docs" / "torch7.md").read_text()
    for kind in BUILDERS:
        stem = kind.__name__.removesuffix("1d").removesuffix("2d").removesuffix("3d")
        assert stem in text, kind
