"""``t7convert models``: the paper's table of parameters, published and counted."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from t7convert.commands.printing import print_json

if TYPE_CHECKING:
    from t7convert.models.table import Row

_HEAD = ("network", "dataset", "original", "(paper)", "shared", "(paper)", "reduction", "(paper)")


def models(as_json: bool) -> int:
    """Print the networks of the paper with their parameters, shared ones counted once.

    Counted numbers come from the definitions in ``t7convert.models``, those in the columns
    ``(paper)`` from the published table, which has no row for some of them.
    """
    from t7convert.models.table import table

    rows = table()
    if as_json:
        print_json({"models": [_record(row) for row in rows]}, indent=2)
        return 0
    lines = [_HEAD, *(_line(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(_HEAD))]
    for line in lines:
        name, dataset, *numbers = (
            cell.ljust(width) if column < 2 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        click.echo("  ".join((name, dataset, *numbers)).rstrip())
    return 0


def _line(row: Row) -> tuple[str, ...]:
    published = row.entry.published
    return (
        row.entry.name,
        row.entry.dataset,
        f"{row.original.parameters:,}",
        f"{published.original} M" if published else "-",
        f"{row.shared.parameters:,}",
        f"{published.shared} M" if published else "-",
        f"{row.reduction:.1f} %",
        f"{published.reduction} %" if published else "-",
    )


def _record(row: Row) -> dict[str, Any]:
    published = row.entry.published
    return {
        "name": row.entry.name,
        "builder": row.entry.build.__name__,
        "dataset": row.entry.dataset,
        "num_classes": row.entry.num_classes,
        "original": asdict(row.original),
        "shared": asdict(row.shared),
        "reduction_percent": round(row.reduction, 2),
        "published": asdict(published) if published else None,
    }
