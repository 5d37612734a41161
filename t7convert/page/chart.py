"""Error per layer against its bound, as an SVG chart with a logarithmic axis."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

#: Units of the drawing, which is stretched to the space that there is.
_SIDE = 1000
#: Beyond so many layers the dots are smaller.
_MANY = 200


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
    step = _SIDE / len(points)

    def y(value: float) -> float:
        exponent = math.log10(value) if 0 < value < math.inf else (high if value else low)
        share = (min(max(exponent, low), high) - low) / (high - low)
        return (1 - share) * _SIDE

    marks = range(low, high + 1, max(1, (high - low) // 8))
    grid = "".join(
        f'<line class="grid" x1="0" x2="{_SIDE}" y1="{y(10.0**e):.1f}" y2="{y(10.0**e):.1f}"/>'
        for e in marks
    )
    labels = "".join(
        f'<span style="top:{y(10.0**e) / _SIDE:.2%}">{"0" if e == low else f"1e{e}"}</span>'
        for e in marks
    )
    bound = " ".join(
        f"{'L' if number else 'M'}{number * step:.1f} {y(p.bound):.1f}H{(number + 1) * step:.1f}"
        for number, p in enumerate(points)
    )
    many = " many" if len(points) > _MANY else ""
    dots = "".join(
        f'<path class="dot{many}{" bad" if p.bad else ""}" '
        f'd="M{(number + 0.5) * step:.1f} {y(p.error):.1f}h0">'
        f"<title>{escape(p.name)}: off by {p.error:.3g}, allowed {p.bound:.3g}</title></path>"
        for number, p in enumerate(points)
    )
    worst = max(points, key=lambda p: p.error / p.bound if p.bound else 0.0)
    text = f"{label}: {len(points)} outputs; the closest to its bound is {worst.name}"
    return (
        '<div class="card"><div class="key">'
        '<span><i style="background:var(--accent)"></i>greatest difference of an output</span>'
        '<span><i class="line" style="background:var(--warn)"></i>allowed: measured rounding '
        'x 16</span><span><i style="background:var(--bad)"></i>differs</span></div>'
        f'<div class="chart">{labels}<svg viewBox="0 0 {_SIDE} {_SIDE}" preserveAspectRatio="none" '
        f'role="img" aria-label="{escape(text)}">{grid}<path class="bound" d="{bound}"/>{dots}'
        '</svg></div><p class="below dim">layers, in order of execution</p></div>'
    )
