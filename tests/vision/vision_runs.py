"""Commands without a shell."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from click.testing import CliRunner, Result

from t7convert.commands.cli_weights import COMMANDS

ROOT = Path(__file__).resolve().parents[2]
WritePicture = Callable[..., Path]
DOWNLOAD, CLASSIFY, EVAL = COMMANDS


def run(command: object, *arguments: object) -> Result:
    """Run a command without a shell; the package's errors come through."""
    result = CliRunner().invoke(command, [str(item) for item in arguments])  # type: ignore[arg-type]
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result
