"""What a command says, and returns, when it can't do what it was told: one line, one rule."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

import t7convert
from t7convert.cli import main
from t7convert.commands.printing import print_json
from t7convert.errors import OutputError
from t7convert.export import outputs as written
from t7convert.export.data import KINDS, write_data
from t7convert.files import replacing
from t7convert.outputs import DATA_KINDS, NETWORK_KINDS
from tests.build import linear, table


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a network, data, and things that are neither."""
    monkeypatch.chdir(tmp_path)
    t7convert.save(linear(3, 2), "m.t7")
    t7convert.save(table(a=np.zeros(3)), "data.t7")
    Path("text.jpg").write_text("no picture")
    Path("text.npy").write_text("no array")
    Path("text.pt").write_text("no tensors")
    Path("exits.py").write_text("raise SystemExit(3)\n")
    Path("folder").mkdir()
    return tmp_path


def run(*args: str) -> Result:
    """Run a command as the shell would."""
    return CliRunner().invoke(main, list(args), prog_name="t7convert")


READERS = {
    "batch": ["batch", "{}", "o"],
    "classify": ["classify", "{}", "text.jpg"],
    "convert": ["convert", "{}", "o.npz"],
    "diff": ["diff", "m.t7", "{}"],
    "eval": ["eval", "{}", "--data", "folder"],
    "expected": ["verify", "m.t7", "--expected", "{}"],
    "extract": ["extract", "{}", "o.npz"],
    "image": ["classify", "m.t7", "{}"],
    "inspect": ["inspect", "{}"],
    "into": ["to-pytorch", "m.t7", "o.pt", "--into", "{}"],
    "plugin": ["to-pytorch", "m.t7", "o.pt", "--plugin", "{}.py"],
    "report": ["report", "{}"],
    "shrink": ["shrink", "{}", "o.t7"],
    "stub": ["stub", "{}"],
    "to-pytorch": ["to-pytorch", "{}", "o.pt"],
    "to-torch7": ["to-torch7", "{}", "o.t7"],
    "verify": ["verify", "{}"],
}


@pytest.mark.parametrize("args", READERS.values(), ids=READERS)
def test_what_is_not_there_is_wrong_usage_everywhere(here: Path, args: list[str]) -> None:
    before = sorted(here.iterdir())
    result = run(*(arg.format("absent") for arg in args))

    assert (result.exit_code, result.stdout) == (2, "")
    assert "absent" in result.stderr
    assert result.stderr.count("\n") == 1
    assert sorted(here.iterdir()) == before


@pytest.mark.parametrize("name", ["inspect", "to-pytorch", "shrink", "verify", "stub"])
def test_a_folder_is_no_file(here: Path, name: str) -> None:
    result = run(*(arg.format("folder") for arg in READERS[name]))

    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert "folder: is a folder, not a file" in result.stderr
    assert here.exists()


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("args", "code", "message"),
    [
        (["convert", "m.t7", "o.xyz"], 2, "unknown kind of output 'xyz'"),
        (["convert", "m.t7", "o", "--format", "xyz"], 2, "unknown kind of output 'xyz'"),
        (["convert", "m.t7", "o.npy"], 2, "a network can't become .npy"),
        (["convert", "m.t7", "o.npz", "--untie"], 2, "--untie (untie=True) is for .safetensors"),
        (["convert", "m.t7", "o.npz", "--input", "text.npy"], 2, "is for .onnx, .pt2, .py"),
        (["convert", "m.t7", "o.pt", "--fixed"], 2, "is for .onnx, .pt2, and the output is .pt"),
        (
            ["convert", "m.t7", "o.py", "--input", "text.npy", "--input-shape", "1x3"],
            2,
            "give one of them",
        ),
        (
            ["convert", "m.t7", "o.pt", "--keys", "torchvision", "--arch", "generic"],
            2,
            "contradict each other",
        ),
        (["convert", "data.t7", "o.npz", "--dtype", "float16"], 2, "so no --dtype"),
        (["convert", "data.t7", "o.onnx"], 2, "nothing to write as .onnx"),
        (["convert", "data.t7", "o.pt", "--select", "b"], 1, "data.t7: path 'b'"),
        (["convert", "m.t7", "o.py", "--input", "text.npy"], 1, "text.npy: does not hold a numpy"),
        (["convert", "m.t7", "o.py", "--input", "text.pt"], 1, "text.pt: does not hold tensors"),
        (["convert", "m.t7", "o.py", "--input", "text.jpg"], 1, "text.jpg: "),
        (["convert", "m.t7", "o.pt2", "--input-shape", "2x9"], 1, "take this input (2x9)"),
        (["to-pytorch", "m.t7", "o.safetensors"], 2, "`t7convert convert` writes the other"),
        (["to-pytorch", "m.t7", "m.t7", "--force"], 1, "is the file that is being read"),
        (["to-pytorch", "m.t7", "folder"], 1, "folder: is a folder"),
        (["to-pytorch", "data.t7", "o.pt"], 1, "data.t7: there is no network in this file"),
        (["to-pytorch", "m.t7", "o.pt", "--until", "x"], 1, "m.t7: path 'x'"),
        (["to-pytorch", "m.t7", "o.pt", "--plugin", "exits.py"], 1, "plugin exits.py: SystemExit"),
        (["shrink", "m.t7", "o.pt"], 2, "writes a .t7, not a .pt"),
        (["shrink", "m.t7", "m.t7", "--force"], 1, "is the file that is being read"),
        (["extract", "m.t7", "o.onnx"], 2, "a part of a file can become"),
        (["extract", "m.t7", "o.npz", "--select", "b"], 1, "m.t7: path 'b'"),
        (["stub", "data.t7"], 1, "data.t7: there is no network in this file"),
        (["inspect", "m.t7", "--map", "--html", "o.html"], 2, "goes without --html"),
        (["to-torch7", "m.t7", "o.t7"], 1, "m.t7: is a Lua Torch file"),
        (["to-torch7", "text.pt", "o.t7"], 1, "does not load with weights_only=True"),
        (["batch", "folder", "m.t7"], 2, "m.t7: is no folder"),
        (["download", "resnet50-shard"], 2, "did you mean resnet50-shared"),
        (["eval", "m.t7", "--data", "folder", "--device", "banana"], 1, "expected cpu, cuda"),
    ],
)
def test_refusals(args: list[str], code: int, message: str) -> None:
    before = sorted(Path().rglob("*"))
    result = run(*args)

    assert (result.exit_code, result.stdout) == (code, "")
    assert message in result.stderr
    assert result.stderr.count("\n") == 1
    assert sorted(Path().rglob("*")) == before


