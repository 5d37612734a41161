"""``t7convert shrink`` and ``t7convert extract``: a smaller .t7, or a part of one."""

from __future__ import annotations

import json
from pathlib import Path

import click

from t7convert import api
from t7convert.commands.progress import size
from t7convert.files import check_output
from t7convert.format import save
from t7convert.lua import find
from t7convert.lua.shrinking import shrink_graph


def shrink(
    source: Path,
    out: Path,
    *,
    gradients: bool = False,
    force: bool = False,
    as_json: bool = False,
) -> int:
    """Write the file anew without activations and buffers; payloads are copied piece by piece."""
    check_output(out, force=force, sources=[source])
    opened = api.open_source(source)
    dropped = shrink_graph(opened.root, gradients=gradients)
    save(opened.root, out, force=force)
    before, after = source.stat().st_size, out.stat().st_size
    if as_json:
        counts = {"buffers": dropped.buffers, "gradients": dropped.gradients}
        click.echo(json.dumps({"out": str(out), "before": before, "after": after, **counts}))
    else:
        click.echo(
            f"{out}: {size(after)} of {size(before)}; emptied {dropped.buffers} buffers and "
            f"{dropped.gradients} gradients"
        )
    return 0


def extract(source: Path, out: Path, *, select: str | None = None, force: bool = False) -> int:
    """Write the part of a file at a path, as the suffix of ``out`` says."""
    from t7convert.export.data import write_data

    check_output(out, force=force, sources=[source])
    root = api.open_source(source).root
    value = root if select is None else find.follow(root, select)
    write_data(value, out, force=force)
    click.echo(f"wrote {out} ({size(out.stat().st_size)})", err=True)
    return 0
