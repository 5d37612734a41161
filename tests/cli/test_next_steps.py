"""What the commands print to go on with runs as printed, whatever the files are called."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner, Result

import t7convert
from t7convert.cli import main
from tests.build import linear, obj, sequential, table, tensor, view
from tests.conftest import FIXTURES

BASIC = str(FIXTURES / "nets/sharesnet-basic/model.t7")


def run(*args: object) -> Result:
    """Run a command as the shell would."""
    return CliRunner().invoke(main, [str(arg) for arg in args], prog_name="t7convert")


def python(code: str, folder: Path) -> None:
    """Run lines of Python as somebody who copied them."""
    places = [str(folder), *filter(None, sys.path)]
    subprocess.run(
        [sys.executable, "-c", code],
        check=True,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(places)},
    )


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "it's a model.t7"
    t7convert.save(sequential(linear(3, 4), obj("nn.Tanh"), linear(4, 2)), path)
    return path


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("o u't.safetensors", "print(model)"),
        ("network.py", "print(model)"),
        ("o u't.pt2", "print(model)"),
        ("o u't.npz", "assert '0.weight' in arrays"),
    ],
)
def test_lines_that_use_an_output(model: Path, tmp_path: Path, name: str, lines: str) -> None:
    done = run("convert", model, name)

    assert done.exit_code == 0, done.stderr
    wrote, _, code = done.stdout.partition("\n\n")
    assert wrote.startswith(f"wrote {name} (")
    python(f"{code}\n{lines}", tmp_path)


def test_lines_that_use_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    t7convert.save(tensor([1.0, 2.0]), "d.t7")
    for name, lines in (
        ("o.npy", "assert array.sum() == 3"),
        ("o.pt", "assert data.sum() == 3"),
        ("o.npz", "assert arrays['value'].sum() == 3"),
    ):
        code = run("convert", "d.t7", name).stdout.partition("\n\n")[2]
        python(f"{code}\n{lines}", tmp_path)


def test_a_source_that_has_no_name_to_import(model: Path, tmp_path: Path) -> None:
    done = run("convert", model, "class.py")

    assert done.exit_code == 0
    assert "'class' is no name that Python can import" in done.stdout


def test_source_whose_name_has_quotes_loads_its_weights(model: Path, tmp_path: Path) -> None:
    name = 'a"b\\c.py'
    assert run("convert", model, name).exit_code == 0
    text = Path(name).read_text()
    names = {"__file__": str(tmp_path / name), "__name__": "copied"}
    exec(compile(text, name, "exec"), names)  # as importlib would

    assert isinstance(names["load"](), torch.nn.Module)  # type: ignore[operator]


def test_letters_that_the_terminal_has_not(tmp_path: Path) -> None:
    path = tmp_path / "né.t7"
    t7convert.save(table(name="日本"), path)
    done = subprocess.run(
        [sys.executable, "-m", "t7convert", "inspect", str(path)],
        check=False,
        capture_output=True,
        env={
            **os.environ,
            "PYTHONIOENCODING": "latin-1:strict",
            "PYTHONPATH": os.pathsep.join(sys.path),
        },
    )

    assert (done.returncode, done.stderr) == (0, b"")
    assert b"n\xe9.t7" in done.stdout
    assert rb"name = '\u65e5\u672c'" in done.stdout


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="names are UTF-8 there")
@pytest.mark.parametrize("kind", ["pt", "safetensors", "onnx", "pt2", "py", "npz", "json"])
def test_names_that_are_no_utf8(tmp_path: Path, kind: str) -> None:
    if kind == "onnx":
        pytest.importorskip("onnxruntime")
    source = Path(os.fsdecode(os.fsencode(tmp_path) + b"/m\xff.t7"))
    out = Path(
        os.fsdecode(os.fsencode(tmp_path) + f"/o\udcff.{kind}".encode(errors="surrogateescape"))
    )
    t7convert.save(sequential(linear(3, 2)), source)
    done = run("convert", source, out)

    assert done.exit_code == 0, done.output
    assert out.exists()
    assert "PASS" in run("verify", source, out).stdout or kind == "json"
    if kind == "py":
        names = {"__file__": str(out), "__name__": "copied"}
        exec(compile(out.read_text(), "copied", "exec"), names)
        assert names["load"]()(torch.zeros(1, 3).double()).shape == (1, 2)  # type: ignore[operator]


def test_the_check_that_was_skipped_runs_as_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("t7convert.parity.proof.AFFORDABLE", 1)
    nets = table(one=sequential(linear(3, 2)), two=sequential(linear(5, 2)))
    t7convert.save(nets, "two nets.t7")
    for extra in ([], ["--state-dict-only", "--until", "two.modules[1]", "--force"]):
        done = run("to-pytorch", "two nets.t7", "o.pt", "--select", "two", *extra)
        (line,) = re.findall(r"^ +t7convert (verify .*)$", done.stdout, re.M)

        assert "parity      skipped: the network is too large" in done.stdout
        checked = run(*shlex.split(line))
        assert checked.exit_code == 0, (line, checked.output)


def test_why_a_network_is_generic_is_told_by_the_option_that_is_printed(
    model: Path, tmp_path: Path
) -> None:
    done = run("to-pytorch", model, "o.pt")

    assert "network     generic, as in the Lua file (no ShaResNet: --arch sharesnet says why)" in (
        done.stdout
    )
    assert "nn.Tanh" in run("to-pytorch", model, "p.pt", "--arch", "sharesnet").stderr


def test_a_part_of_a_flattened_network_is_small(tmp_path: Path) -> None:
    path = tmp_path / "part.t7"
    done = run("extract", BASIC, path, "--select", "modules[5]")

    assert done.exit_code == 0
    assert path.stat().st_size < 40_000  # all parameters and gradients would take a megabyte
    whole, part = t7convert.load(BASIC)["modules"][5], t7convert.load(path)
    t7convert.save(whole, tmp_path / "whole.t7")
    assert run("diff", tmp_path / "whole.t7", path).exit_code == 0
    assert run("verify", path, "--gradients").exit_code == 0
    assert part["modules"][1].typename == "nn.Sequential"


def test_storages_of_their_own_and_views_without_elements_stay(tmp_path: Path) -> None:
    whole = tensor([1.0, 2.0, 3.0, 4.0])
    base = whole.storage
    assert base is not None
    kept = table(storage=base, view=view(base, (1,), offset=2))
    cut = table(first=view(whole.storage, (1,), offset=2), none=view(base, (0,), offset=4))
    t7convert.save(table(kept=kept, cut=cut), tmp_path / "d.t7")
    for name, sizes in (("kept", 4), ("cut", 1)):
        assert (
            run("extract", tmp_path / "d.t7", tmp_path / f"{name}.t7", "--select", name).exit_code
            == 0
        )
        found = t7convert.load(tmp_path / f"{name}.t7")
        tensors = [found["view" if name == "kept" else "first"]]
        assert tensors[0].storage.size == sizes
        assert tensors[0].numpy().tolist() == [3.0]
