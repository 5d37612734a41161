"""docs/json.md tells the fields that ``--json`` prints: all of them, and no others."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

import t7convert
from t7convert.cli import main
from tests.build import linear, obj, sequential, table, tensor
from tests.conftest import ROOT

TEXT = (ROOT / "docs/json.md").read_text(encoding="utf-8")


def documented(title: str) -> dict[str, str]:
    """Return field → what is said of it, of one section."""
    (section,) = re.findall(rf"^## {re.escape(title)}$(.*?)(?=^## |\Z)", TEXT, re.M | re.S)
    rows = re.findall(r"^\| (`.*?) \| (.*) \|$", section, re.M)
    return {name: what for names, what in rows for name in re.findall(r"`(\w+)`", names)}


def printed(line: str, code: int = 0) -> Any:
    """Return what a command prints, which must be JSON alone."""
    done = CliRunner().invoke(main, shlex.split(line), prog_name="t7convert")
    assert done.exit_code == code, done.output
    return json.loads(done.stdout)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the current folder, with a network that classifies pictures of 32x32."""
    monkeypatch.chdir(tmp_path)
    flat = sequential(
        obj("nn.View", size=tensor([3072.0], "Long").storage, numElements=3072, numInputDims=3),
        linear(3072, 10),
    )
    Path("models").mkdir()
    t7convert.save(table(net=flat), "models/m.t7")
    Path("models/bad.t7").write_bytes(b"\x04\x00")
    for label in range(10):
        place = Path(f"val/{label}")
        place.mkdir(parents=True)
        pillow = pytest.importorskip("PIL.Image")
        pillow.fromarray(np.full((32, 32, 3), 20 * label, np.uint8)).save(place / "a.png")
    Path("val/0/b.png").write_bytes(b"none")
    return tmp_path


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("title", "line", "code"),
    [
        ("`to-pytorch`, and `convert` to .pt", "to-pytorch models/m.t7 o.pt --json", 0),
        ("`to-pytorch`, and `convert` to .pt", "convert models/m.t7 o.pt --json", 0),
        ("`convert` to another kind", "convert models/m.t7 o.npz --json", 0),
        ("`shrink`", "shrink models/m.t7 o.t7 --json", 0),
        ("`batch`", "batch models out --json", 1),
        ("`models`", "models --json", 0),
        ("`download --list`", "download --list --json", 0),
        ("`classify`", "classify models/m.t7 val --preprocess cifar10 --json", 1),
        ("`eval`", "eval models/m.t7 --data . --preprocess cifar10 --workers 0 --json", 1),
    ],
)
def test_the_fields(title: str, line: str, code: int) -> None:
    told, found = documented(title), printed(line, code)

    assert sorted(told) == sorted(found)
    for name, rows in found.items():
        inner = {key for row in rows for key in row} if _is_list_of_dicts(rows) else set()
        words = set(re.findall(r"`(\w+)`", told[name]))
        assert inner <= words, (name, inner - words)
    if "parity" in found:
        assert found["parity"].keys() <= set(re.findall(r"`(\w+)`", told["parity"]))


def _is_list_of_dicts(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(row, dict) for row in value)


@pytest.mark.usefixtures("folder")
def test_a_list_of_labels_that_comes_along() -> None:
    found = printed("classify models/m.t7 val/1 --preprocess cifar10 --labels cifar10 --json")

    assert all("label" in row for row in found["images"][0]["top"])


@pytest.mark.usefixtures("folder")
def test_classify_takes_safetensors() -> None:
    printed("convert models/m.t7 o.safetensors --json")
    line = "classify {} val/1 --preprocess cifar10 --json"

    assert (
        printed(line.format("o.safetensors"))["images"]
        == printed(line.format("models/m.t7"))["images"]
    )
