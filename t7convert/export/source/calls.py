"""Expressions of Python source, and how they are written: as ``ruff format`` would, 100 columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import TypeAlias

WIDTH = 100
#: So many equal neighbours become a loop.
LOOP = 3


@dataclass(frozen=True)
class Literal:
    """A value that is written as it stands."""

    text: str


@dataclass(frozen=True)
class Arg:
    """One argument: its parameter's name, how it is given, and whether it may be left out."""

    name: str
    value: Expr
    keyword: bool = False
    default: bool = False


@dataclass(frozen=True)
class Call:
    """A call, or with other brackets and no name a list, tuple or dict.

    ``module`` says that it makes an ``nn.Module``.
    """

    name: str
    args: tuple[Arg, ...] = ()
    brackets: str = "()"
    module: bool = False

    @property
    def given(self) -> tuple[Arg, ...]:
        """The arguments that are written."""
        return tuple(arg for arg in self.args if not arg.default)

    def with_values(self, values: Sequence[Expr]) -> Call:
        """Return the call with other values."""
        pairs = zip(self.args, values, strict=True)
        return replace(self, args=tuple(replace(arg, value=value) for arg, value in pairs))


Expr: TypeAlias = Literal | Call


def calls(expr: Expr) -> Iterator[Call]:
    """Iterate over the calls of an expression, outer ones first."""
    if isinstance(expr, Call):
        yield expr
        for arg in expr.args:
            yield from calls(arg.value)


def render(expr: Expr, indent: int = 0, around: int = 0) -> str:
    """Return the text of an expression that begins ``indent`` deep.

    Args:
        indent: the columns before the line's first character.
        around: the columns that the rest of the line takes.
    """
    flat = _flat(expr)
    if isinstance(expr, Literal) or not expr.given or indent + around + len(flat) <= WIDTH:
        return flat
    inner = " " * (indent + 4)
    lines = [inner + _argument(part, indent + 4) + "," for part in _parts(expr)]
    opening, closing = expr.brackets[0], expr.brackets[1]
    return "\n".join([expr.name + opening, *lines, " " * indent + closing])


def _flat(expr: Expr) -> str:
    if isinstance(expr, Literal):
        return expr.text
    parts = [_argument(part, None) for part in _parts(expr)]
    lone = "," if expr.brackets == "()" and not expr.name and len(parts) == 1 else ""
    return expr.name + expr.brackets[0] + ", ".join(parts) + lone + expr.brackets[1]


def _parts(call: Call) -> Iterator[tuple[Arg, int]]:
    """Iterate over the arguments, each with how many equal ones follow one another."""
    for arg, group in groupby(call.given):
        count = len(list(group))
        loops = count >= LOOP and isinstance(arg.value, Call) and arg.value.name
        for _ in range(1 if loops else count):
            yield arg, count if loops else 1


def _argument(part: tuple[Arg, int], indent: int | None) -> str:
    arg, count = part
    before = f"{arg.name}=" if arg.keyword else ""
    before, after = ("*(", f" for _ in range({count}))") if count > 1 else (before, "")
    if indent is None:
        return before + _flat(arg.value) + after
    flat = before + _flat(arg.value) + after
    if count > 1 and indent + len(flat) + 1 > WIDTH:
        inner = " " * (indent + 4)
        body = inner + render(arg.value, indent + 4)
        return f"*(\n{body}\n{inner}for _ in range({count})\n{' ' * indent})"
    return before + render(arg.value, indent, len(before) + len(after) + 1) + after
