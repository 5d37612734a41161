"""The command line: parses, calls, and turns errors into one line and an exit code.

Exit codes: 0 ok, 1 failed, 2 usage, 3 unsupported layer, 4 not a .t7 or corrupt, 5 parity failed,
130 interrupted.
"""

from __future__ import annotations

import os
import sys
import warnings
from typing import Any

import click

from t7convert._version import __version__
from t7convert.commands import cli_export, cli_main, cli_proof, cli_weights
from t7convert.errors import T7Error


class ErrorBoundary(click.Group):
    """Turns the package's own errors into a message on stderr and their exit code."""

    def main(self, *args: Any, **extra: Any) -> Any:
        extra["standalone_mode"] = False
        try:
            code = super().main(*args, **extra)
        except click.ClickException as error:
            error.show()
            code = error.exit_code
        except (click.Abort, KeyboardInterrupt):
            click.echo("interrupted", err=True)
            code = 130
        except T7Error as error:
            click.echo(f"t7convert: {error}", err=True)
            code = error.exit_code
        except BrokenPipeError:  # the reader of our output went away, e.g. head
            sys.stdout = open(os.devnull, "w")  # noqa: PTH123, SIM115  must outlive this function
            code = 1
        except RecursionError:
            click.echo("t7convert: modules or tables nest too deep for this command", err=True)
            code = 1
        except OSError as error:
            named = error.filename is not None and error.strerror
            text = f"{error.filename}: {error.strerror}" if named else str(error)
            click.echo(f"t7convert: {text}", err=True)
            code = 1
        sys.exit(code if isinstance(code, int) else 0)


def _wants_colour(choice: bool | None) -> bool | None:
    """Return click's colour setting: None lets click look whether stdout is a terminal."""
    if choice is not None:
        return choice
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return None


def _show_warning(message: Warning | str, *args: Any, **kwargs: Any) -> None:
    click.echo(f"t7convert: warning: {message}", err=True)


@click.group(cls=ErrorBoundary, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="t7convert")
@click.option("--color/--no-color", "colour", default=None, help="Colours on or off.")
@click.pass_context
def main(ctx: click.Context, colour: bool | None) -> None:
    """Turn Lua Torch (.t7) files into PyTorch networks that compute the same numbers."""
    ctx.color = _wants_colour(colour)
    warnings.showwarning = _show_warning


for command in (
    cli_main.to_pytorch_command,
    cli_main.inspect_command,
    cli_main.models_command,
    cli_main.stub_command,
    cli_main.report_command,
    cli_proof.verify_command,
    cli_proof.diff_command,
    cli_export.convert_command,
    cli_export.shrink_command,
    cli_export.extract_command,
    cli_export.to_torch7_command,
    cli_export.batch_command,
    cli_weights.download_command,
    cli_weights.classify_command,
    cli_weights.eval_command,
):
    main.add_command(command)
