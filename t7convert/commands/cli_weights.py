"""The click commands ``download``, ``classify`` and ``eval``; they parse, call and end."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from t7convert.commands.cli_options import (
    FILE_OR_FOLDER,
    FILE_OR_NAME,
    download_options,
    json_option,
    looks_options,
    plugin_option,
    reading_options,
)

if TYPE_CHECKING:
    from t7convert.commands.classify import Looks
    from t7convert.commands.download import Options
    from t7convert.opening import Reading


@click.command("download", short_help="Fetch released checkpoints.")
@click.pass_context
@click.argument("names", nargs=-1)
@click.option(
    "--list", "listing", is_flag=True, help="Show the catalogue, or its NAMES, and the sources."
)
@click.option("--force", is_flag=True, help="Download although the file is there.")
@click.option(
    "--accept-change", is_flag=True, help="Take a file that differs from the first one seen."
)
@json_option
@download_options
def download_command(
    ctx: click.Context,
    names: tuple[str, ...],
    *,
    listing: bool,
    force: bool,
    accept_change: bool,
    as_json: bool,
    options: Options,
) -> None:
    """Download released checkpoints by NAME, and print where they are.

    \b
    Examples:
      t7convert download --list
      t7convert download resnet50-shared
    """
    from dataclasses import replace

    from t7convert.commands import download as command

    if listing:
        ctx.exit(command.list_entries(options, names=names, as_json=as_json))
    if not names:
        raise click.UsageError("name what to download, or give --list")
    if as_json:
        raise click.UsageError("--json goes with --list")
    if len(names) > 1 and (options.urls or options.resource_key):
        raise click.UsageError("--url and --resource-key belong to one NAME")
    ctx.exit(command.download(names, replace(options, force=force, accept_change=accept_change)))


@click.command("classify", short_help="Print the best classes of pictures.")
@click.pass_context
@click.argument("source", metavar="NAME|FILE", type=FILE_OR_NAME)
@click.argument("images", nargs=-1, required=True, metavar="IMAGE...", type=FILE_OR_FOLDER)
@click.option(
    "--top",
    type=click.IntRange(min=1),
    default=5,
    show_default=True,
    help="How many classes to print of each picture.",
)
@json_option
@looks_options
@plugin_option
@download_options
@reading_options
def classify_command(
    ctx: click.Context,
    source: str,
    images: tuple[Path, ...],
    *,
    top: int,
    as_json: bool,
    looks: Looks,
    plugins: tuple[Path, ...],
    options: Options,
    reading: Reading,
) -> None:
    """Print the best classes of each IMAGE; folders are searched for pictures.

    NAME is one that `t7convert download --list` shows; FILE is a .t7, .pt or .safetensors.

    Example: t7convert classify resnet50-shared cat.jpg
    """
    from t7convert.commands import classify as command

    ctx.exit(
        command.classify(
            source,
            images,
            top=top,
            as_json=as_json,
            looks=looks,
            options=options,
            plugins=plugins,
            reading=reading,
        )
    )


@click.command("eval", short_help="Measure error rates.")
@click.pass_context
@click.argument("source", metavar="NAME|FILE", type=FILE_OR_NAME)
@click.option(
    "--data",
    required=True,
    type=FILE_OR_FOLDER,
    metavar="FOLDER",
    help="Folder with val/<class>/<picture>, or with CIFAR's published files.",
)
@click.option(
    "--batch-size",
    type=click.IntRange(min=1),
    default=64,
    show_default=True,
    help="Pictures that go through the network at once.",
)
@click.option(
    "--workers",
    type=click.IntRange(min=0),
    default=4,
    show_default=True,
    help="Processes that read pictures; 0 reads them in this one.",
)
@click.option("--ten-crop", is_flag=True, help="Add the scores of ten crops of each image.")
@json_option
@looks_options
@plugin_option
@download_options
@reading_options
def eval_command(
    ctx: click.Context,
    source: str,
    *,
    data: Path,
    batch_size: int,
    workers: int,
    ten_crop: bool,
    as_json: bool,
    looks: Looks,
    plugins: tuple[Path, ...],
    options: Options,
    reading: Reading,
) -> None:
    """Measure error rates on ImageNet's validation or CIFAR's test images.

    NAME is one that `t7convert download --list` shows; FILE is a .t7, .pt or .safetensors.

    \b
    Examples:
      t7convert eval resnet50-shared --data ILSVRC2012
      torchrun --nproc-per-node 4 -m t7convert eval resnet50-shared --data ILSVRC2012
    """
    from t7convert.commands import evaluate as command

    run = command.Run(batch_size=batch_size, workers=workers, ten_crop=ten_crop, as_json=as_json)
    code = command.evaluate(
        source, data, run=run, looks=looks, options=options, plugins=plugins, reading=reading
    )
    ctx.exit(code)


COMMANDS = (download_command, classify_command, eval_command)
