"""``t7convert diff``: what differs between two files."""

from __future__ import annotations

from pathlib import Path

import click

from t7convert.commands.printing import counted, print_json
from t7convert.opening import TOLD, Reading

_SHOWN = 50


def diff_files(
    first: Path,
    second: Path,
    *,
    select: str | None = None,
    as_json: bool = False,
    reading: Reading = TOLD,
) -> int:
    """Print what differs; return 0 if nothing does, 1 otherwise."""
    from t7convert.parity.differences import compare_files

    found = compare_files(first, second, select=select, reading=reading)
    if as_json:
        print_json(found.to_json())
        return 0 if found.same else 1
    for change in found.changes[:_SHOWN]:
        click.echo(f"{change.kind:<10} {change.name}: {change.detail}")
    if len(found.changes) > _SHOWN:
        click.echo(f"... and {len(found.changes) - _SHOWN} more; --json has them all")
    if found.same:
        what = f"ties and all {counted(found.compared, 'tensor')}"
        if found.values:
            what = f"{what.replace(' and', ',')} and {counted(found.values, 'value')}"
        click.echo(f"the same: structure, {what}")
    return 0 if found.same else 1
