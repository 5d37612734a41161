"""Parsing of ``shrink`` and ``extract``."""

from __future__ import annotations

from typing import Any

import click

from t7convert.commands.cli_main import FILE, OUT, force_option, json_option


@click.command("shrink")
@click.argument("source", metavar="IN.t7", type=FILE)
@click.argument("out", metavar="OUT.t7", type=OUT)
@click.option("--gradients", is_flag=True, help="Drop gradWeight, gradBias and the like too.")
@force_option
@json_option
@click.pass_context
def shrink_command(ctx: click.Context, /, **options: Any) -> None:
    """Drop activations and buffers that a .t7 file carries along; parameters stay as they are.

    Example: t7convert shrink checkpoint.t7 small.t7 --gradients
    """
    from t7convert.commands.shrinking import shrink

    ctx.exit(shrink(**options))


@click.command("extract")
@click.argument("source", metavar="FILE.t7", type=FILE)
@click.argument("out", metavar="OUT", type=OUT)
@click.option(
    "--select", metavar="PATH", help="The part to take: opt.mean, model.modules[2].weight."
)
@force_option
@click.pass_context
def extract_command(ctx: click.Context, /, **options: Any) -> None:
    """Write a part of a .t7 file as .npz, .npy, .json, .pt or .t7.

    Example: t7convert extract checkpoint.t7 mean.npy --select mean
    """
    from t7convert.commands.shrinking import extract

    ctx.exit(extract(**options))
