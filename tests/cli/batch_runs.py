"""Runs of ``t7convert batch`` and what they print."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from t7convert.cli import main


def run(*args: str, stdin: str | None = None) -> Result:
    """Run a command as the shell would."""
    return CliRunner().invoke(main, ["batch", *args], prog_name="t7convert", input=stdin)


def rows(result: Result) -> dict[str, dict[str, Any]]:
    """Return the rows of --json by the names of the sources."""
    return {Path(row["source"]).name: row for row in json.loads(result.stdout)["files"]}
