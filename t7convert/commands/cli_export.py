"""Parsing of ``convert``, ``shrink`` and ``extract``."""

from __future__ import annotations

from typing import Any

import click

from t7convert.commands.cli_main import (
    DTYPES,
    FILE,
    OUT,
    arch_option,
    force_option,
    json_option,
    plugin_option,
    select_option,
)
from t7convert.commands.cli_proof import shape_option


@click.command("convert")
@click.argument("source", metavar="MODEL.t7", type=FILE)
@click.argument("out", metavar="OUT", type=OUT)
@click.option("--format", metavar="KIND", help="The kind of output, if the suffix doesn't say it.")
@select_option
@click.option("--until", metavar="PATH", help="Keep the network up to this module (features).")
@arch_option
@click.option("--dtype", type=DTYPES, help="Cast floating tensors.")
@click.option("--untie", is_flag=True, help=".safetensors: write every name of a shared tensor.")
@click.option("--input", type=FILE, help=".onnx, .pt2: trace with this input.")
@shape_option
@click.option("--dynamic/--fixed", default=True, help=".onnx, .pt2: leave the batch free.")
@plugin_option
@force_option
@json_option
@click.pass_context
def convert_command(ctx: click.Context, /, **options: Any) -> None:
    """Write a Lua Torch network as .pt, .safetensors, .onnx, .pt2, .npz or .json, by suffix.

    A file without a network becomes .npz (its tensors), .json (the rest), .npy or .pt.

    Example: t7convert convert model.t7 model.onnx
    """
    from t7convert.commands.converting import convert_file

    ctx.exit(convert_file(**options))


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
