"""Processes that work on jobs; one that dies fails its job, and another takes its place."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Generator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from t7convert.files import remove_unfinished

_GRACE = 5.0  # seconds that a process gets to clean up after an interruption
_CODE = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from t7convert.commands.batch_job import main; main()"
)
# A session of its own keeps Ctrl-C from the processes: the pool interrupts each of them once.
Answer = tuple[dict[str, Any], dict[str, Any]]


def run_jobs(jobs: Sequence[dict[str, Any]], workers: int) -> Generator[Answer, None, None]:
    """Iterate over (job, result) in the order in which they get done."""
    waiting: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
    for job in jobs:
        waiting.put(job)
    answers: queue.SimpleQueue[Answer] = queue.SimpleQueue()
    pool = [_Worker(waiting, answers, workers) for _ in range(min(workers, len(jobs)))]
    for worker in pool:
        worker.start()
    try:
        for _ in jobs:
            yield answers.get()
    finally:
        for worker in pool:
            worker.stop()
        for worker in pool:
            worker.join(_GRACE)
            while worker.is_alive():  # deaf to the interruption, or it came before the job began
                worker.kill()
                worker.join(1)


class _Worker(threading.Thread):
    """Hands jobs to a process of its own, one at a time."""

    def __init__(
        self,
        waiting: queue.SimpleQueue[dict[str, Any]],
        answers: queue.SimpleQueue[Answer],
        workers: int,
    ) -> None:
        super().__init__(daemon=True)
        self._waiting, self._answers = waiting, answers
        self._threads = max(1, (os.cpu_count() or 1) // workers)
        self._process: subprocess.Popen[str] | None = None
        self._stopped = self._busy = False

    def run(self) -> None:
        while not self._stopped:
            try:
                job = self._waiting.get_nowait()
            except queue.Empty:
                break
            self._busy = True
            answer = self._answer(job)
            self._busy = False
            self._answers.put((job, answer))
        self._end()

    def stop(self) -> None:
        """Let the running job clean up behind itself, and start no other."""
        self._stopped = True
        if self._process is not None and self._busy:
            with suppress(ProcessLookupError):
                self._process.send_signal(signal.SIGINT)

    def kill(self) -> None:
        """End the process of a job that did not end when it was asked to."""
        process = self._process
        if process is not None:
            process.kill()

    def _start(self) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-c", _CODE, json.dumps(sys.path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            start_new_session=True,
            env={"OMP_NUM_THREADS": str(self._threads), **os.environ},
        )

    def _answer(self, job: dict[str, Any]) -> dict[str, Any]:
        process = self._process = self._process or self._start()
        assert process.stdin is not None
        assert process.stdout is not None
        line = ""
        with suppress(BrokenPipeError):
            process.stdin.write(json.dumps(job) + "\n")
            process.stdin.flush()
            line = process.stdout.readline()
        if line.endswith("\n"):
            result: dict[str, Any] = json.loads(line)
            return result
        self._end()
        remove_unfinished(Path(job["target"]))
        return {"status": "failed", "error": f"the process died: {_reason(process.returncode)}"}

    def _end(self) -> None:
        if self._process is None:
            return
        with suppress(BrokenPipeError, subprocess.TimeoutExpired):
            self._process.communicate(timeout=_GRACE)
        if self._process.poll() is None:
            self._process.kill()
            self._process.communicate()
        self._process = None


def _reason(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    return f"{name}, out of memory perhaps" if name == "SIGKILL" else name
