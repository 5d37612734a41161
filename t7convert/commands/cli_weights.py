"""The click commands ``download``, ``classify`` and ``eval``; they parse, call and end."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from t7convert.commands.classify import Looks
    from t7convert.commands.download import Options

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_PREPROCESSINGS = click.Choice(["imagenet", "cifar10", "cifar100"])

Command = Callable[..., None]


def download_options(command: Command) -> Command:
    """Add the options of everything that downloads by name; they arrive as ``options``."""

    @click.option("--catalogue", "extra_catalogue", type=_FILE, help="TOML file of own entries.")
    @click.option(
        "--cache-dir",
        type=click.Path(file_okay=False, path_type=Path),
        help="Folder for downloads (default: $T7CONVERT_HOME, $TORCH_HOME/t7convert).",
    )
    @click.option("--offline", is_flag=True, help="Use the cache only.")
    @click.option("--resource-key", metavar="KEY", help="Resource key of an old Google Drive file.")
    @click.option("--url", "urls", multiple=True, help="Address to fetch from instead; repeatable.")
    @click.option("--timeout", type=click.FloatRange(min=1), help="Seconds for a whole download.")
    @click.option("--progress/--no-progress", default=True, help="Bar on a terminal's stderr.")
    @functools.wraps(command)
    def wrapped(
        ctx: click.Context,
        *,
        extra_catalogue: Path | None,
        cache_dir: Path | None,
        offline: bool,
        resource_key: str | None,
        urls: tuple[str, ...],
        timeout: float | None,
        progress: bool,
        **rest: Any,
    ) -> None:
        from t7convert.commands.download import Options

        options = Options(
            extra_catalogue=extra_catalogue,
            cache_dir=cache_dir,
            offline=offline,
            resource_key=resource_key,
            urls=urls,
            timeout=timeout,
            progress=progress,
        )
        command(ctx, options=options, **rest)

    return wrapped


def looks_options(command: Command) -> Command:
    """Add the options of everything that looks at pictures; they arrive as ``looks``."""

    @click.option("--labels", type=_FILE, help="File of class names, in the outputs' order.")
    @click.option("--preprocess", type=_PREPROCESSINGS, help="How pictures become inputs.")
    @click.option(
        "--pillow-resize", is_flag=True, help="Resize with Pillow's bicubic, not Torch7's."
    )
    @click.option("--device", help="cpu, cuda, cuda:N, mps or auto.")
    @functools.wraps(command)
    def wrapped(
        ctx: click.Context,
        *,
        labels: Path | None,
        preprocess: str | None,
        pillow_resize: bool,
        device: str | None,
        **rest: Any,
    ) -> None:
        from t7convert.commands.classify import Looks

        looks = Looks(
            labels=labels, preprocess=preprocess, pillow_resize=pillow_resize, device=device
        )
        command(ctx, looks=looks, **rest)

    return wrapped


_plugin = click.option(
    "--plugin", "plugins", multiple=True, type=_FILE, help="Python file of own converters."
)
_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.command("download")
@click.pass_context
@click.argument("names", nargs=-1)
@click.option(
    "--list", "listing", is_flag=True, help="Show the catalogue, or its NAMES, and the sources."
)
@click.option("--force", is_flag=True, help="Download although the file is there.")
@click.option(
    "--accept-change", is_flag=True, help="Take a file that differs from the first one seen."
)
@_json
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
    t7convert download resnet50-shared
    t7convert download --list
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


@click.command("classify")
@click.pass_context
@click.argument("source", metavar="NAME|FILE")
@click.argument("images", nargs=-1, required=True, metavar="IMAGE...")
@click.option("--top", type=click.IntRange(min=1), default=5, show_default=True)
@_json
@looks_options
@_plugin
@download_options
def classify_command(
    ctx: click.Context,
    source: str,
    images: tuple[str, ...],
    *,
    top: int,
    as_json: bool,
    looks: Looks,
    plugins: tuple[Path, ...],
    options: Options,
) -> None:
    """Print the best classes of each IMAGE; folders are searched for pictures.

    \b
    t7convert classify resnet50-shared cat.jpg
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
        )
    )


@click.command("eval")
@click.pass_context
@click.argument("source", metavar="NAME|FILE")
@click.option(
    "--data",
    required=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder with val/<class>/<picture>, or with CIFAR's published files.",
)
@click.option("--batch-size", type=click.IntRange(min=1), default=64, show_default=True)
@click.option("--workers", type=click.IntRange(min=0), default=4, show_default=True)
@click.option("--ten-crop", is_flag=True, help="Add the scores of ten crops of each image.")
@_json
@looks_options
@_plugin
@download_options
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
) -> None:
    """Measure error rates on ImageNet's validation or CIFAR's test images.

    \b
    t7convert eval resnet50-shared --data ILSVRC2012
    torchrun --nproc-per-node 4 -m t7convert eval resnet50-shared --data ILSVRC2012
    """
    from t7convert.commands import evaluate as command

    run = command.Run(batch_size=batch_size, workers=workers, ten_crop=ten_crop, as_json=as_json)
    ctx.exit(command.evaluate(source, data, run=run, looks=looks, options=options, plugins=plugins))


COMMANDS = (download_command, classify_command, eval_command)
