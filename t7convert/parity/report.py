"""What the parity check found, as data with a verdict."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from t7convert.lua.summary import ModuleRow

Status = Literal["ok", "differs", "missing", "unchecked", "stale"]

#: The version of the JSON schema (docs/parity.md).
SCHEMA_VERSION = 1


@dataclass(frozen=True)
class Row:
    """One comparison: a module's output, a gradient, a parameter.

    Attributes:
        kind: ``output``, ``final``, ``gradient``, ``parameter``, ``statistic``, ``activation``,
            ``recorded``.
        path: the Lua path (and the place in a nested output).
        typename: the Lua class.
        trial: which input.
        status: the verdict.
        absolute, relative, ulps: the greatest difference.
        bound: what was allowed, absolute.
        measured: what rounding moves there (float32 reference beside float64).
        index, found, expected: where the greatest difference is, and the values there.
        note: what else there is to say.
    """

    kind: str
    path: str
    typename: str
    trial: str
    status: Status
    absolute: float = 0.0
    relative: float = 0.0
    ulps: float = 0.0
    bound: float = 0.0
    measured: float = 0.0
    index: tuple[int, ...] = ()
    found: float = 0.0
    expected: float = 0.0
    note: str = ""

    @property
    def bad(self) -> bool:
        """Whether this row fails the check."""
        return self.status in ("differs", "missing")

    def __str__(self) -> str:
        """Return the row as a sentence."""
        where = f"{self.path or '<root>'} ({self.typename}{', ' * bool(self.trial)}{self.trial})"
        if self.note and (not self.bound or self.absolute == math.inf):
            return f"{self.kind} {where}: {self.note}"
        at = "x".join(map(str, self.index)) or "the only entry"
        return (
            f"{self.kind} {where}: off by {self.absolute:.3g} ({self.relative:.2g} of the largest "
            f"entry, {self.ulps:.0f} ULPs) at {at}: {self.found:.9g} for {self.expected:.9g}; "
            f"allowed {self.bound:.3g}"
        )


@dataclass(frozen=True)
class Fact:
    """A yes-or-no check: counts, ties."""

    name: str
    ok: bool
    detail: str


@dataclass(frozen=True)
class ParityReport:
    """The result of a parity check.

    ``ok`` is false if anything differs, is missing or unchecked, or nothing was compared. What
    this kind of output does not let anybody compare is said in ``limits``.
    """

    source: str
    output: str
    parser: str
    device: str
    dtype: str
    seed: int | None
    inputs: dict[str, str]
    rows: tuple[Row, ...]
    facts: tuple[Fact, ...]
    limits: tuple[str, ...] = ()
    allow_unchecked: bool = False
    provenance: dict[str, Any] = field(default_factory=dict)
    graph: tuple[ModuleRow, ...] = ()

    @property
    def compared(self) -> int:
        """The number of outputs that were compared."""
        kinds = ("output", "final", "recorded")
        return sum(r.kind in kinds and r.status in ("ok", "differs") for r in self.rows)

    @property
    def failures(self) -> list[Row]:
        """The rows that fail, in order of execution."""
        return [row for row in self.rows if row.bad]

    @property
    def unchecked(self) -> list[Row]:
        """The rows that nothing could be compared with."""
        return [row for row in self.rows if row.status == "unchecked"]

    @property
    def ok(self) -> bool:
        """Whether the network is proved equal."""
        if self.failures or not self.compared or not all(fact.ok for fact in self.facts):
            return False
        return self.allow_unchecked or not self.unchecked

    @property
    def first(self) -> Row | None:
        """The first module that diverges."""
        return next((row for row in self.rows if row.bad and row.kind == "output"), None)

    def __str__(self) -> str:
        """Return what fails, or that nothing does."""
        if self.ok:
            return f"{self.source}: parity: {self.compared} outputs agree"
        head = self.first or next(iter(self.failures), None)
        lines = [f"{self.source}: the converted network is not proved to be the Lua module"]
        if not self.compared:
            lines.append("nothing was compared")
        lines += [f"{fact.name}: {fact.detail}" for fact in self.facts if not fact.ok]
        if head is not None:
            lines.append(f"first module that diverges: {head}")
        rest = [row for row in self.failures if row is not head]
        worst = sorted(rest, key=lambda row: -row.relative)[:5]
        lines += [str(row) for row in (*worst, *self.unchecked[:5])]
        return "\n  ".join(lines)

    def to_json(self) -> dict[str, Any]:
        """Return the report as plain data; docs/parity.md tells the schema."""
        data = asdict(self)
        data.pop("graph")  # what ``inspect --json`` tells
        return {"schema": SCHEMA_VERSION, "ok": self.ok, "compared": self.compared, **data}
