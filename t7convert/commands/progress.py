"""A progress bar on stderr for long work, when it is a terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

#: Called with the phase, the bytes done and the bytes in all.
Report = Callable[[str, int, int], None]

_DELAY = 0.7  # seconds of silence before a bar is worth drawing
_WIDTH = 30


@contextmanager
def progress(
    enabled: bool | None = None, unit: Callable[[int], str] | None = None
) -> Iterator[Report | None]:
    """Give a reporter that draws a bar, or None where nobody could see it.

    ``unit`` writes an amount for people; without it, amounts are bytes.
    """
    if not (sys.stderr.isatty() if enabled is None else enabled):
        yield None
        return
    bar = _Bar(unit or size)
    try:
        yield bar
    finally:
        bar.clear()


class _Bar:
    def __init__(self, unit: Callable[[int], str]) -> None:
        self._unit = unit
        self._start = time.monotonic()
        self._last = 0.0
        self._drawn = 0

    def __call__(self, phase: str, done: int, total: int) -> None:
        now = time.monotonic()
        if now - self._start < _DELAY or (now - self._last < 0.05 and done < total):
            return
        self._last = now
        share = done / total if total else 1.0
        filled = int(share * _WIDTH)
        bar = "#" * filled + "-" * (_WIDTH - filled)
        text = f"{phase}: [{bar}] {share:4.0%} of {self._unit(total)}"
        click.echo("\r" + text.ljust(self._drawn), nl=False, err=True)
        self._drawn = len(text)

    def clear(self) -> None:
        if self._drawn:
            click.echo("\r" + " " * self._drawn + "\r", nl=False, err=True)


def size(count: int) -> str:
    """Return a number of bytes for people, e.g. ``164.2 MB``."""
    value = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} TB"
