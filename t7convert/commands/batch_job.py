"""One file of a batch, and the process that converts one after another.

The process reads jobs and writes results as lines of JSON, so that a crash ends it and nobody else.
"""

from __future__ import annotations

import json
import os
import sys
import time
import warnings
from pathlib import Path
from typing import Any

from t7convert import api, outputs
from t7convert.commands.converting import write_data_of
from t7convert.errors import T7Error, in_words
from t7convert.export.provenance import sha256
from t7convert.files import check_output
from t7convert.lua import find
from t7convert.opening import Reading, open_source


def run_job(job: dict[str, Any]) -> dict[str, Any]:
    """Convert ``job["source"]`` to ``job["target"]``, unless ``job["previous"]`` did that.

    Returns:
        ``status`` (done, skipped, failed), ``error`` or ``remark``, size and sha256 of the source,
        size of the target, seconds. Never raises but for an interruption.
    """
    start = time.monotonic()
    result: dict[str, Any] = {}
    try:
        source, target = Path(job["source"]), Path(job["target"])
        result |= {"size": source.stat().st_size, "sha256": sha256(source)}
        if _is_done(target, result, job["previous"]):
            return {**job["previous"], "status": "skipped"}
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            remark = _convert(source, target, job)
        remarks = [remark, *(f"warning: {warning.message}" for warning in said)]
        result |= {"status": "done", "remark": "; ".join(filter(None, remarks))}
        result["target_size"] = target.stat().st_size
    except (T7Error, OSError) as error:
        result |= {"status": "failed", "error": in_words(error)}
    except Exception as error:  # whatever one file does, the others are converted
        result |= {"status": "failed", "error": f"{type(error).__name__}: {error}"}
    return {**result, "seconds": round(time.monotonic() - start, 2)}


def _is_done(target: Path, source: dict[str, Any], previous: dict[str, Any] | None) -> bool:
    return (
        previous is not None
        and all(previous.get(name) == source[name] for name in ("size", "sha256"))
        and target.is_file()
        and target.stat().st_size == previous.get("target_size")
    )


def _convert(source: Path, target: Path, job: dict[str, Any]) -> str:
    """Write the network, or the data of a file that holds none; return a remark."""
    kind, force, options = job["kind"], job["force"], dict(job["options"])
    reading = Reading(**options.pop("reading", {}))
    target.parent.mkdir(parents=True, exist_ok=True)
    check_output(target, force=force, sources=[source])
    opened = open_source(source, reading)
    if options.get("select") is None and not find.models(opened.root):
        write_data_of(opened.root, source, target, kind, {}, force=force)
        return "no network in this file; its data was written"
    if kind != "pt":
        return outputs.write_kind(opened, target, kind, force=force, **options)
    made = api.convert(opened, target, force=force, **options)
    return f"{made.architecture}, parity {made.parity['result']}"


def main() -> None:
    """Read jobs from stdin to its end; what code prints meanwhile goes to stderr."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    try:
        for line in sys.stdin:
            answers.write(json.dumps(run_job(json.loads(line))) + "\n")
            answers.flush()
    except (KeyboardInterrupt, BrokenPipeError):  # who started us knows, or is gone
        sys.exit(130)
