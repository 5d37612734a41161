"""Parsing of ``to-pytorch``, ``inspect``, ``models``, ``stub`` and ``report``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from t7convert.commands.cli_options import (
    DTYPES,
    FILE,
    FILE_OR_NAME,
    OUT,
    arch_option,
    download_options,
    force_option,
    json_option,
    plugin_option,
    reading_options,
    select_option,
)

if TYPE_CHECKING:
    from t7convert.commands.download import Options


@click.command("to-pytorch", short_help="Convert to PyTorch, every tie kept.")
@click.argument("source", metavar="MODEL.t7|NAME", type=FILE_OR_NAME)
@click.argument("out", metavar="OUT.pt", type=OUT)
@select_option
@click.option("--until", metavar="PATH", help="Keep the network up to this module (features).")
@arch_option
@click.option("--dtype", type=DTYPES, help="Cast floating tensors.")
@click.option(
    "--into",
    type=FILE,
    metavar="NETWORK.t7",
    help="MODEL.t7 holds parameters only (getParameters()); put them into this file's network.",
)
@click.option("--state-dict-only", is_flag=True, help="Write the bare state_dict.")
@click.option(
    "--allow-missing",
    is_flag=True,
    help="Put a module that raises when called in place of what can't be converted.",
)
@plugin_option
@click.option(
    "--verify/--no-verify",
    default=None,
    help="Check the network before writing; by default where that takes some seconds at most.",
)
@force_option
@json_option
@click.option("-q", "--quiet", is_flag=True, help="Print nothing but errors.")
@click.pass_context
@download_options
@reading_options
def to_pytorch_command(ctx: click.Context, /, *, options: Options, **how: Any) -> None:
    """Turn a Lua Torch network into a PyTorch one, every shared weight kept shared.

    NAME is one that `t7convert download --list` shows; a file of that name beats it.

    Example: t7convert to-pytorch model.t7 out.pt
    """
    from t7convert.commands.to_pytorch import located, to_pytorch

    where = (how.pop("source"), how.pop("select"), options)
    source, select = located(*where, quiet=how["quiet"])
    ctx.exit(to_pytorch(source, select=select, **how))


@click.command("inspect", short_help="Show what a file holds.")
@click.argument("source", metavar="MODEL.t7", type=FILE)
@select_option
@click.option("--depth", type=click.IntRange(min=0), help="Show the tree down to this depth.")
@json_option
@click.option(
    "--map", "key_map", is_flag=True, help="Print Lua path and state_dict key of every tensor."
)
@arch_option
@plugin_option
@click.option("--html", type=OUT, metavar="FILE", help="Write what there is as a web page.")
@click.pass_context
@reading_options
def inspect_command(ctx: click.Context, /, **options: Any) -> None:
    """Print what a Lua Torch file holds: modules, parameters, ties, bytes.

    Example: t7convert inspect model.t7 --depth 2
    """
    from t7convert.commands.inspection import inspect_file

    ctx.exit(inspect_file(**options))


@click.command("models", short_help="Show the paper's table of parameters.")
@json_option
@click.pass_context
def models_command(ctx: click.Context, as_json: bool) -> None:
    """Print the paper's table of parameters beside counted numbers."""
    from t7convert.commands.models import models

    ctx.exit(models(as_json))


out_argument = click.argument("out", metavar="[OUT]", type=OUT, required=False)


@click.command("stub", short_help="Write a plugin skeleton for unknown classes.")
@click.argument("source", metavar="MODEL.t7", type=FILE)
@out_argument
@select_option
@force_option
@click.pass_context
@reading_options
def stub_command(ctx: click.Context, /, **options: Any) -> None:
    """Write a plugin skeleton for the classes of a file that have no converter.

    Example: t7convert stub model.t7 my_layers.py
    """
    from t7convert.commands.reporting import stub

    ctx.exit(stub(**options))


@click.command("report", short_help="Write the structure, for a bug report.")
@click.argument("source", metavar="MODEL.t7", type=FILE)
@out_argument
@force_option
@click.pass_context
@reading_options
def report_command(ctx: click.Context, /, **options: Any) -> None:
    """Write the structure of a file without its weights, to attach to a bug report.

    Example: t7convert report model.t7 report.json
    """
    from t7convert.commands.reporting import report

    ctx.exit(report(**options))
