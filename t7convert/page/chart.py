"""Error per layer against its bound, as an SVG chart with a logarithmic axis."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

_WIDTH, _HEIGHT = 960, 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 12, 12, 34


@dataclass(frozen=True)
class Point:
    """One layer: what it is, how far it is off, what was allowed, whether it fails."""

    name: str
    error: float
    bound: float
    bad: bool


def chart(points: Sequence[Point], label: str) -> str:
    """Return the chart of the layers in order of execution."""
    if not points:
        return '<p class="dim">Nothing was compared.</p>'
    values = [v for p in points for v in (p.error, p.bound) if 0 < v < math.inf]
    low = math.floor(math.log10(min(values, default=1e-8))) - 1
    high = max(math.ceil(math.log10(max(values, default=1.0))), low + 2)
    step = (_WIDTH - _LEFT - _RIGHT) / len(points)

    def y(value: float) -> float:
        exponent = math.log10(value) if 0 < value < math.inf else (high if value else low)
        share = (min(max(exponent, low), high) - low) / (high - low)
        return _TOP + (1 - share) * (_HEIGHT - _TOP - _BOTTOM)

    every = max(1, (high - low) // 8)
    grid = "".join(
        f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y(10.0**e):.1f}" '
        f'y2="{y(10.0**e):.1f}"/><text x="{_LEFT - 6}" y="{y(10.0**e) + 4:.1f}" '
        f'text-anchor="end">{"0" if e == low else f"1e{e}"}</text>'
        for e in range(low, high + 1, every)
    )
    bound = " ".join(
        f"{'L' if number else 'M'}{_LEFT + number * step:.1f} {y(p.bound):.1f}"
        f"H{_LEFT + (number + 1) * step:.1f}"
        for number, p in enumerate(points)
    )
    radius = max(2.0, min(4.5, step / 2))
    dots = "".join(
        f'<circle class="dot{" bad" if p.bad else ""}" cx="{_LEFT + (number + 0.5) * step:.1f}" '
        f'cy="{y(p.error):.1f}" r="{radius * (1.6 if p.bad else 1):.1f}">'
        f"<title>{escape(p.name)}: off by {p.error:.3g}, allowed {p.bound:.3g}</title></circle>"
        for number, p in enumerate(points)
    )
    middle = (_LEFT + _WIDTH - _RIGHT) / 2
    worst = max(points, key=lambda p: p.error / p.bound if p.bound else 0.0)
    text = f"{label}: {len(points)} outputs; the closest to its bound is {worst.name}"
    return (
        '<div class="card"><div class="key">'
        '<span><i style="background:var(--accent)"></i>greatest difference of an output</span>'
        '<span><i class="line" style="background:var(--warn)"></i>allowed: measured rounding '
        'x 16</span><span><i style="background:var(--bad)"></i>differs</span></div>'
        '<div class="chart" style="overflow-x:auto" tabindex="0" role="region" '
        f'aria-label="Chart"><svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
        f'aria-label="{escape(text)}">{grid}<path class="bound" d="{bound}"/>{dots}'
        f'<text x="{middle}" y="{_HEIGHT - 8}" text-anchor="middle">layers, in order of execution'
        "</text></svg></div></div>"
    )
