"""The command line: parses, calls, and turns errors into one line and an exit code.

Exit codes: 0 ok, 1 failed, 2 usage, 3 unsupported layer, 4 not a .t7 or corrupt, 5 parity failed,
130 interrupted.
"""

from __future__ import annotations

import io
import os
import signal
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from t7convert._version import __version__
from t7convert.commands import cli_export, cli_main, cli_proof, cli_weights
from t7convert.errors import T7Error, in_words

#: Dependencies that are imported when a command needs them.
_PACKAGES = frozenset({"torch", "torchfile", "requests", "numpy"})


class ErrorBoundary(click.Group):
    """Turns what goes wrong into a message on stderr and an exit code."""

    def main(self, *args: Any, **extra: Any) -> Any:
        extra["standalone_mode"] = False
        _take_any_text()
        with interruptible():
            try:
                code = super().main(*args, **extra)
                if sys.stdout is not None:
                    sys.stdout.flush()  # a reader that went away is noticed here, not at exit
            except BrokenPipeError:
                code = 1
            except BaseException as error:
                code = _exit_code(error)
        _let_go_of_stdout()
        sys.exit(code if isinstance(code, int) else 0)


def _exit_code(error: BaseException) -> int:
    """Print what happened and return the exit code.

    Raises:
        BaseException: ``error`` itself, if it is a mistake in this program.
    """
    if isinstance(error, click.UsageError):
        click.echo(_usage_text(error), err=True)
        return error.exit_code
    if isinstance(error, click.ClickException):
        error.show()
        return error.exit_code
    if isinstance(error, (click.Abort, KeyboardInterrupt)):
        click.echo("interrupted", err=True)
        return 130
    if isinstance(error, T7Error):
        text, code = str(error), error.exit_code
    elif isinstance(error, RecursionError):
        text, code = "modules or tables nest too deep for this command", 1
    elif isinstance(error, MemoryError):
        text, code = "out of memory" + (f": {error}" if str(error) else ""), 1
    elif isinstance(error, ModuleNotFoundError) and error.name in _PACKAGES:
        text, code = f"the package {error.name} is not installed: pip install {error.name}", 1
    elif isinstance(error, OSError):
        text, code = in_words(error), 1
    else:
        raise error
    click.echo(f"t7convert: {text}", err=True)
    return code


def _usage_text(error: click.UsageError) -> str:
    text = error.format_message()
    if "\n" in text:  # called without arguments: the help itself
        return text
    command = error.ctx.command_path if error.ctx is not None else "t7convert"
    return f"{command}: {text.rstrip('.')} ({command} -h shows the usage)"


@contextmanager
def interruptible() -> Iterator[None]:
    """Let SIGTERM and SIGHUP end the program as Ctrl-C does, so that nothing half-made stays."""
    before: dict[int, Any] = {}
    for name in ("SIGTERM", "SIGHUP"):  # the latter is unknown to Windows
        number = getattr(signal, name, None)
        main_thread = threading.current_thread() is threading.main_thread()
        if number is not None and main_thread and signal.getsignal(number) is signal.SIG_DFL:
            before[number] = signal.signal(number, signal.default_int_handler)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _take_any_text() -> None:
    """Let stdout take every name of a file: bytes that are no UTF-8, letters that it hasn't."""
    stdout = sys.stdout
    if isinstance(stdout, io.TextIOWrapper) and stdout.errors == "strict":
        whole = stdout.encoding.lower().replace("-", "") == "utf8"
        stdout.reconfigure(errors="surrogateescape" if whole else "backslashreplace")


def _let_go_of_stdout() -> None:
    """Write what is left; where it can't be written any more, throw it away without a word."""
    if sys.stdout is None:
        return
    try:
        sys.stdout.flush()
    except OSError:
        sys.stdout = open(os.devnull, "w")  # noqa: PTH123, SIM115  must outlive this function


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
    """Turn Lua Torch (.t7) files into PyTorch networks that compute the same numbers.

    \b
    Begin with:
      t7convert inspect model.t7
      t7convert to-pytorch model.t7 out.pt
      t7convert verify model.t7 out.pt

    Exit codes: 0 ok, 1 failed, 2 usage, 3 unsupported layer, 4 not a .t7 or corrupt, 5 parity
    failed, 130 interrupted. `t7convert COMMAND -h` explains a command.
    """
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
