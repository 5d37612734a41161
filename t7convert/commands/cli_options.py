"""Arguments and options that several commands have: types, names and texts stand here once."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any, Literal

import click

Command = Callable[..., None]


class ReadableFile(click.Path):
    """A file that is there and may be read; anything else is wrong usage, in one line.

    With ``names``, what does not exist may be a name (in the catalogue, of a module) and stays a
    ``str``, as does one of the ``known`` names; with ``folders`` it may be a folder.
    """

    name = "file"

    def __init__(
        self, *, names: bool = False, known: Collection[str] = (), folders: bool = False
    ) -> None:
        super().__init__(path_type=Path)
        self._names, self._known, self._folders = names, known, folders

    def convert(
        self,
        value: str | os.PathLike[str],
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> Path | str:
        """Return the path, or the name."""
        path = Path(value)
        try:
            path.stat()
            problem = "is a folder, not a file" if path.is_dir() and not self._folders else ""
        except FileNotFoundError:
            if self._names and not path.is_symlink() and path.suffix != ".py":
                return str(value)
            if value in self._known:
                return str(value)
            problem = "no such file"
        except OSError as error:
            problem = error.strerror or str(error)
        if not problem and not os.access(path, os.R_OK):
            problem = "may not be read (permission denied)"
        if problem or not os.fspath(value):
            raise click.UsageError(f"{value or repr(value)}: {problem or 'no such file'}", ctx)
        return path


class Output(click.Path):
    """The name of a file to write; what else is wrong with one, ``files.check_output`` says."""

    name = "file"

    def __init__(self) -> None:
        super().__init__(path_type=Path)

    def convert(
        self,
        value: str | os.PathLike[str],
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> Path:
        """Return the path."""
        if not os.fspath(value):
            raise click.UsageError("the name of the output is empty", ctx)
        if os.fspath(value) == "-":
            raise click.UsageError("-: outputs are files; ./- is one of this name", ctx)
        return Path(value)


FILE = ReadableFile()
FILE_OR_NAME = ReadableFile(names=True)
FILE_OR_FOLDER = ReadableFile(folders=True)
OUT = Output()
DTYPES = click.Choice(["float64", "float32", "float16", "bfloat16"])
ARCHS = click.Choice(["auto", "generic", "sharesnet"])

select_option = click.option(
    "--select", metavar="PATH", help="The model in the file, where it holds several: model.net[2]."
)
plugin_option = click.option(
    "--plugin",
    "plugins",
    multiple=True,
    metavar="FILE|MODULE",
    type=FILE_OR_NAME,
    help="A Python file, or an importable module, with converters of its own; may be repeated.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
arch_option = click.option(
    "--arch",
    type=ARCHS,
    default="auto",
    show_default=True,
    help="Recognise the ShaResNets, keep Lua's structure, or demand a ShaResNet.",
)
force_option = click.option("--force", is_flag=True, help="Replace OUT if it exists.")


def _shape(ctx: click.Context, param: click.Parameter, value: str | None) -> tuple[int, ...] | None:
    if value is None:
        return None
    try:
        shape = tuple(int(word) for word in value.replace("x", ",").split(","))
    except ValueError:
        shape = ()
    if not shape or min(shape) < 1:
        raise click.BadParameter(f"{value!r} is no shape such as 1x3x224x224")
    return shape


shape_option = click.option(
    "--input-shape", callback=_shape, metavar="NxCxHxW", help="Draw inputs of this shape."
)


def reading_options(command: Command) -> Command:
    """Add the options of everything that reads a .t7; they arrive as ``reading``."""

    @click.option(
        "--long-size",
        type=click.Choice(["4", "8"]),
        help="Bytes of a C long in the .t7, where it reads with both.",
    )
    @click.option(
        "--byte-order", type=click.Choice(["little", "big"]), help="Byte order of the .t7."
    )
    @click.option("--member", metavar="NAME", help="Which file of a zip archive is the .t7.")
    @click.option(
        "--object",
        "index",
        type=click.IntRange(min=1),
        metavar="N",
        help="Which object of the .t7, if it holds several.  [default: 1]",
    )
    @functools.wraps(command)
    def wrapped(
        *args: Any,
        long_size: str | None,
        byte_order: Literal["little", "big"] | None,
        member: str | None,
        index: int | None,
        **rest: Any,
    ) -> None:
        from t7convert.opening import Reading

        size: dict[str | None, Literal[4, 8]] = {"4": 4, "8": 8}
        reading = Reading(size.get(long_size), byte_order, member, index)
        command(*args, reading=reading, **rest)

    return wrapped


def download_options(command: Command) -> Command:
    """Add the options of everything that downloads by name; they arrive as ``options``."""

    @click.option(
        "--catalogue",
        "extra_catalogue",
        type=FILE,
        metavar="FILE",
        help="TOML file with entries of your own.",
    )
    @click.option(
        "--cache-dir",
        type=click.Path(path_type=Path),
        metavar="FOLDER",
        help="Folder for downloads (default: $T7CONVERT_HOME, $TORCH_HOME/t7convert).",
    )
    @click.option("--offline", is_flag=True, help="Use the cache only.")
    @click.option("--resource-key", metavar="KEY", help="Resource key of an old Google Drive file.")
    @click.option(
        "--url",
        "urls",
        multiple=True,
        metavar="ADDRESS",
        help="Address to fetch from instead; may be repeated.",
    )
    @click.option(
        "--timeout",
        type=click.FloatRange(min=1),
        metavar="SECONDS",
        help="Time for a whole download.  [default: 6 hours]",
    )
    @click.option(
        "--progress/--no-progress",
        default=True,
        help="Show a bar on stderr, if that is a terminal.  [default: progress]",
    )
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

    @click.option(
        "--labels",
        type=ReadableFile(known=("imagenet", "cifar10")),
        metavar="FILE|imagenet|cifar10",
        help="Class names in the outputs' order, one per line; or a list that comes along.",
    )
    @click.option(
        "--preprocess",
        type=click.Choice(["imagenet", "cifar10", "cifar100"]),
        help="How pictures become inputs.  [default: what the catalogue says, or the outputs tell]",
    )
    @click.option(
        "--pillow-resize", is_flag=True, help="Resize with Pillow's bicubic, not Torch7's."
    )
    @click.option(
        "--device",
        metavar="NAME",
        help="cpu, cuda, cuda:N, mps or auto.  [default: classify cpu, eval auto]",
    )
    @functools.wraps(command)
    def wrapped(
        ctx: click.Context,
        *,
        labels: Path | str | None,
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
