"""``t7convert verify``: does the network compute what the Lua module computes?"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from t7convert.commands.printing import print_json
from t7convert.commands.progress import progress
from t7convert.errors import ParityError
from t7convert.files import check_output, replace_text
from t7convert.opening import TOLD, Reading, Source, open_source

if TYPE_CHECKING:
    from t7convert.parity.check import Options
    from t7convert.parity.report import ParityReport

_WORST = 5


def verify_file(
    source: Source,
    output: Path | None,
    options: Options,
    *,
    as_json: bool = False,
    junit: Path | None = None,
    html: Path | None = None,
    quiet: bool = False,
    reading: Reading = TOLD,
) -> int:
    """Run the check, print and write the report, return 0 or the exit code of a failed check."""
    from t7convert.parity.check import check_parity

    if options.input is not None and options.input_shape is not None:
        raise click.UsageError("--input and --input-shape: give one of them")
    if html is not None and html == junit:
        raise click.UsageError(f"--html and --junit are both {html}")
    file = open_source(source, reading)
    read = [file.path, output, options.input, options.expected]
    for target in (junit, html):
        if target is not None:  # an older report may be replaced, never what is being read
            check_output(target, force=True, sources=[path for path in read if path is not None])
    with progress(shown=not quiet, unit="module calls") as bar:
        report = check_parity(file, output, replace(options, progress=bar))
    if junit is not None:
        from t7convert.parity.junit import junit as as_junit

        replace_text(junit, as_junit(report), force=True)
    if html is not None:
        from t7convert.page.parity import parity_page

        replace_text(html, parity_page(report), force=True)
    if as_json:
        print_json(report.to_json())
    elif not quiet or not report.ok:
        click.echo("\n".join(lines_of(report)))
    return 0 if report.ok else ParityError.exit_code


def lines_of(report: ParityReport) -> Iterator[str]:
    """Return the report for a terminal."""
    yield f"file        {report.source}, read for the reference by {report.parser}"
    yield f"network     {report.output or 'converted in memory'}, {report.dtype} on {report.device}"
    for name, shape in report.inputs.items():
        seed = "" if report.seed is None else f" (seed {report.seed})"
        yield f"input       {name}: {shape}{seed}"
    for fact in report.facts:
        yield f"{_mark(fact.ok)} {fact.name}: {fact.detail}"
    yield from (f"     not compared: {text}" for text in report.limits)
    yield from _kinds(report)
    for row in report.unchecked:
        yield f"{_mark(report.allow_unchecked)} unchecked {row.path}: {row.typename}: {row.note}"
    if report.first is not None:
        yield f"first module that diverges: {report.first}"
    worst = sorted(report.failures, key=lambda row: -row.relative)[:_WORST]
    yield from (f"  {row}" for row in worst)
    kinds = {row.kind for row in report.failures}
    if kinds == {"gradient"} and report.dtype in ("float16", "bfloat16"):
        yield (
            f"     in {report.dtype}, rounding may choose another maximum, which moves whole "
            "gradients: --dtype float32 tells whether the conversion is wrong"
        )
    verdict = "the network computes what the Lua module computes" if report.ok else "NOT equal"
    if not report.compared:
        verdict = "NOT proved: nothing was compared"
    yield click.style(f"{'PASS' if report.ok else 'FAIL'}  {verdict}", bold=True)


def _kinds(report: ParityReport) -> Iterator[str]:
    for kind in dict.fromkeys(row.kind for row in report.rows):
        rows = [r for r in report.rows if r.kind == kind]
        stale = sum(row.status == "stale" for row in rows)
        rows = [row for row in rows if row.status not in ("unchecked", "stale")]
        bad = sum(row.bad for row in rows)
        if not rows and not stale:
            continue
        text = f"{kind}: {len(rows) - bad} of {len(rows)} agree"
        close = max(
            rows, key=lambda row: row.absolute / row.bound if row.bound else 0.0, default=None
        )
        if kind in ("parameter", "statistic"):
            text += " bit for bit"
        elif close is not None and close.absolute == math.inf:
            text += "; some can't be compared at all"
        elif close is not None and close.bound:
            text += (
                f", at worst {close.absolute / close.bound:.0%} of what rounding allows "
                f"(off by {close.absolute:.2g}, {close.relative:.2g} of the largest entry)"
            )
        if stale:
            text += f"; {stale} more in the file are stale, not what its weights compute"
        yield f"{_mark(not bad)} {text}"


def _mark(ok: bool) -> str:
    return click.style("ok  ", fg="green") if ok else click.style("FAIL", fg="red", bold=True)
