"""``t7convert batch``: many files, one bad one never stops the rest."""

from __future__ import annotations

import fnmatch
import os
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click

from t7convert.commands.batch_pool import run_jobs
from t7convert.commands.batch_record import Record, digest
from t7convert.commands.printing import counted, print_json
from t7convert.commands.progress import size
from t7convert.errors import OutputKindError
from t7convert.opening import TOLD, Reading
from t7convert.options import Arch, Dtype
from t7convert.outputs import NETWORK_KINDS, check_kind

PATTERNS = ("*.t7", "*.t7b", "*.th", "*.th7", "*.net")
STATUSES = ("done", "skipped", "failed")
_PACKED = (".gz", ".xz", ".bz2")


@dataclass(frozen=True)
class Work:
    """A file to read, and where its output goes below the folder of outputs."""

    source: Path
    target: str


def batch(
    files: str,
    out: Path,
    *,
    kind: str = "pt",
    jobs: int | None = None,
    patterns: Sequence[str] = (),
    select: str | None = None,
    until: str | None = None,
    arch: Arch = "auto",
    dtype: Dtype | None = None,
    input_shape: Sequence[int] | None = None,
    plugins: Sequence[Path] = (),
    force: bool = False,
    as_json: bool = False,
    quiet: bool = False,
    reading: Reading = TOLD,
) -> int:
    """Convert the files of a folder, or those listed on stdin; return 1 if any failed."""
    if kind not in NETWORK_KINDS:
        known = ", ".join(NETWORK_KINDS)
        raise OutputKindError(f"unknown kind of output {kind!r}; known are {known}")
    check_kind(out, kind, {"input_shape": input_shape})
    found = _listed(sys.stdin) if files == "-" else _in_folder(Path(files), patterns, out)
    work = _targets(found, kind)
    if out.exists() and not out.is_dir():
        raise click.UsageError(f"{out}: is no folder")
    if not found and files != "-":
        names = " or ".join(patterns or PATTERNS)
        click.echo(f"{files}: no file in it is called {names}", err=True)
    out.mkdir(parents=True, exist_ok=True)
    record = Record.read(out)
    options: dict[str, Any] = {
        "select": select,
        "until": until,
        "arch": arch,
        "dtype": dtype,
        "plugins": [str(plugin) for plugin in plugins],
    }
    if input_shape is not None:
        options["input_shape"] = list(input_shape)
    if reading != TOLD:
        options["reading"] = asdict(reading)
    rows = _run(work, record, kind, options, jobs or _cpus(), force=force, quiet=quiet)
    counts = Counter(row["status"] for row in rows)
    if as_json:
        totals = {status: counts[status] for status in STATUSES}
        print_json({**totals, "files": rows}, indent=1)
    else:
        click.echo(_table(rows, counts))
    return 1 if counts["failed"] else 0


def _run(
    work: Sequence[Work],
    record: Record,
    kind: str,
    options: dict[str, Any],
    workers: int,
    *,
    force: bool,
    quiet: bool,
) -> list[dict[str, Any]]:
    way = digest(options)
    todo: list[dict[str, Any]] = []
    rows: dict[str, dict[str, Any]] = {}
    for item in work:
        target = record.folder / item.target
        ours = item.target in record.rows  # noted before the output was begun
        rows[item.target] = {"source": str(item.source), "target": str(target)}
        if target.exists() and not ours and not force:
            problem = f"{target}: exists and isn't of this batch; use --force to replace it"
            rows[item.target] |= {"status": "failed", "error": problem}
            continue
        job = {**rows[item.target], "kind": kind, "options": options, "force": True}
        previous = None if force else record.previous(item.target, kind, way)
        todo.append({**job, "name": item.target, "previous": previous})
        if previous is None:
            pending = {"source": str(item.source), "kind": kind, "options": way}
            record.rows[item.target] = {**pending, "status": "pending"}
    record.save(now=True)
    answers = run_jobs(todo, workers)
    try:
        for number, (job, result) in enumerate(answers, start=1):
            name = job["name"]
            row = {"source": job["source"], "kind": kind, "options": way, **result}
            record.rows[name] = {**row, "source": job["source"]}
            record.save()
            rows[name] |= {k: v for k, v in row.items() if k not in ("kind", "options", "source")}
            if not quiet:
                text = f"[{number}/{len(todo)}] {row['status']} {job['source']}"
                click.echo(text, err=True)
    finally:
        answers.close()
        record.save(now=True)
    return list(rows.values())


def _cpus() -> int:
    return min(8, os.cpu_count() or 1)


def _in_folder(folder: Path, patterns: Sequence[str], out: Path) -> list[tuple[Path, Path]]:
    """Return (file, path below the folder) of what fits, the folder of outputs left out."""
    if not folder.is_dir():
        raise click.UsageError(f"{folder}: is no folder; a list of files comes on stdin, with -")
    wanted = patterns or [p + packed for p in PATTERNS for packed in ("", *_PACKED)]
    own, whole = out.resolve(), folder.resolve()
    apart = own != whole and own not in whole.parents  # else outputs lie among the sources
    found = []
    for path in sorted(folder.rglob("*")):
        fits = any(fnmatch.fnmatch(path.name, pattern) for pattern in wanted)
        if fits and path.is_file() and not (apart and own in path.resolve().parents):
            found.append((path, path.relative_to(folder)))
    return found


def _listed(lines: Iterable[str]) -> list[tuple[Path, Path]]:
    """Return (file, its path below the current folder, or else below the root) of each line."""
    found: dict[Path, Path] = {}
    for line in lines:
        if line.strip():
            path = Path(line.rstrip("\r\n"))
            whole = Path(os.path.normpath(Path.cwd() / path))
            start = Path.cwd() if whole.is_relative_to(Path.cwd()) else Path(whole.anchor)
            found.setdefault(path, whole.relative_to(start))
    return list(found.items())


def _targets(found: Iterable[tuple[Path, Path]], kind: str) -> list[Work]:
    """Give each file its output: its name with another suffix, appended where two would clash."""
    pairs = list(found)
    plain = {path: below.with_name(f"{_stem(below.name)}.{kind}") for path, below in pairs}
    seen = Counter(plain.values())
    return [
        Work(
            path,
            str(plain[path] if seen[plain[path]] == 1 else below.with_name(f"{below.name}.{kind}")),
        )
        for path, below in pairs
    ]


def _stem(name: str) -> str:
    path = Path(name)
    return Path(path.stem).stem if path.suffix in _PACKED else path.stem


def _table(rows: Sequence[dict[str, Any]], counts: Counter[str]) -> str:
    lines = []
    width = max((len(row["source"]) for row in rows), default=0)
    for row in rows:
        detail = row.get("error") or row.get("remark") or ""
        first, *more = detail.splitlines() or [""]
        amount = size(row["target_size"]) if "target_size" in row else ""
        lines.append(f"{row['status']:8}{row['source']:{width}}  {amount:>9}  {first}".rstrip())
        lines += [f"{'':8}{'':{width}}  {'':9}  {line}" for line in more]
    summary = ", ".join(f"{counts[name]} {name}" for name in STATUSES)
    return "\n".join([*lines, f"{counted(len(rows), 'file')}: {summary}"])
