"""Progress on stderr: a line that rewrites itself on a terminal, and nothing anywhere else."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import click

from t7convert.options import Report

#: Called with the phase, the amount done and the amount in all.

_EVERY = 0.2  # seconds between two drawings
_DELAY = 0.7  # seconds of silence before a bar for a conversion or a check is worth drawing
_WIDTH = 28
_CLEAR = "\r\x1b[K"


def size(count: float) -> str:
    """Return a number of bytes for people, e.g. ``164.2 MB``."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"


class Bar:
    """A progress line; ``unit`` is ``B`` for bytes or a word for things."""

    def __init__(
        self, label: str, *, unit: str = "B", shown: bool = True, delay: float = 0.0
    ) -> None:
        self.label = label
        self._unit, self._delay = unit, delay
        self._shown = shown and sys.stderr is not None and sys.stderr.isatty()
        self._start = time.monotonic()
        self._first: int | None = None
        self._last = 0.0
        self._open = False

    def update(self, done: int, total: int | None, note: str = "") -> None:
        """Show that ``done`` of ``total`` is done."""
        now = time.monotonic()
        if self._first is None:
            self._first = done
        soon = now - self._start < self._delay or (now - self._last < _EVERY and done != total)
        if not self._shown or soon:
            return
        self._last, self._open = now, True
        rate = (done - self._first) / max(now - self._start, 1e-6)
        parts = [self.label]
        if total:
            filled = int(_WIDTH * done / total)
            parts.append(f"[{'#' * filled}{'-' * (_WIDTH - filled)}] {100 * done / total:3.0f} %")
        parts.append(f"{self._amount(done)}, {self._amount(rate)}/s")
        if total and rate > 0 and done < total:
            parts.append(f"{(total - done) / rate:.0f} s left")
        if note:
            parts.append(note)
        click.echo(f"{_CLEAR}{'  '.join(parts)}", err=True, nl=False)

    def close(self) -> None:
        """End the line."""
        self._end("\n")

    def clear(self) -> None:
        """Remove the line."""
        self._end(_CLEAR)

    def _end(self, text: str) -> None:
        if self._open:
            click.echo(text, err=True, nl=False)
            self._open = False

    def _amount(self, number: float) -> str:
        return size(number) if self._unit == "B" else f"{number:,.0f} {self._unit}"


@contextmanager
def progress(*, shown: bool = True, unit: str = "B") -> Iterator[Report | None]:
    """Give a reporter that draws a bar for long work, or None where nobody could see it."""
    if not (shown and sys.stderr is not None and sys.stderr.isatty()):
        yield None
        return
    bars: dict[str, Bar] = {}
    start = time.monotonic()

    def report(phase: str, done: int, total: int) -> None:
        if phase not in bars:  # each phase counts its own rate
            bars[phase] = Bar(phase, unit=unit, delay=_DELAY + start - time.monotonic())
        bars[phase].update(done, total)

    try:
        yield report
    finally:
        for bar in bars.values():
            bar.clear()
