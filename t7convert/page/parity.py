"""The parity report as a page."""

from __future__ import annotations

import json
import math
from html import escape

from t7convert.page.chart import Point, chart
from t7convert.page.document import definitions, document, facts, table
from t7convert.page.network import network
from t7convert.parity.report import ParityReport, Row

_HEADS = (
    *("verdict", "what", "module", "class", "input", "off by", "of largest", "ULPs", "allowed"),
    *("where", "found", "expected", "note"),
)
_TONES = {"ok": "ok", "stale": "dim", "unchecked": "warn"}


def parity_page(report: ParityReport) -> str:
    """Return the report as one self-contained page."""
    bad = {row.path for row in report.failures} | {row.path for row in report.unchecked}
    sections = [
        ("layers", "Error per layer", _charts(report)),
        ("network", "The network", network(report.graph, bad)),
        ("table", "Every comparison", _table(report)),
        ("origin", "Provenance", definitions(_origin(report))),
    ]
    name = report.source.rpartition("/")[2]
    return document(f"Parity of {name}", sections, _lead(report))


def _lead(report: ParityReport) -> str:
    verdict = "PASS" if report.ok else "FAIL"
    text = "The network computes what the Lua module computes."
    if not report.ok:
        text = "The network is not proved to compute what the Lua module computes."
        if not report.compared:
            text += " Nothing was compared."
        elif report.first is not None:
            text += f" First module that diverges: {report.first}"
    tone = "ok" if report.ok else "bad"
    cards = []
    for kind in dict.fromkeys(row.kind for row in report.rows):
        rows = [r for r in report.rows if r.kind == kind and r.status not in ("unchecked", "stale")]
        wrong = sum(row.bad for row in rows)
        if rows:
            close = max((r.absolute / r.bound for r in rows if r.bound), default=0.0)
            how = f"at worst {close:.0%} of what rounding allows"
            if kind in ("parameter", "statistic"):
                how = "bit for bit"
            elif close == math.inf:
                how = "some can't be compared at all"
            what = {"final": "final output", "output": "module output"}.get(kind, kind)
            cards.append((f"{len(rows) - wrong} of {len(rows)} {what}s", how, not wrong))
    cards += [(fact.name, fact.detail, fact.ok) for fact in report.facts]
    if report.unchecked:
        cards.append((f"{len(report.unchecked)} unchecked", "classes without a reference", False))
    limits = "".join(f"<li>{escape(limit)}</li>" for limit in report.limits)
    told = f'<p class="dim">Not compared:</p><ul class="dim">{limits}</ul>' if limits else ""
    return (
        f'<div class="card verdict {"" if report.ok else "bad"}" role="status">'
        f'<strong class="{tone}">{verdict}</strong><br>{escape(text)}</div>{facts(cards)}{told}'
    )


def _charts(report: ParityReport) -> str:
    parts = []
    for number, trial in enumerate(report.inputs):
        rows = [
            row
            for row in report.rows
            if row.trial == trial and row.kind in ("output", "final") and row.status != "missing"
        ]
        points = [
            Point(f"{row.path or 'network'} {row.typename}", row.absolute, row.bound, row.bad)
            for row in rows
        ]
        title = f"{trial}: {report.inputs[trial]}"
        body = chart(points, title)
        is_open = " open" if not number else ""
        parts.append(f"<details{is_open}><summary>{escape(title)}</summary>{body}</details>")
    return "".join(parts)


def _table(report: ParityReport) -> str:
    ordered = sorted(report.rows, key=lambda row: not row.bad)
    return table("rows", _HEADS, ((not row.bad, _cells(row)) for row in ordered), flagged=True)


def _cells(row: Row) -> str:
    tone = _TONES.get(row.status, "bad")
    numbers = bool(row.bound)
    figures = (
        f"{row.absolute:.3g}" if numbers or row.absolute else "",
        f"{row.relative:.2g}" if numbers or row.absolute else "",
        f"{row.ulps:.1f}" if numbers or row.absolute else "",
        f"{row.bound:.3g}" if numbers else "",
        "x".join(map(str, row.index)),
        f"{row.found:.9g}" if row.index else "",
        f"{row.expected:.9g}" if row.index else "",
    )
    return (
        f'<td class="s {tone}">{row.status}</td><td>{row.kind}</td>'
        f'<td class="p mono">{escape(row.path or "<root>")}</td><td>{escape(row.typename)}</td>'
        f'<td class="s">{escape(row.trial)}</td>'
        + "".join(f'<td class="n">{text}</td>' for text in figures)
        + f"<td>{escape(row.note)}</td>"
    )


def _origin(report: ParityReport) -> dict[str, str]:
    pairs = {
        "file": report.source,
        "network": report.output or "converted in memory",
        "read for the reference by": report.parser,
        "ran in": f"{report.dtype} on {report.device}",
        "seed": "given input" if report.seed is None else str(report.seed),
    }
    for name, value in report.provenance.items():
        pairs[name] = value if isinstance(value, str) else json.dumps(value, default=str)
    return pairs
