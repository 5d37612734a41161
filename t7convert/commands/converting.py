"""``t7convert convert``: a Lua Torch file to any kind of output, by suffix."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import click

from t7convert import api, outputs
from t7convert.commands.progress import size
from t7convert.commands.to_pytorch import to_pytorch
from t7convert.files import check_output
from t7convert.lua import find


def kind_of(out: Path, format: str | None) -> str:
    """Return the kind of output: ``format``, or the suffix."""
    kind = (format or out.suffix.lstrip(".")).lower()
    return "pt" if kind == "pth" else kind


def convert_file(
    source: Path,
    out: Path,
    *,
    format: str | None = None,
    select: str | None = None,
    until: str | None = None,
    arch: api.Arch = "auto",
    dtype: api.Dtype | None = None,
    keys: str | None = None,
    untie: bool = False,
    input: Path | None = None,
    input_shape: Sequence[int] | None = None,
    dynamic: bool = True,
    plugins: Sequence[Path] = (),
    force: bool = False,
    as_json: bool = False,
) -> int:
    """Convert the file's network, or its data if it holds none."""
    if keys is not None:
        arch = "sharesnet"  # the recognised residual networks bear torchvision's names
    kind = kind_of(out, format)
    check_output(out, force=force, sources=[source])
    root = api.open_source(source).root
    if select is None and not find.models(root):
        from t7convert.export.data import write_data

        write_data(root, out, force=force)
        remark = "no network in this file; its data was written"
    elif kind == "pt":
        return to_pytorch(
            source,
            out,
            select=select,
            until=until,
            arch=arch,
            dtype=dtype,
            plugins=plugins,
            force=force,
            as_json=as_json,
        )
    else:
        remark = outputs.write_kind(
            source,
            out,
            kind,
            select=select,
            until=until,
            arch=arch,
            dtype=dtype,
            untie=untie,
            input=input,
            input_shape=input_shape,
            dynamic=dynamic,
            plugins=plugins,
            force=force,
        )
    if as_json:
        click.echo(json.dumps({"source": str(source), "target": str(out), "remark": remark}))
    else:
        click.echo(f"wrote {out} ({size(out.stat().st_size)})" + (f": {remark}" if remark else ""))
    return 0
