"""``t7convert inspect``: what a Lua Torch file holds, without importing torch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from t7convert import api
from t7convert.commands.printing import counted, print_json
from t7convert.commands.progress import size
from t7convert.files import check_output, replace_text
from t7convert.lua.summary import ModuleRow, NetworkSummary, Summary
from t7convert.opening import TOLD, Opened, Reading, open_source
from t7convert.options import Arch

_COLOURS = ("green", "yellow", "blue", "magenta", "cyan", "red")


def inspect_file(
    source: Path,
    *,
    select: str | None = None,
    depth: int | None = None,
    as_json: bool = False,
    key_map: bool = False,
    arch: Arch = "auto",
    plugins: Sequence[Path] = (),
    html: Path | None = None,
    reading: Reading = TOLD,
) -> int:
    """Print the tree, the parameters, the ties and the bytes of a file; or write them as a page."""
    if key_map:
        if html is not None or depth is not None:
            raise click.UsageError("--map prints a list: it goes without --html and --depth")
        return _print_map(open_source(source, reading), select, arch, plugins, as_json)
    if arch != "auto":
        raise click.UsageError("--arch goes with --map")
    if depth is not None and (as_json or html is not None):
        raise click.UsageError("--depth is for the text: it goes without --json and --html")
    if html is not None:
        check_output(html, force=True, sources=[source])
    opened = open_source(source, reading)
    if plugins:
        from t7convert.conversion.plugins import loaded

        with loaded(plugins):  # their classes have a meaning then
            summary = api.inspect(opened, select=select)
    else:
        summary = api.inspect(opened, select=select)
    if html is not None:
        from t7convert.page.inspection import inspection_page

        replace_text(html, inspection_page(summary), force=True)
    if as_json:
        print_json(summary.to_json())
    elif html is not None:
        click.echo(f"wrote {html} ({size(html.stat().st_size)})")
    else:
        click.echo("\n".join(lines_of(summary, depth)))
    return 0


def _print_map(
    source: Opened, select: str | None, arch: Arch, plugins: Sequence[Path], as_json: bool
) -> int:
    rows = api.key_map(source, select=select, arch=arch, plugins=plugins)
    if as_json:
        print_json(rows)
        return 0
    width = max((len(row["path"]) for row in rows), default=0)
    for row in rows:
        view = "  " + " ".join(map(str, row["view"])) if row["view"] else ""
        click.echo(f"{row['path']:<{width}}  {row['key']}{view}")
    return 0


def lines_of(summary: Summary, depth: int | None) -> Iterator[str]:
    """Return the lines a person wants to see."""
    yield f"{click.style(summary.file, bold=True)}  {size(summary.size)}, {summary.encoding}"
    yield f"root: {summary.root}"
    for network in summary.networks:
        yield ""
        yield from _network(network, depth)
    if not summary.networks:
        yield "no network in this file"
    yield ""
    parts = {k: v for k, v in vars(summary.bytes).items() if v}
    yield "bytes: " + ", ".join(f"{name} {size(count)}" for name, count in parts.items())
    if summary.functions:
        shown = ", ".join(path or "<root>" for path in summary.functions[:3])
        shown += ", ..." if len(summary.functions) > 3 else ""
        yield f"Lua functions (never executed): {len(summary.functions)}, at {shown}"
    for name, what in summary.beside.items():
        yield f"beside: {name} = {what}"


def _network(network: NetworkSummary, depth: int | None) -> Iterator[str]:
    where = network.path or "<root>"
    yield f"network at {click.style(where, bold=True)}: {network.typename}"
    for row in network.modules:
        if depth is None or row.depth <= depth:
            yield _module(row)
    counts = network.parameters
    tensors = counted(counts.tensors, "tensor")
    yield f"parameters: {counts.unique:,} in {tensors}, each shared one once"
    if counts.naive != counts.unique:
        tensors = counted(counts.tensors_naive, "tensor")
        yield f"            {counts.naive:,} in {tensors}, counted every time"
    for tie in network.ties:
        how = "" if tie.uniform else " (seen in different ways)"
        label = _tie(tie.number)
        yield f"tie {label}: {tie.values:,} values{how}"
        yield from (f"    {member}" for member in tie.members)
    if network.unknown:
        names = click.style(", ".join(network.unknown), fg="red")
        yield f"classes without a meaning here: {names}"


def _module(row: ModuleRow) -> str:
    name = row.path.rpartition(".")[2] or row.path or "<root>"
    typename = row.typename if row.known else click.style(row.typename, fg="red")
    tensors = " ".join(
        f"{t.name}:{'x'.join(map(str, t.shape))} {t.type}" + (f" {_tie(t.tie)}" if t.tie else "")
        for t in row.tensors
    )
    again = "(the same object again)" if row.again else ""
    words = [f"{'  ' * (row.depth + 1)}{name}", typename, row.geometry, tensors, again]
    return " ".join(word for word in words if word)


def _tie(number: int) -> str:
    return click.style(f"#{number}", fg=_COLOURS[(number - 1) % len(_COLOURS)], bold=True)
