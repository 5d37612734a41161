"""Options that would do nothing, or contradict each other: named, exit code 2, nothing written."""

from __future__ import annotations

import tarfile
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

import t7convert
from t7convert.cli import main
from tests.build import linear, obj, sequential, table, tensor

PLUGIN = """
from torch import nn
from t7convert import converts

@converts("my.Scale", parameters="gain")
def scale(m):
    return nn.Identity()
"""


def run(*args: object) -> Result:
    """Run a command as the shell would."""
    return CliRunner().invoke(main, [str(arg) for arg in args], prog_name="t7convert")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the current folder: a network, data, a picture's place, a plugin, an empty folder."""
    monkeypatch.chdir(tmp_path)
    t7convert.save(sequential(linear(3, 2)), "m.t7")
    t7convert.save(table(mean=tensor([1.0])), "data.t7")
    np.save("x.npy", np.zeros((1, 3)))
    Path("x.png").write_bytes(b"")
    Path("p.py").write_text(PLUGIN)
    Path("folder").mkdir()
    return tmp_path


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("args", "message"),
    [
        ("to-pytorch m.t7 o.pt --url http://x", "--url goes with a name of the catalogue"),
        ("to-pytorch m.t7 o.pt --resource-key k", "--resource-key goes with a name"),
        ("classify m.t7 x.png --url http://x", "--url goes with a name of the catalogue"),
        ("eval m.t7 --data folder --resource-key k", "--resource-key goes with a name"),
        ("to-pytorch m.t7 -", "outputs are files"),
        ("inspect m.t7 --html -", "outputs are files"),
        ("to-pytorch m.t7 @", "the name of the output is empty"),
        ("convert data.t7 o.npz --arch generic", "there is no network in this file, so no --arch"),
        ("convert data.t7 o.npz --plugin p.py", "so no --plugin"),
        ("convert m.t7 o.onnx --dtype float64", ".onnx is written in float32"),
        ("convert m.t7 noext", "noext: the name has no suffix; a network can become pt,"),
        ("extract m.t7 noext", "noext: a part of a file can become .npz,"),
        ("inspect m.t7 --arch generic", "--arch goes with --map"),
        ("inspect m.t7 --depth 1 --json", "it goes without --json and --html"),
        ("inspect m.t7 --depth 1 --html o.html", "it goes without --json and --html"),
        ("classify m.t7 x.png --labels cifar11", "cifar11: no such file"),
    ],
)
def test_crossed_options(args: str, message: str) -> None:
    before = sorted(Path().rglob("*"))
    done = run(*["" if word == "@" else word for word in args.split()])

    assert (done.exit_code, done.stdout) == (2, "")
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
    assert sorted(Path().rglob("*")) == before


@pytest.mark.usefixtures("folder")
def test_the_oldest_checkpoints_of_pytorch_are_refused_without_advice() -> None:
    with tarfile.open("old.pt", "w") as archive:  # as PyTorch wrote before 0.1.11
        for name in ("storages", "tensors", "pickle"):
            archive.addfile(tarfile.TarInfo(name))
    done = run("to-torch7", "old.pt", "o.t7")

    assert done.exit_code == 1
    assert "old.pt: can't be loaded as a PyTorch checkpoint: " in done.stderr
    assert "legacy .tar format" in done.stderr
    assert "Re-running" not in done.stderr


@pytest.mark.usefixtures("folder")
def test_a_key_that_is_no_name_is_shown_how_to_write() -> None:
    done = run("inspect", "m.t7", "--select", "cadd-table")

    assert done.exit_code == 1
    assert 'a key that is no plain name is written ["any string"]' in done.stderr


@pytest.mark.usefixtures("folder")
def test_a_plugin_gives_its_classes_a_meaning() -> None:
    scale = obj("my.Scale", gain=tensor([1.0, 2.0]), output=0, gradInput=0)
    t7convert.save(sequential(scale), "own.t7")
    without, known = run("inspect", "own.t7"), run("inspect", "own.t7", "--plugin", "p.py")

    assert "classes without a meaning here: my.Scale" in without.stdout
    assert "classes without a meaning" not in known.stdout
    assert "parameters: 2 in 1 tensor," in known.stdout
    assert "classes without a meaning here: my.Scale" in run("inspect", "own.t7").stdout


@pytest.mark.usefixtures("folder")
def test_what_a_hash_holds_is_shown() -> None:
    t7convert.save(t7convert.LuaObject("tds.Hash", table(rate=0.5), version=0), "h.t7")

    assert "beside: rate = 0.5" in run("inspect", "h.t7").stdout


@pytest.mark.usefixtures("folder")
def test_a_batch_whose_outputs_lie_around_its_sources() -> None:
    Path("in").mkdir()
    t7convert.save(sequential(linear(3, 2)), "in/a.t7")
    done = run("batch", "in", ".", "--to", "npz", "-q")

    assert done.exit_code == 0
    assert Path("a.npz").exists()
    assert run("batch", "in", "in", "--to", "json", "-q").exit_code == 0
    assert Path("in/a.json").exists()


@pytest.mark.usefixtures("folder")
def test_a_batch_of_nothing_says_so() -> None:
    done = run("batch", "folder", "out", "--pattern", "*.abc")

    assert done.exit_code == 0
    assert done.stderr == "folder: no file in it is called *.abc\n"
