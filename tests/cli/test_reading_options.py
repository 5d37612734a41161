"""Options that say how a .t7 is read, where it does not tell: the same for every command."""

from __future__ import annotations

import io
import json
import warnings
import zipfile
from pathlib import Path

import click
import pytest
import torch
from click.testing import CliRunner, Result

import t7convert
from t7convert.cli import main
from t7convert.format import LuaObject, save_all
from tests.build import linear, table, tensor

#: Commands that read no .t7.
OTHERS = {"download", "models", "to-torch7"}
OPTIONS = {"--long-size", "--byte-order", "--member", "--object"}
READERS = sorted(main.commands.keys() - OTHERS)


def run(*args: object) -> Result:
    """Run a command as the shell would."""
    return CliRunner().invoke(main, [str(arg) for arg in args], prog_name="t7convert")


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """Return a zip archive of two files, each a table with a network and a number."""
    path = tmp_path / "nets.zip"
    with zipfile.ZipFile(path, "w") as made:
        for name, size in (("a.t7", 3), ("b.t7", 4)):
            data = io.BytesIO()
            t7convert.save(table(model=linear(size, 2), epoch=size), data)
            made.writestr(name, data.getvalue())
    return path


@pytest.fixture
def ambiguous(tmp_path: Path) -> Path:
    """Return a file of two objects that reads with longs of 4 bytes and of 8."""
    path = tmp_path / "short.t7"
    save_all([LuaObject("tds.AtomicCounter", 1, version=0), 1e-323], path, long_size=4)
    return path


@pytest.mark.parametrize("name", sorted(main.commands))
def test_every_command_that_reads_a_t7_has_them(name: str) -> None:
    there = {
        text
        for parameter in main.commands[name].params
        if isinstance(parameter, click.Option)
        for text in parameter.opts
    }

    assert there & OPTIONS == (set() if name in OTHERS else OPTIONS)


@pytest.mark.parametrize("size", [4, 8])
def test_the_word_size_of_a_file_that_reads_with_both(
    ambiguous: Path, tmp_path: Path, size: int
) -> None:
    out = tmp_path / "second.json"
    refused = run("extract", ambiguous, out)
    done = run("extract", ambiguous, out, "--long-size", size, "--object", 2)

    assert refused.exit_code == 4
    assert "say which with long_size=8 or 4 (--long-size)" in refused.stderr
    assert done.exit_code == 0, done.stderr
    assert json.loads(out.read_text()) == (1e-323 if size == 4 else "")


def test_a_byte_order_that_the_file_has_not(archive: Path) -> None:
    done = run("inspect", archive, "--member", "a.t7", "--byte-order", "big")

    assert done.exit_code == 4
    assert "do not fit the encoding" in done.stderr


@pytest.mark.parametrize(
    ("command", "rest"),
    [
        ("to-pytorch", ["{out}/o.pt"]),
        ("convert", ["{out}/o.npz"]),
        ("convert", ["{out}/o.pt"]),
        ("verify", []),
        ("verify", ["--dtype", "float64", "--gradients"]),
        ("inspect", []),
        ("inspect", ["--map"]),
        ("stub", []),
        ("report", []),
        ("shrink", ["{out}/o.t7"]),
        ("extract", ["{out}/o.pt"]),
    ],
)
def test_the_member_of_an_archive(
    archive: Path, tmp_path: Path, command: str, rest: list[str]
) -> None:
    rest = [word.format(out=tmp_path) for word in rest]
    refused, done = run(command, archive, *rest), run(command, archive, *rest, "--member", "b.t7")

    assert refused.exit_code == 4
    assert "a.t7, b.t7; say which (--member" in refused.stderr
    assert done.exit_code == 0, done.output


def test_verify_reads_the_member_with_torchfile(archive: Path) -> None:
    done = run("verify", archive, "--member", "b.t7")

    assert "read for the reference by torchfile" in done.stdout
    assert "10 in the network, 10 in the file" in done.stdout


def test_classify_and_eval_read_the_member_too(archive: Path, tmp_path: Path) -> None:
    (tmp_path / "x.png").write_bytes(b"")
    for command in (["classify", archive, tmp_path / "x.png"], ["eval", archive, "--data", "."]):
        assert run(*command).exit_code == 4
        done = run(*command, "--member", "b.t7")
        assert done.exit_code == 1
        assert "nothing says how its input is preprocessed" in done.stderr


def test_diff_reads_both_files_so(archive: Path) -> None:
    done = run("diff", archive, archive, "--member", "b.t7")

    assert done.exit_code == 0
    assert "all 2 tensors and 1 value\n" in done.stdout


def test_batch_reads_all_files_so(archive: Path, tmp_path: Path) -> None:
    command = ("batch", tmp_path, tmp_path / "out", "--pattern", "*.zip", "--jobs", 1)
    assert run(*command).exit_code == 1
    done = run(*command, "--member", "b.t7")

    assert done.exit_code == 0, done.output
    assert t7convert.load_model(tmp_path / "out/nets.pt")(
        torch.zeros(1, 4, dtype=torch.float64)
    ).shape == (1, 2)


def test_one_of_several_objects(tmp_path: Path) -> None:
    path = tmp_path / "several.t7"
    save_all([tensor([1.0]), linear(3, 2)], path)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        first = run("inspect", path)
    second = run("to-pytorch", path, tmp_path / "o.pt", "--object", 2)
    third = run("inspect", path, "--object", 3)

    assert "no network in this file" in first.stdout
    assert "holds 2 objects; this is about the first one (--object N" in first.stderr
    assert second.exit_code == 0, second.stderr
    assert third.exit_code == 4
    assert "object 3 was asked for, the file holds 2" in third.stderr


def test_shrink_keeps_all_objects(tmp_path: Path) -> None:
    path = tmp_path / "several.t7"
    save_all([tensor([1.0]), linear(3, 2)], path)
    done = run("shrink", path, tmp_path / "o.t7", "--object", 2)

    assert done.exit_code == 2
    assert "all objects of a file are shrunk" in done.stderr
