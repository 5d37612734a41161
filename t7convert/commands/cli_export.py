"""Parsing of ``convert``, ``shrink``, ``extract``, ``batch`` and ``to-torch7``."""

from __future__ import annotations

from typing import Any

import click

from t7convert.commands.cli_options import (
    DTYPES,
    FILE,
    OUT,
    arch_option,
    force_option,
    json_option,
    plugin_option,
    reading_options,
    select_option,
    shape_option,
)


@click.command("convert", short_help="Convert to .safetensors, .onnx, .py, ...")
@click.argument("source", metavar="MODEL.t7", type=FILE)
@click.argument("out", metavar="OUT", type=OUT)
@click.option(
    "--format",
    metavar="KIND",
    help="The kind of output, if the suffix doesn't say it: pt, safetensors, onnx, pt2, py, npz, "
    "json; of data npz, npy, json, pt, t7.",
)
@select_option
@click.option("--until", metavar="PATH", help="Keep the network up to this module (features).")
@arch_option
@click.option("--dtype", type=DTYPES, help="Cast floating tensors.")
@click.option(
    "--keys",
    type=click.Choice(["torchvision"]),
    help="Demand torchvision's names; an error where the network is none of its families.",
)
@click.option("--untie", is_flag=True, help=".safetensors: write every name of a shared tensor.")
@click.option(
    "--input",
    type=FILE,
    metavar="FILE",
    help=".onnx, .pt2, .py: trace or compare with this input: .t7, .npy, .pt, .png or .jpg.",
)
@shape_option
@click.option("--dynamic/--fixed", default=True, help=".onnx, .pt2: leave the batch free.")
@plugin_option
@force_option
@json_option
@click.pass_context
@reading_options
def convert_command(ctx: click.Context, /, **options: Any) -> None:
    """Write a Lua Torch network as .pt, .safetensors, .onnx, .pt2, .py, .npz or .json, by suffix.

    A file without a network becomes .npz (its tensors), .json (the rest), .npy or .pt.

    Example: t7convert convert model.t7 model.onnx
    """
    from t7convert.commands.converting import convert_file

    ctx.exit(convert_file(**options))


@click.command("shrink", short_help="Drop activations and buffers of a .t7.")
@click.argument("source", metavar="IN.t7", type=FILE)
@click.argument("out", metavar="OUT.t7", type=OUT)
@click.option("--gradients", is_flag=True, help="Drop gradWeight, gradBias and the like too.")
@force_option
@json_option
@click.pass_context
@reading_options
def shrink_command(ctx: click.Context, /, **options: Any) -> None:
    """Drop activations and buffers that a .t7 file carries along; parameters stay as they are.

    Example: t7convert shrink checkpoint.t7 small.t7 --gradients
    """
    from t7convert.commands.shrinking import shrink

    ctx.exit(shrink(**options))


@click.command("extract", short_help="Write a part of a file: .npz, .npy, .json...")
@click.argument("source", metavar="FILE.t7", type=FILE)
@click.argument("out", metavar="OUT", type=OUT)
@click.option(
    "--select", metavar="PATH", help="The part to take: opt.mean, model.modules[2].weight."
)
@force_option
@click.pass_context
@reading_options
def extract_command(ctx: click.Context, /, **options: Any) -> None:
    """Write a part of a .t7 file as .npz, .npy, .json, .pt or .t7.

    Example: t7convert extract checkpoint.t7 mean.npy --select mean
    """
    from t7convert.commands.shrinking import extract

    ctx.exit(extract(**options))


@click.command("batch", short_help="Convert many files in parallel.")
@click.argument("files", metavar="FOLDER|-", type=click.Path(path_type=str))
@click.argument("out", metavar="OUT", type=OUT)
@click.option(
    "--to",
    "kind",
    metavar="KIND",
    default="pt",
    show_default=True,
    help="What to write: pt, safetensors, onnx, pt2, py, npz or json.",
)
@click.option("--jobs", type=click.IntRange(min=1), help="How many at a time; else one per CPU.")
@click.option(
    "--pattern",
    "patterns",
    multiple=True,
    metavar="GLOB",
    help="Names of files to take; may be repeated.  [default: *.t7, *.t7b, *.th, *.th7, *.net, "
    "also packed]",
)
@select_option
@click.option("--until", metavar="PATH", help="Keep the networks up to this module (features).")
@arch_option
@click.option("--dtype", type=DTYPES, help="Cast floating tensors.")
@shape_option
@plugin_option
@click.option("--force", is_flag=True, help="Convert everything anew, replace what exists.")
@json_option
@click.option("-q", "--quiet", is_flag=True, help="No line on stderr for each file.")
@click.pass_context
@reading_options
def batch_command(ctx: click.Context, /, **options: Any) -> None:
    """Convert all .t7 files of a folder, or those whose names come on stdin (-).

    OUT gets the folder's structure and batch.json. Called again, it skips what is done and did not
    change. A file that can't be converted never stops the others; the exit code is 1 then.

    Example: t7convert batch models/ converted/ --to safetensors
    """
    from t7convert.commands.batch import batch

    ctx.exit(batch(**options))


@click.command("to-torch7", short_help="Write a .t7 that Lua Torch loads.")
@click.argument("source", metavar="IN.pt", type=FILE)
@click.argument("out", metavar="OUT.t7", type=OUT)
@click.option(
    "--backend",
    type=click.Choice(["nn", "cudnn"]),
    help="The class names of convolutions and the like; by default those that the network had.",
)
@click.option(
    "--type",
    type=click.Choice(["float", "double", "cuda"]),
    help="The tensors' type; by default the one that the network had.",
)
@click.option(
    "--flatten/--no-flatten",
    default=False,
    help="Make all parameters views of one storage, as getParameters() leaves them.",
)
@click.option(
    "--gradients/--no-gradients",
    default=True,
    help="Write gradWeight and gradBias (zero), which training in Lua needs.",
)
@click.option(
    "--model",
    metavar="NAME",
    help="IN is the bare state_dict of this network: sharesnet50, resnet50 (torchvision's)...",
)
@plugin_option
@force_option
@click.pass_context
def to_torch7_command(ctx: click.Context, /, **options: Any) -> None:
    """Write a network of a .pt or .safetensors file of ours as a .t7 that Lua Torch loads.

    Example: t7convert to-torch7 model.pt model.t7 --backend nn
    """
    from t7convert.commands.to_torch7 import to_torch7

    ctx.exit(to_torch7(**options))
