"""JSON on stdout, as every JSON reader takes it."""

from __future__ import annotations

import json
import math
from typing import Any

import click


def counted(number: int, noun: str) -> str:
    """Return a number with its noun: ``1 tensor``, ``1,200 tensors``."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def print_json(value: Any, *, indent: int | None = None) -> None:
    """Print a value; JSON has no NaN and no infinity, so they become ``"nan"``, ``"inf"``."""
    click.echo(json.dumps(_finite(value), indent=indent, allow_nan=False))


def _finite(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    return value
