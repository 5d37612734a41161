"""``t7convert convert``: a Lua Torch file to any kind of output, by suffix."""

from __future__ import annotations

from collections.abc import Sequence
from keyword import iskeyword
from pathlib import Path
from typing import Any

import click

from t7convert.commands.printing import print_json
from t7convert.commands.progress import size
from t7convert.commands.to_pytorch import to_pytorch
from t7convert.errors import OutputKindError
from t7convert.files import check_not_read, check_output
from t7convert.lua import find
from t7convert.opening import TOLD, Reading, open_source
from t7convert.options import Arch, Dtype
from t7convert.outputs import DATA_KINDS, check_kind, kind_of, write_kind


def convert_file(
    source: Path,
    out: Path,
    *,
    format: str | None = None,
    select: str | None = None,
    until: str | None = None,
    arch: Arch = "auto",
    dtype: Dtype | None = None,
    keys: str | None = None,
    untie: bool = False,
    input: Path | None = None,
    input_shape: Sequence[int] | None = None,
    dynamic: bool = True,
    plugins: Sequence[Path] = (),
    force: bool = False,
    as_json: bool = False,
    reading: Reading = TOLD,
) -> int:
    """Convert the file's network, or its data if it holds none."""
    if keys is not None:
        if arch == "generic":
            raise click.UsageError("--keys torchvision and --arch generic contradict each other")
        arch = "sharesnet"  # the recognised residual networks bear torchvision's names
    check_not_read(out, [source])
    kind = kind_of(out, format)
    check_output(out, force=force, sources=[source])
    opened = open_source(source, reading)
    data = False
    network: dict[str, Any] = {"until": until, "dtype": dtype}
    options = {"untie": untie, "input": input, "input_shape": input_shape, "dynamic": dynamic}
    if select is None and not find.models(opened.root):
        idle = {**network, **options, "dynamic": not dynamic, "keys": keys, "plugin": plugins}
        idle["arch"] = keys is None and arch != "auto"
        write_data_of(opened.root, source, out, kind, idle, force=force)
        data, remark = True, "no network in this file; its data was written"
    elif kind == "pt":
        check_kind(out, kind, options)
        how = {**network, "select": select, "arch": arch, "plugins": plugins, "force": force}
        return to_pytorch(opened, out, as_json=as_json, **how)
    else:
        network |= {"select": select, "arch": arch, "plugins": plugins}
        remark = write_kind(opened, out, kind, force=force, **network, **options)
    if as_json:
        print_json({"source": str(source), "target": str(out), "remark": remark})
    else:
        click.echo(f"wrote {out} ({size(out.stat().st_size)})" + (f": {remark}" if remark else ""))
        use = usage(out, kind, data=data)
        if use:
            click.echo(f"\n{use}")
    return 0


def usage(out: Path, kind: str, *, data: bool = False) -> str:
    """Return the lines of Python that use an output; nothing for .json and .t7."""
    name = repr(str(out))
    lines = {
        "safetensors": f"import t7convert\nmodel = t7convert.load_model({name})",
        "onnx": f"import onnxruntime\nsession = onnxruntime.InferenceSession({name})",
        "pt2": f"import torch\nmodel = torch.export.load({name}).module()",
        "py": f"from {out.stem} import load\nmodel = load()",
        "npz": f"import numpy\narrays = numpy.load({name})",
        "npy": f"import numpy\narray = numpy.load({name})",
    }
    if data:
        lines["pt"] = f"import torch\ndata = torch.load({name}, weights_only=True)"
    if kind == "py" and (not out.stem.isidentifier() or iskeyword(out.stem)):
        return f"{out.stem!r} is no name that Python can import: choose another to import it"
    return lines.get(kind, "")


def write_data_of(
    root: Any, source: Path, out: Path, kind: str, idle: dict[str, Any], *, force: bool
) -> None:
    """Write a file that holds no network; refuse the options that only a network could have.

    Raises:
        OutputKindError: naming the option, or if data can't become ``kind``.
    """
    from t7convert.export.data import write_data

    for name, value in idle.items():
        if value:
            flag = f"--{name.replace('_', '-')}"
            raise OutputKindError(f"{source}: there is no network in this file, so no {flag}")
    if kind not in DATA_KINDS:
        raise OutputKindError(
            f"{source}: there is no network in this file, so nothing to write as .{kind}; its data "
            f"can become {', '.join(DATA_KINDS)}"
        )
    write_data(root, out, kind=kind, force=force)
