"""Parsing of ``verify`` and ``diff``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from t7convert.commands.cli_options import (
    DTYPES,
    FILE,
    OUT,
    arch_option,
    json_option,
    plugin_option,
    reading_options,
    select_option,
    shape_option,
)

if TYPE_CHECKING:
    from t7convert.opening import Reading


@click.command("verify", short_help="Prove parity with the Lua module.")
@click.argument("source", metavar="MODEL.t7", type=FILE)
@click.argument("output", metavar="[OUT]", type=FILE, required=False)
@select_option
@click.option("--until", metavar="PATH", help="Compare the network up to this module.")
@arch_option
@plugin_option
@click.option(
    "--input", type=FILE, metavar="FILE", help="Run this input: .t7, .npy, .pt, .png or .jpg."
)
@shape_option
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Draw other random inputs.",
)
@click.option(
    "--expected",
    type=FILE,
    metavar="FILE",
    help="A recorded output to compare with: .t7 or .npy.",
)
@click.option(
    "--device",
    default="cpu",
    show_default=True,
    metavar="NAME",
    help="cpu, cuda, cuda:N, mps or auto.",
)
@click.option(
    "--dtype", type=DTYPES, default="float32", show_default=True, help="Run in this type."
)
@click.option("--gradients", is_flag=True, help="Compare with Lua's backward too.")
@click.option("--allow-unchecked", is_flag=True, help="Pass although a class has no reference.")
@json_option
@click.option("--junit", type=OUT, metavar="FILE", help="Write the report as JUnit XML.")
@click.option("--html", type=OUT, metavar="FILE", help="Write the report as a web page.")
@click.option("-q", "--quiet", is_flag=True, help="Print nothing if the check passes.")
@click.pass_context
@reading_options
def verify_command(
    ctx: click.Context,
    /,
    source: Path,
    output: Path | None,
    as_json: bool,
    junit: Path | None,
    html: Path | None,
    quiet: bool,
    reading: Reading,
    **options: Any,
) -> None:
    """Prove that the converted network computes what the Lua module computes.

    The Lua module is interpreted in NumPy, on its own; every module's output, every parameter and
    every tie is compared. OUT is a file that t7convert made from it: .pt, .safetensors, .npz, .py,
    .pt2, .onnx or .t7; the report says what a kind lets nobody compare. Without OUT, MODEL.t7 is
    converted in memory. Exit code 5 if anything differs.

    Example: t7convert verify model.t7 out.pt --dtype float64
    """
    from t7convert.commands.verification import verify_file
    from t7convert.parity.check import Options

    code = verify_file(
        *(source, output, Options(**options)),
        as_json=as_json,
        junit=junit,
        html=html,
        quiet=quiet,
        reading=reading,
    )
    ctx.exit(code)


@click.command("diff", short_help="Compare two files.")
@click.argument("first", metavar="A", type=FILE)
@click.argument("second", metavar="B", type=FILE)
@select_option
@json_option
@click.pass_context
@reading_options
def diff_command(ctx: click.Context, /, first: Path, second: Path, **options: Any) -> None:
    """Compare two files: structure, parameters, ties, numbers, data.

    Each is a .t7, .pt, .safetensors or .npz. Two .t7 files are compared in all that they hold, but
    for activations, buffers and gradients; otherwise networks are. Exit code 0 if they are the
    same, 1 if they differ.

    Example: t7convert diff before.t7 after.t7
    """
    from t7convert.commands.comparison import diff_files

    ctx.exit(diff_files(first, second, **options))
