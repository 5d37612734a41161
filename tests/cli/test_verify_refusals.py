"""``t7convert verify`` with inputs and outputs that don't fit: one line, the file, the module."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

import t7convert
from t7convert.cli import main
from t7convert.errors import SelectionError
from tests.build import linear, obj, sequential, table, tensor


def run(*args: object) -> Result:
    """Run a command as the shell would."""
    return CliRunner().invoke(main, [str(arg) for arg in args], prog_name="t7convert")


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "m.t7"
    t7convert.save(sequential(linear(3, 4), obj("nn.Tanh"), linear(4, 2)), path)
    return path


def saved(path: Path, value: object) -> Path:
    t7convert.save(value, path)
    return path


def test_an_input_of_another_shape_names_file_and_module(model: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.zeros((2, 5)))
    done = run("verify", model, "--input", tmp_path / "x.npy")

    assert done.exit_code == 1
    assert done.stderr.startswith(
        f"t7convert: {model}: the Lua module does not take this input (2x5) at modules[1], "
        "a nn.Linear: "
    )


def test_an_input_that_holds_no_tensors(model: Path, tmp_path: Path) -> None:
    done = run("verify", model, "--input", model)

    assert done.exit_code == 1
    assert done.stderr == (
        f"t7convert: {model}: holds no tensors to run a network on, but <nn.Sequential>\n"
    )


def test_a_network_whose_input_nobody_knows_is_named(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(*args: object, **options: object) -> None:
        raise SelectionError("the geometry can't be told")

    monkeypatch.setattr("t7convert.parity.check.draw", unknown)
    done = run("verify", model)

    assert done.exit_code == 1
    assert done.stderr == f"t7convert: {model}: the geometry can't be told\n"


def test_an_input_and_a_shape(model: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.zeros((2, 3)))
    done = run("verify", model, "--input", tmp_path / "x.npy", "--input-shape", "2x3")

    assert done.exit_code == 2
    assert "--input and --input-shape: give one of them" in done.stderr


def test_two_reports_in_one_file(model: Path, tmp_path: Path) -> None:
    page = tmp_path / "r.html"
    done = run("verify", model, "--html", page, "--junit", page)

    assert done.exit_code == 2
    assert not page.exists()


def test_an_expected_output_of_another_shape_says_so(model: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "y.npy", np.zeros((5, 2)))
    done = run("verify", model, "--expected", tmp_path / "y.npy")

    assert done.exit_code == 5
    assert "shape (2, 2), expected (5, 2)" in done.stdout
    assert "off by inf" not in done.stdout


def test_another_network_as_output(model: Path, tmp_path: Path) -> None:
    other = saved(tmp_path / "o.t7", sequential(linear(5, 4), obj("nn.Tanh"), linear(4, 2)))
    t7convert.convert(other, tmp_path / "o.pt")
    for output in (other, tmp_path / "o.pt"):
        done = run("verify", model, output)

        assert done.exit_code == 5
        assert "modules[1].weight (nn.Linear): " in done.stdout
        assert "NOT proved: nothing was compared" in done.stdout


@pytest.mark.parametrize("arguments", [("{data}",), ("{model}", "{data}"), ("{two}",)])
def test_a_file_without_a_network_is_named(
    model: Path, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    data = saved(tmp_path / "data.t7", tensor([1.0]))
    two = saved(tmp_path / "two.t7", table(linear(1, 1), linear(2, 2)))
    files = [word.format(model=model, data=data, two=two) for word in arguments]
    done = run("verify", *files)

    assert done.exit_code == 1
    assert done.stderr.startswith(f"t7convert: {files[-1]}: there ")


def test_what_is_no_sharesnet_is_named(model: Path, tmp_path: Path) -> None:
    done = run("to-pytorch", model, tmp_path / "o.pt", "--arch", "sharesnet")

    assert done.exit_code == 1
    assert done.stderr.startswith(f"t7convert: {model}: ")


def test_the_file_of_an_unknown_class_is_named_once(tmp_path: Path) -> None:
    path = saved(tmp_path / "m.t7", sequential(obj("my.Layer", output=tensor([1.0]), gradInput=1)))
    for command in (["to-pytorch", path, tmp_path / "o.pt"], ["verify", path]):
        done = run(*command)

        assert done.exit_code == 3
        assert done.stderr.startswith(f"t7convert: {path}: 1 thing can't be converted faithfully:")
        assert done.stderr.count(str(path)) == 1
