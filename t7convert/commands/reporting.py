"""``t7convert stub`` and ``t7convert report``: what to do about a class that has no converter."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from t7convert import api
from t7convert._version import __version__
from t7convert.commands.progress import size
from t7convert.errors import SelectionError
from t7convert.files import check_output, replace_text
from t7convert.lua import arch, find
from t7convert.lua.stub import skeleton
from t7convert.lua.tree import LuaModule, build, walk
from t7convert.opening import TOLD, Opened, Reading, open_source


def unknown_modules(opened: Opened, select: str | None) -> list[LuaModule]:
    """Return the modules of a file's networks whose class has no converter."""
    from t7convert.conversion.registry import converter_for

    models = [opened.model(select)] if select is not None else find.models(opened.root)
    if not models:
        raise SelectionError(f"{opened.name}: there is no network in this file")
    return [
        module
        for path, obj in models
        for module in walk(build(obj, path))
        if not (converter_for(module.spec.name) or converter_for(module.typename))
    ]


def stub(
    source: Path,
    out: Path | None,
    *,
    select: str | None = None,
    force: bool = False,
    reading: Reading = TOLD,
) -> int:
    """Write a plugin skeleton for the unknown classes, or say that there are none."""
    import t7convert.conversion  # noqa: F401  registers the converters

    if out is not None:
        check_output(out, force=force, sources=[source])
    unknown = unknown_modules(open_source(source, reading), select)
    if not unknown:
        click.echo(f"{source}: every class has a converter", err=True)
        return 0
    text = skeleton(source.name, out.name if out else "plugin.py", unknown)
    _write(text, out, force=force)
    if out is not None:
        names = ", ".join(dict.fromkeys(module.typename for module in unknown))
        click.echo(f"wrote {out}, with a place for the forward of {names}")
    return 0


def report(source: Path, out: Path | None, *, force: bool = False, reading: Reading = TOLD) -> int:
    """Write the structure of a file without its weights, to attach to a bug report.

    Constants keep their values; parameters, statistics and tensors beside the model do not.
    """
    if out is not None:
        check_output(out, force=force, sources=[source])
    opened = open_source(source, reading)
    content = {
        "t7convert": __version__,
        "python": sys.version.split()[0],
        "summary": api.inspect(opened).to_json(),
        "architectures": {
            path: arch.encode(build(obj, path)) for path, obj in find.models(opened.root)
        },
    }
    _write(json.dumps(content, indent=1) + "\n", out, force=force)
    if out is not None:
        click.echo(f"wrote {out} ({size(out.stat().st_size)})")
    return 0


def _write(text: str, out: Path | None, *, force: bool) -> None:
    if out is None:
        click.echo(text, nl=False)
        return
    replace_text(out, text, force=force)
