"""``t7convert batch`` and its processes: one that dies, an interruption, plugins in all of them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import t7convert
from t7convert.commands.batch_record import digest
from tests.build import linear, obj, sequential
from tests.cli.batch_runs import rows, run

#: A converter that kills its process, hangs, or fails, as the file says.
PLUGIN = """
import os, signal, sys, time
from torch import nn
from t7convert import converts

@converts("my.Trouble", constants={"kind": ""})
def trouble(m):
    if m.get("kind") == "crash":
        os.kill(os.getpid(), signal.SIGKILL)
    if m.get("kind") == "exit":
        os._exit(7)
    if m.get("kind") == "bug":
        raise RuntimeError("a bug")
    if m.get("kind") == "hang":
        time.sleep(600)
    if m.get("kind") == "deaf":
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        time.sleep(600)
    if m.get("kind") == "print":
        print("noise", flush=True)
    return nn.Identity()
"""


def test_plugins_count_by_their_contents(tmp_path: Path) -> None:
    plugin = tmp_path / "plugin.py"
    plugin.write_text("a = 1")
    first = digest({"plugins": [str(plugin)]})
    plugin.write_text("a = 2")

    assert digest({"plugins": [str(plugin)]}) != first
    assert digest({"plugins": ["no.such.file"]}) != digest({"plugins": []})


def test_a_process_that_dies_fails_its_file_only(tmp_path: Path) -> None:
    models, out = tmp_path / "models", tmp_path / "out"
    models.mkdir()
    (tmp_path / "plugin.py").write_text(PLUGIN)
    for kind in ("crash", "exit", "bug", "print", "good"):
        layer = obj("my.Trouble", kind=kind, output=0, gradInput=0)
        t7convert.save(sequential(layer, linear(2, 2)), models / f"{kind}.t7")
    (out / "x").mkdir(parents=True)
    (out / ".crash.pt.abc.part.pt").write_text("left behind by the dead process")
    (out / "good.pt.old").write_text("not ours")
    result = run(
        str(models), str(out), "--plugin", str(tmp_path / "plugin.py"), "--jobs", "1", "--json"
    )
    found = rows(result)

    assert result.exit_code == 1
    assert found["crash.t7"]["error"] == "the process died: SIGKILL, out of memory perhaps"
    assert found["exit.t7"]["error"] == "the process died: exit code 7"
    assert found["bug.t7"]["error"] == "RuntimeError: a bug"
    assert found["print.t7"]["status"] == found["good.t7"]["status"] == "done"
    assert sorted(p.name for p in out.iterdir() if p.is_file()) == [
        "batch.json",
        "good.pt",
        "good.pt.old",
        "print.pt",
    ]


@pytest.mark.parametrize("kind", ["hang", "deaf"])
def test_an_interruption_leaves_a_record_to_go_on_from(kind: str, tmp_path: Path) -> None:
    models, out = tmp_path / "models", tmp_path / "out"
    models.mkdir()
    (tmp_path / "plugin.py").write_text(PLUGIN)
    t7convert.save(sequential(linear(2, 2)), models / "a.t7")
    hang = obj("my.Trouble", kind=kind, output=0, gradInput=0)
    t7convert.save(sequential(hang), models / "b.t7")
    words = ["batch", "models", "out", "--plugin", "plugin.py", "--jobs", "1"]
    process = subprocess.Popen(
        [sys.executable, "-m", "t7convert", *words],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stderr is not None
    assert process.stderr.readline() == "[1/2] done models/a.t7\n"
    time.sleep(0.3)
    os.killpg(process.pid, signal.SIGINT)
    _, printed = process.communicate(timeout=60)

    assert process.returncode == 130
    assert printed.strip() == "interrupted"
    recorded = json.loads((out / "batch.json").read_text())["outputs"]
    assert {name: row["status"] for name, row in recorded.items()} == {
        "a.pt": "done",
        "b.pt": "pending",
    }
    assert sorted(p.name for p in out.iterdir()) == ["a.pt", "batch.json"]
