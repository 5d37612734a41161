"""Progress on stderr: a line that rewrites itself on a terminal, and nothing anywhere else."""

from __future__ import annotations

import sys
import time

import click

_EVERY = 0.2
_WIDTH = 28


class Bar:
    """A progress line; ``unit`` is ``B`` for bytes or a word for things."""

    def __init__(self, label: str, *, unit: str = "B", shown: bool = True) -> None:
        self._label, self._unit = label, unit
        self._shown = shown and sys.stderr.isatty()
        self._start = time.monotonic()
        self._first: int | None = None
        self._last = 0.0
        self._open = False

    def update(self, done: int, total: int | None, note: str = "") -> None:
        """Show that ``done`` of ``total`` is done."""
        now = time.monotonic()
        if self._first is None:
            self._first = done
        if not self._shown or (now - self._last < _EVERY and done != total):
            return
        self._last, self._open = now, True
        rate = (done - self._first) / max(now - self._start, 1e-6)
        parts = [self._label]
        if total:
            filled = int(_WIDTH * done / total)
            parts.append(f"[{'#' * filled}{'-' * (_WIDTH - filled)}] {100 * done / total:3.0f} %")
        parts.append(f"{self._amount(done)}, {self._amount(rate)}/s")
        if total and rate > 0 and done < total:
            parts.append(f"{(total - done) / rate:.0f} s left")
        if note:
            parts.append(note)
        click.echo(f"\r\x1b[K{'  '.join(parts)}", err=True, nl=False)

    def close(self) -> None:
        """End the line."""
        if self._open:
            click.echo(err=True)
            self._open = False

    def _amount(self, number: float) -> str:
        if self._unit != "B":
            return f"{number:,.0f} {self._unit}"
        for unit in ("B", "kB", "MB"):
            if number < 1000:
                return f"{number:.0f} {unit}" if unit == "B" else f"{number:.1f} {unit}"
            number /= 1000
        return f"{number:.2f} GB"
