"""The command line: output, exit codes, errors; each command has help and a twin in Python."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import t7convert
from t7convert.cli import main
from tests.build import linear, obj, sequential, table
from tests.conftest import FIXTURES, ROOT

MODEL = str(FIXTURES / "nets/sharesnet-basic/model.t7")


def run(*args: str) -> Result:
    """Run a command as the shell would."""
    return CliRunner().invoke(main, list(args), prog_name="t7convert")


def test_to_pytorch_prints_what_it_made_and_how_to_use_it(tmp_path: Path) -> None:
    out = tmp_path / "out.pt"
    result = run("to-pytorch", MODEL, str(out))

    assert result.exit_code == 0
    assert "128,402 in 58 tensors" in result.stdout
    assert "layer1.0.conv2.weight = layer1.1.conv2.weight" in result.stdout
    lines = result.stdout.strip().splitlines()
    assert lines[-2:] == ["import t7convert", f"model = t7convert.load_model({str(out)!r})"]
    subprocess.run([sys.executable, "-c", "\n".join(lines[-2:])], check=True)


def test_to_pytorch_json(tmp_path: Path) -> None:
    result = run("to-pytorch", MODEL, str(tmp_path / "o.pt"), "--json")

    assert json.loads(result.stdout)["parameters"] == 128_402


def test_an_existing_output_is_exit_1(tmp_path: Path) -> None:
    (tmp_path / "o.pt").write_text("")
    result = run("to-pytorch", MODEL, str(tmp_path / "o.pt"))

    assert result.exit_code == 1
    assert "exists; use --force" in result.stderr


def test_arch_sharesnet_on_another_network_is_exit_1(tmp_path: Path) -> None:
    other = str(FIXTURES / "nets/inception/model.t7.xz")
    result = run("to-pytorch", other, str(tmp_path / "o.pt"), "--arch", "sharesnet")

    assert result.exit_code == 1
    assert "Traceback" not in result.stderr
    assert result.stderr.startswith("t7convert: ")


def test_an_unknown_layer_is_exit_3(tmp_path: Path) -> None:
    source = tmp_path / "m.t7"
    t7convert.save(table(net=obj("my.Layer", output=0, gradInput=0)), source)
    result = run("to-pytorch", str(source), str(tmp_path / "o.pt"))

    assert result.exit_code == 3
    assert "net: my.Layer: there is no converter for this class" in result.stderr


def test_what_is_no_t7_is_exit_4(tmp_path: Path) -> None:
    source = tmp_path / "m.t7"
    source.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 3\n")
    result = run("inspect", str(source))

    assert result.exit_code == 4
    assert "Git LFS pointer" in result.stderr


def test_several_networks_without_a_choice_are_listed(tmp_path: Path) -> None:
    source = tmp_path / "m.t7"
    t7convert.save(table(a=linear(1, 1), b=linear(2, 2)), source)
    result = run("to-pytorch", str(source), str(tmp_path / "o.pt"))

    assert result.exit_code == 1
    assert "a: nn.Linear" in result.stderr
    assert run("to-pytorch", str(source), str(tmp_path / "o.pt"), "--select", "b").exit_code == 0


def test_wrong_usage_is_exit_2() -> None:
    assert run("to-pytorch").exit_code == 2
    assert run("nonsense").exit_code == 2


def test_inspect_shows_tree_ties_and_bytes() -> None:
    result = run("inspect", MODEL, "--depth", "1")

    assert result.exit_code == 0
    assert "tie #1: 576 values" in result.stdout
    assert "    modules[11] nn.Linear weight:10x64 FloatTensor bias:10 FloatTensor" in result.stdout
    assert "gradients 513.6 kB" in result.stdout


def test_inspect_json_and_map() -> None:
    data = json.loads(run("inspect", MODEL, "--json").stdout)
    rows = json.loads(run("inspect", MODEL, "--map", "--json").stdout)

    assert data["networks"][0]["parameters"]["unique"] == 128_402
    assert rows[0] == {"path": "modules[1].weight", "key": "conv1.weight", "view": []}
    assert "modules[11].bias" in run("inspect", MODEL, "--map").stdout


@pytest.mark.parametrize(
    ("env", "args", "coloured"),
    [
        ({}, ["--color"], True),
        ({}, ["--no-color"], False),
        ({"NO_COLOR": "1"}, [], False),
        ({"NO_COLOR": "1"}, ["--color"], True),
    ],
)
def test_colour(env: dict[str, str], args: list[str], coloured: bool) -> None:
    result = CliRunner(env=env).invoke(main, [*args, "inspect", MODEL, "--depth", "0"])

    assert ("\x1b[" in result.stdout) is coloured


def test_verify_passes_and_fails_with_exit_5(tmp_path: Path) -> None:
    import torch  # noqa: PLC0415  the commands before this one must not need it

    out = tmp_path / "o.pt"
    run("to-pytorch", MODEL, str(out))
    assert run("verify", MODEL, str(out), "--input-shape", "1x3x64x64").exit_code == 0
    content = torch.load(out, weights_only=True)
    content["state_dict"]["bn1.bias"][3] += 1e-6
    torch.save(content, out)
    result = run("verify", MODEL, str(out), "--input-shape", "1x3x64x64")

    assert result.exit_code == 5
    assert "parameter modules[2].bias" in result.stdout


@pytest.mark.parametrize("name", sorted(main.commands))
def test_every_command_has_help_with_an_example_and_is_documented(name: str) -> None:
    result = run(name, "--help")

    assert result.exit_code == 0
    assert main.commands[name].help
    assert f"t7convert {name}" in (ROOT / "README.md").read_text() + "".join(
        path.read_text() for path in (ROOT / "docs").glob("*.md")
    )


def test_starting_costs_neither_torch_nor_requests() -> None:
    code = (
        "import sys, t7convert, t7convert.cli; "
        "assert not {'torch', 'requests', 'numpy', 'torchfile'} & set(sys.modules)"
    )

    subprocess.run([sys.executable, "-c", code], check=True)


def test_version_and_module_run() -> None:
    out = subprocess.run(
        [sys.executable, "-m", "t7convert", "--version"], check=True, capture_output=True, text=True
    )

    assert out.stdout.strip() == f"t7convert, version {t7convert.__version__}"


@pytest.mark.parametrize("name", sorted(t7convert.__all__))
def test_public_names_stay_what_they_are(name: str) -> None:
    first = getattr(t7convert, name)
    for module in ("api", "conversion", "format", "export.checkpoint", "parity.check"):
        importlib.import_module(f"t7convert.{module}")

    assert getattr(t7convert, name) is first


@pytest.mark.parametrize("option", ["--html", "--junit"])
@pytest.mark.parametrize("victim", ["m.t7", "o.pt"])
def test_a_report_never_replaces_what_is_being_read(
    option: str, victim: str, tmp_path: Path
) -> None:
    t7convert.save(linear(2, 2), tmp_path / "m.t7")
    t7convert.convert(tmp_path / "m.t7", tmp_path / "o.pt")
    before = (tmp_path / victim).read_bytes()
    files = [str(tmp_path / "m.t7"), str(tmp_path / "o.pt")]
    result = run("verify", *files, option, str(tmp_path / victim))

    assert result.exit_code == 1
    assert (tmp_path / victim).read_bytes() == before


def test_an_input_that_lua_would_refuse_is_one_line(tmp_path: Path) -> None:
    result = run("verify", MODEL, "--input-shape", "2x5x64x64")

    assert result.exit_code == 1
    assert "the Lua module does not take this input (2x5x64x64)" in result.stderr


def test_torchvisions_keys_are_demanded_or_refused(tmp_path: Path) -> None:
    made = run("convert", MODEL, str(tmp_path / "o.json"), "--keys", "torchvision")
    other = str(FIXTURES / "nets/inception/model.t7.xz")
    refused = run("convert", other, str(tmp_path / "x.json"), "--keys", "torchvision")
    keys = [row["key"] for row in json.loads((tmp_path / "o.json").read_text())["bindings"]]

    assert (made.exit_code, refused.exit_code) == (0, 1)
    assert keys[0] == "conv1.weight"


def test_a_wrong_conversion_is_exit_5_and_leaves_nothing(tmp_path: Path) -> None:
    plugin = tmp_path / "wrong.py"
    plugin.write_text(
        "from torch import nn\nfrom t7convert import converts\n\n"
        '@converts("nn.Tanh", replace=True)\n'
        "def tanh(m):\n    return nn.Sigmoid()\n"
    )
    model, out = tmp_path / "small net.t7", tmp_path / "out.pt"
    t7convert.save(sequential(linear(3, 2), obj("nn.Tanh")), model)
    result = run("to-pytorch", str(model), str(out), "--plugin", str(plugin))

    assert result.exit_code == 5
    assert f"{model}: the converted network is not proved" in result.stderr
    assert "modules[2]" in result.stderr
    assert not out.exists()