def test_the_kinds_are_those_that_there_are() -> None:
    assert set(NETWORK_KINDS) == {"pt", *written.KINDS}
    assert set(DATA_KINDS) == set(KINDS)


@pytest.mark.usefixtures("here")
def test_the_format_is_that_of_data_too() -> None:
    assert run("convert", "data.t7", "o", "--format", "json").exit_code == 0
    assert json.loads(Path("o").read_text())["a"]["shape"] == [3]


@pytest.mark.usefixtures("here")
def test_convert_of_the_api_goes_by_suffix() -> None:
    made = t7convert.convert("m.t7", "o.npz")

    assert made.parameters == 8
    assert "aliases" in np.load("o.npz")
    with pytest.raises(t7convert.OutputKindError, match=r"allow_missing is for \.pt"):
        t7convert.convert("m.t7", "p.npz", allow_missing=True)


@pytest.mark.usefixtures("here")
def test_several_objects_are_kept_or_told() -> None:
    from t7convert.format import save_all  # noqa: PLC0415

    save_all([linear(2, 2), 5], "two.t7", byteorder="big", long_size=4)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        assert "two.t7: holds 2 objects" in run("inspect", "two.t7").stderr
    assert run("shrink", "two.t7", "small.t7").exit_code == 0

    with t7convert.open_file("small.t7") as file:
        assert file.objects[1] == 5
        assert file.encoding == t7convert.open_file("two.t7").encoding


@pytest.mark.usefixtures("here")
def test_what_comes_through_a_pipe_is_read_once(tmp_path: Path) -> None:
    for name in ("o.npz", "o.pt"):
        done = subprocess.run(
            [sys.executable, "-m", "t7convert", "convert", "/dev/stdin", name],
            input=Path("m.t7").read_bytes(),
            cwd=tmp_path,
            check=False,
            capture_output=True,
        )
        assert done.returncode == 0, done.stderr


@pytest.mark.usefixtures("here")
def test_names_that_are_no_text() -> None:
    name = os.fsdecode(b"bad\xff.t7")
    try:
        Path(name).write_bytes(Path("m.t7").read_bytes())
    except OSError:
        pytest.skip("this file system has no such names")
    assert run("inspect", name, "--html", "o.html").exit_code == 0
    assert run("convert", name, "o.py", "--input-shape", "2x3").exit_code == 0
    assert json.loads(run("inspect", name, "--json").stdout)["file"] == name


def test_json_has_no_nan(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"a": [float("nan"), (float("-inf"), 1.5)]})

    assert capsys.readouterr().out == '{"a": ["nan", ["-inf", 1.5]]}\n'


@pytest.mark.skipif(os.getuid() == 0, reason="root may write anywhere")
def test_a_folder_that_may_not_be_written_is_refused_before_the_work(here: Path) -> None:
    (here / "folder").chmod(0o500)
    result = run("to-pytorch", "m.t7", "folder/o.pt")

    assert result.exit_code == 1
    assert "can't be written to" in result.stderr


def test_an_error_without_a_number_names_the_file(tmp_path: Path) -> None:
    target = tmp_path / "o"
    said = "o: could not be written: 8 requested and 3 written"
    with pytest.raises(OutputError, match=said), replacing(target):
        raise OSError("8 requested and 3 written")
    assert list(tmp_path.iterdir()) == []


def test_tensors_under_keys_without_a_spelling(tmp_path: Path) -> None:
    root = t7convert.LuaTable()
    root[t7convert.LuaTable()] = t7convert.load(_bytes(np.zeros(1)))
    root[t7convert.LuaTable()] = t7convert.load(_bytes(np.ones(1)))
    write_data(root, tmp_path / "o.npz")

    assert sorted(float(a[0]) for a in np.load(tmp_path / "o.npz").values()) == [0, 1]


def _bytes(value: object) -> bytes:
    file = io.BytesIO()
    t7convert.save(value, file)
    return file.getvalue()


def test_numpy_takes_tensors_and_storages() -> None:
    tensor = t7convert.load(_bytes(np.arange(6.0).reshape(2, 3)))

    assert np.array_equal(np.asarray(tensor), [[0, 1, 2], [3, 4, 5]])
    assert not np.asarray(tensor).flags.writeable
    assert np.array(tensor, dtype=np.float32).flags.writeable
    assert np.asarray(tensor.storage).shape == (6,)
    with pytest.raises(ValueError, match="without a copy"):
        tensor.__array__(np.float32, copy=False)


def test_a_package_that_is_not_installed(here: Path) -> None:
    code = (
        "import sys; sys.modules['torch'] = None; from t7convert.cli import main; "
        "main(['to-pytorch', 'm.t7', 'o.pt'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], check=False, cwd=here, capture_output=True, text=True
    )

    assert done.returncode == 1
    assert done.stderr.startswith("t7convert: the package torch is not installed: pip install")
    assert done.stderr.count("\n") == 1
