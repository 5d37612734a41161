"""``t7convert batch``: skips what is done, and one bad file never stops the rest."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

import t7convert
from t7convert.commands.batch_job import run_job
from tests.build import linear, sequential, table, tensor
from tests.cli.batch_runs import rows, run


@pytest.fixture
def _here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Run the jobs in this process, where nothing depends on others."""

    def answers(jobs: list[dict[str, Any]], workers: int) -> Any:
        return ((job, run_job(job)) for job in jobs)

    monkeypatch.setattr("t7convert.commands.batch.run_jobs", answers)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with two networks, a table and a damaged file."""
    models = tmp_path / "models"
    (models / "deep/er").mkdir(parents=True)
    t7convert.save(sequential(linear(2, 3)), models / "a.t7")
    t7convert.save(table(model=sequential(linear(4, 1))), models / "deep/er/b.t7")
    t7convert.save(table(mean=tensor([1.0])), models / "deep/data.t7")
    (models / "bad.t7").write_bytes((models / "a.t7").read_bytes()[:300])
    (models / "notes.txt").write_text("no network")
    return models


def test_a_folder_is_mirrored_and_a_bad_file_reported(folder: Path, tmp_path: Path) -> None:
    result = run(str(folder), str(tmp_path / "out"), "--jobs", "2")

    assert result.exit_code == 1
    assert "4 files: 3 done, 0 skipped, 1 failed" in result.stdout
    failed = next(line for line in result.stdout.splitlines() if line.startswith("failed"))
    assert "bad.t7: byte" in failed
    assert "truncated" in failed
    assert "[4/4]" in result.stderr
    written = {p.relative_to(tmp_path / "out").as_posix() for p in (tmp_path / "out").rglob("*.*")}
    assert written == {"a.pt", "deep/er/b.pt", "deep/data.pt", "batch.json"}
    assert t7convert.load_model(tmp_path / "out/deep/er/b.pt")[0].weight.shape == (1, 4)


@pytest.mark.usefixtures("_here")
def test_a_second_run_does_what_is_left(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run(str(folder), str(out), "--to", "safetensors", "--pattern", "?.t7", "-q")
    before = (out / "a.safetensors").stat().st_mtime_ns
    (folder / "bad.t7").unlink()
    t7convert.save(sequential(linear(5, 5)), folder / "deep/er/b.t7", force=True)
    result = run(str(folder), str(out), "--to", "safetensors", "--pattern", "?.t7", "--json")

    assert result.exit_code == 0
    assert {name: row["status"] for name, row in rows(result).items()} == {
        "a.t7": "skipped",
        "b.t7": "done",
    }
    assert (out / "a.safetensors").stat().st_mtime_ns == before
    assert t7convert.load_model(out / "deep/er/b.safetensors")[0].weight.shape == (5, 5)
    again = run(str(folder), str(out), "--to", "safetensors", "--pattern", "?.t7", "--json")
    assert {row["status"] for row in rows(again).values()} == {"skipped"}
    totals = {name: n for name, n in json.loads(again.stdout).items() if name != "files"}
    assert totals == {"done": 0, "skipped": 2, "failed": 0}


@pytest.mark.usefixtures("_here")
@pytest.mark.parametrize(
    "change",
    ["options", "target gone", "target cut", "source of the same size", "force"],
)
def test_what_changed_is_made_anew(folder: Path, tmp_path: Path, change: str) -> None:
    out = tmp_path / "out"
    args = [str(folder), str(out), "--pattern", "a.t7", "--json", "-q"]
    run(*args)
    if change == "options":
        args += ["--dtype", "float16"]
    elif change == "target gone":
        (out / "a.pt").unlink()
    elif change == "target cut":
        (out / "a.pt").write_bytes((out / "a.pt").read_bytes()[:-1])
    elif change == "source of the same size":
        t7convert.save(sequential(linear(2, 3, seed=1)), folder / "a.t7", force=True)
    else:
        args += ["--force"]
    result = run(*args)

    assert rows(result)["a.t7"]["status"] == "done"
    assert t7convert.load_model(out / "a.pt")[0].weight.shape == (3, 2)


@pytest.mark.usefixtures("_here")
def test_names_come_on_stdin(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    elsewhere = tmp_path / "elsewhere.t7"
    shutil.copy(folder / "a.t7", elsewhere)
    names = f"deep/er/b.t7\n\n{elsewhere}\nmissing.t7\ndeep/er/b.t7\n"
    result = run("-", str(tmp_path / "out"), "--json", "-q", "--jobs", "1", stdin=names)
    found = rows(result)

    assert result.exit_code == 1
    assert list(found) == ["b.t7", "elsewhere.t7", "missing.t7"]
    assert "No such file" in found["missing.t7"]["error"]
    assert found["b.t7"]["target"] == str(tmp_path / "out/deep/er/b.pt")
    inside = elsewhere.relative_to(elsewhere.anchor).with_suffix(".pt")
    assert found["elsewhere.t7"]["target"] == str(tmp_path / "out" / inside)


@pytest.mark.usefixtures("_here")
def test_names_that_would_clash_keep_their_suffix(folder: Path, tmp_path: Path) -> None:
    t7convert.save(sequential(linear(1, 1)), folder / "a.net")
    (folder / "deep/a.t7.gz").write_bytes((folder / "a.t7").read_bytes())
    result = run(
        str(folder), str(tmp_path / "out"), "--pattern", "a.*", "--to", "json", "--json", "-q"
    )
    targets = [Path(row["target"]).name for row in json.loads(result.stdout)["files"]]

    assert targets == ["a.net.json", "a.t7.json", "a.json"]


@pytest.mark.usefixtures("_here")
def test_a_strange_file_is_not_replaced(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "a.pt").write_text("mine")
    args = [str(folder), str(out), "--pattern", "a.t7", "--json", "-q"]

    for _ in range(2):  # the first run must not make it look like ours
        result = run(*args)
        assert "exists and isn't of this batch" in rows(result)["a.t7"]["error"]
        assert (out / "a.pt").read_text() == "mine"
    assert rows(run(*args, "--force"))["a.t7"]["status"] == "done"


@pytest.mark.usefixtures("_here")
def test_outputs_inside_the_folder_are_no_inputs(folder: Path) -> None:
    (folder / "out").mkdir()
    shutil.copy(folder / "a.t7", folder / "out/old.t7")
    result = run(str(folder), str(folder / "out"), "--json", "-q")

    assert "old.t7" not in rows(result)


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["{}", "out", "--to", "docx"], "unknown kind of output 'docx'; known are pt, "),
        (["{}", "out", "--input-shape", "1x2"], "is for .onnx, .pt2, .py, and the output is .pt"),
        (["{}/a.t7", "out"], "is no folder; a list of files comes on stdin"),
    ],
)
def test_what_can_not_begin(
    folder: Path, monkeypatch: pytest.MonkeyPatch, args: list[str], message: str
) -> None:
    monkeypatch.chdir(folder)
    result = run(*[arg.format(folder) for arg in args])

    assert result.exit_code == 2
    assert message in result.stderr
    assert not (folder / "out").exists()


@pytest.mark.parametrize("content", ["{", '{"version": 2, "outputs": {}}', "[]"])
def test_a_record_that_is_none_is_refused(folder: Path, tmp_path: Path, content: str) -> None:
    (tmp_path / "batch.json").write_text(content)
    result = run(str(folder), str(tmp_path))

    assert result.exit_code == 1
    assert "is no record of t7convert batch" in result.stderr


@pytest.mark.usefixtures("_here")
def test_an_empty_folder_is_no_failure(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    result = run(str(tmp_path / "in"), str(tmp_path / "out"))

    assert result.exit_code == 0
    assert result.stdout == "0 files: 0 done, 0 skipped, 0 failed\n"


def test_a_job_tells_warnings_and_what_a_kind_can_not_do(folder: Path, tmp_path: Path) -> None:
    job = {
        "source": str(folder / "deep/data.t7"),
        "target": str(tmp_path / "o.onnx"),
        "kind": "onnx",
        "options": {"select": None},
        "force": False,
        "previous": None,
    }
    result = run_job(job)

    assert result["status"] == "failed"
    assert "there is no network in this file, so nothing to write as .onnx" in result["error"]
    assert result["sha256"]
    done = run_job({**job, "target": str(tmp_path / "o.npz"), "kind": "npz"})
    assert done["remark"] == "no network in this file; its data was written"


@pytest.mark.usefixtures("_here")
def test_graphs_are_traced_with_the_shape_that_is_given(folder: Path, tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    onnxruntime = pytest.importorskip("onnxruntime")
    args = [str(folder), str(tmp_path / "out"), "--pattern", "a.t7", "--to", "onnx", "-q"]
    result = run(*args, "--input-shape", "4x2")

    assert result.exit_code == 0, result.stdout
    session = onnxruntime.InferenceSession(tmp_path / "out/a.onnx")
    assert session.get_inputs()[0].shape[1:] == [2]
