"""Commands that are interrupted, or whose reader goes away."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import t7convert
from tests.build import linear


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interruption_leaves_nothing(tmp_path: Path, number: signal.Signals) -> None:
    t7convert.save(linear(4000, 4000), tmp_path / "m.t7")
    command = [sys.executable, "-m", "t7convert", "shrink", "m.t7", "o.t7"]
    process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    _wait_for(lambda: process.poll() is not None or len(list(tmp_path.iterdir())) > 1)
    process.send_signal(number)
    _, said = process.communicate(timeout=60)
    if process.returncode == 0:
        pytest.skip("it was done before")

    assert (process.returncode, said.strip()) == (130, "interrupted")
    assert [path.name for path in tmp_path.iterdir()] == ["m.t7"]


def _wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not condition() and time.monotonic() < end:
        time.sleep(0.001)


def test_a_reader_that_goes_away(tmp_path: Path) -> None:
    command = f"{sys.executable} -m t7convert download --list | head -1"
    done = subprocess.run(
        command, shell=True, check=True, cwd=tmp_path, capture_output=True, text=True
    )

    assert (done.stdout, done.stderr) == ("resnet34-shared\n", "")
