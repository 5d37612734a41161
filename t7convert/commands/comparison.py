"""``t7convert diff``: what differs between two files."""

from __future__ import annotations

from pathlib import Path

import click

from t7convert.commands.printing import print_json

_SHOWN = 50


def diff_files(first: Path, second: Path, *, as_json: bool = False) -> int:
    """Print what differs; return 0 if nothing does, 1 otherwise."""
    from t7convert.parity.differences import compare_files

    found = compare_files(first, second)
    if as_json:
        print_json(found.to_json())
        return 0 if found.same else 1
    for change in found.changes[:_SHOWN]:
        click.echo(f"{change.kind:<10} {change.name}: {change.detail}")
    if len(found.changes) > _SHOWN:
        click.echo(f"... and {len(found.changes) - _SHOWN} more; --json has them all")
    if found.same:
        click.echo(f"the same: structure, ties and all {found.compared} tensors")
    return 0 if found.same else 1
