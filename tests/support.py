"""Writes docs/support.md from the schema, the converters and the golden vectors' checks.

``python -m tests.support`` writes it (``make support``); a test compares the classes in it.
"""

from __future__ import annotations

import sys
import typing
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import torch

from t7convert.conversion import convert_tree
from t7convert.conversion.registry import converter_for
from t7convert.lua import schema
from t7convert.lua.schema import ClassSpec
from t7convert.lua.tree import build
from t7convert.reference.op import implemented
from tests import golden
from tests.conftest import FIXTURES, ROOT

DOCUMENT = ROOT / "docs" / "support.md"
KINDS = ("layers", "community", "ages")
HEAD = """# Classes that t7convert converts

Written by `make support` from the schema, the converters and the checks against Torch7; a test
fails when a class is missing. `Torch7: n` says that n cases computed by a real Torch7 (`fixtures/`)
agree, outputs to 1e-12 and gradients to 1e-10 of the largest entry; `random: n` that they agree in
shape, range and statistics; `reference` that no such case exists and the converter is compared with
the interpretation of the Lua source in NumPy only. Modes: e evaluation, t training.

| class | PyTorch | modes | checked against | notes |
|---|---|---|---|---|
"""


@dataclass
class Evidence:
    """What is known of one class."""

    counterpart: str = ""
    modes: set[str] = field(default_factory=set)
    agreed: int = 0
    random: int = 0


def annotated(spec: ClassSpec) -> str:
    """Return the class that a converter says it makes, for classes that no golden case shows."""
    converter = converter_for(spec.name) or converter_for(spec.typename)
    kind = typing.get_type_hints(converter).get("return")
    return counterpart(kind) if isinstance(kind, type) and kind is not torch.nn.Module else ""


def counterpart(kind: type) -> str:
    """Return the name of a class that a converter makes."""
    if kind.__module__.startswith("torch.nn."):
        return f"torch.nn.{kind.__qualname__.removeprefix('Parametrized')}"
    return f"{kind.__module__}.{kind.__qualname__}".removeprefix("t7convert.")


def gather(paths: Iterable[Path]) -> dict[str, Evidence]:
    """Run the checks of golden files and return the evidence per schema row."""
    found: dict[str, Evidence] = defaultdict(Evidence)
    for path in paths:
        for label, case in golden.cases(path):
            tree = build(case["module"])
            evidence = found[tree.spec.name]
            evidence.counterpart = counterpart(type(convert_tree(tree).network))
            evidence.modes.add("t" if case.get("mode") == "training" else "e")
            if case.get("random"):
                evidence.random += 1
                continue
            check = golden.check_criterion if "loss" in case else golden.check_module
            check(label, case)
            evidence.agreed += 1
    return found


def line(spec: ClassSpec, evidence: Evidence | None) -> str:
    """Return the row of one class."""
    known = evidence or Evidence(annotated(spec))
    checks = [f"Torch7: {known.agreed}"] if known.agreed else []
    checks += [f"random: {known.random}"] if known.random else []
    if spec.name in implemented() or spec.typename in implemented():
        checks += ["reference"]
    cells = (
        f"`{spec.name}`",
        f"`{known.counterpart}`" if known.counterpart else "",
        " ".join(sorted(known.modes)),
        ", ".join(checks) or "nothing",
        " ".join(spec.notes.split()),
    )
    return "| " + " | ".join(cells) + " |"


def classes() -> list[ClassSpec]:
    """Return the rows that have a converter, in alphabetical order."""
    rows = [s for s in schema.rows() if converter_for(s.name) or converter_for(s.typename)]
    return sorted(rows, key=lambda spec: spec.name.lower())


def main() -> int:
    """Write the document."""
    files = [path for kind in KINDS for path in sorted((FIXTURES / kind).glob("*.t7.xz"))]
    evidence = gather(files)
    text = HEAD + "\n".join(line(spec, evidence.get(spec.name)) for spec in classes()) + "\n"
    DOCUMENT.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
