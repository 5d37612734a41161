"""Structures that repeat, with the same numbers or others, become classes with parameters."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from t7convert.export.source.calls import Arg, Call, Expr, Literal, calls
from t7convert.export.source.classes import Definition, arguments_of, subclass
from t7convert.export.source.modules import unused

#: A structure of fewer modules is shorter where it stands.
SMALLEST = 4
MOST_PARAMETERS = 6

_NAMES = {
    "in_channels": "inputs",
    "in_features": "inputs",
    "out_channels": "outputs",
    "out_features": "outputs",
    "num_features": "channels",
    "kernel_size": "kernel",
}
_VARIABLE = re.compile(r"[a-z_]\w*")  # a parameter of the class around
_NUMBER = re.compile(r"[-\d.(),e ]+|None|True|False|[a-z_]\w*")


def lift(definitions: Sequence[Definition], taken: set[str]) -> list[Definition]:
    """Take repeated structures out of the definitions; return the classes they became.

    The largest structure comes first, then what repeats inside of it and beside it. A class stands
    after those it uses.
    """
    made: list[Definition] = []
    while True:
        everywhere = [*definitions, *made]
        found = _largest(everywhere)
        if found is None:
            return made[::-1]
        name = unused(_name(found[0]), taken)
        template = _Template(found)
        made.append(subclass(name, template.body, _doc(found[0]), template.parameters()))
        for definition in everywhere:
            for statement in definition.statements:
                if statement.value is not None:
                    statement.value = _replaced(statement.value, found, template, name)


def _sites(definitions: Sequence[Definition]) -> Iterator[Call]:
    for definition in definitions:
        for statement in definition.statements:
            if statement.value is not None:
                yield from (call for call in calls(statement.value) if call.module)


def _largest(definitions: Sequence[Definition]) -> list[Call] | None:
    groups: dict[Signature, list[Call]] = {}
    for call in _sites(definitions):
        if _size(call) >= SMALLEST and any(arg.value for arg in call.args if _is_module(arg)):
            groups.setdefault(_signature(call), []).append(call)
    worth = [group for group in groups.values() if len(group) > 1 and _is_worth(group)]
    return max(worth, key=lambda group: _size(group[0]), default=None)


def _is_worth(group: Sequence[Call]) -> bool:
    return len(_Template(group).parameters()) <= min(MOST_PARAMETERS, _size(group[0]))


def _is_module(arg: Arg) -> bool:
    return isinstance(arg.value, Call) and arg.value.module


def _size(call: Call) -> int:
    return sum(inner.module for inner in calls(call))


Signature = tuple[object, ...]


def _signature(expr: Expr) -> Signature:
    """Return the structure without its numbers."""
    if isinstance(expr, Literal):
        return ("",) if _NUMBER.fullmatch(expr.text) else (expr.text,)
    parts = tuple((arg.name, arg.keyword, _signature(arg.value)) for arg in expr.args)
    return (expr.name, expr.brackets, parts)


@dataclass
class _Hole:
    """A number that varies: its values at each place, what it is for, and its name."""

    values: tuple[str, ...]
    uses: list[str] = field(default_factory=list)
    name: str = ""


class _Template:
    """What several calls have in common, and the numbers in which they differ."""

    def __init__(self, group: Sequence[Call]) -> None:
        self.holes: dict[tuple[str, ...], _Hole] = {}
        self._last: _Hole | None = None  # what the last layer puts out
        self._collect(list(group), "")
        self._name()
        self.body = self._common(list(group))

    def parameters(self) -> list[str]:
        """Return the names of the parameters."""
        return [hole.name for hole in self.holes.values()]

    def call(self, name: str, position: int) -> Call:
        """Return the call that takes the place of the one at ``position``."""
        values = [Literal(hole.values[position]) for hole in self.holes.values()]
        return Call(name, arguments_of(self.parameters(), values), module=True)

    def _collect(self, group: Sequence[Expr], name: str) -> None:
        texts = tuple(expr.text for expr in group if isinstance(expr, Literal))
        if texts and (len(set(texts)) > 1 or _VARIABLE.fullmatch(texts[0])):
            hole = self.holes.setdefault(texts, _Hole(texts))
            hole.uses.append(_NAMES.get(name, name) or "value")
            self._last = hole if hole.uses[-1] == "outputs" else self._last
        made = [expr for expr in group if isinstance(expr, Call)]
        for args in zip(*(call.args for call in made), strict=True):
            self._collect([arg.value for arg in args], args[0].name)

    def _name(self) -> None:
        seen: dict[str, int] = {}
        for hole in self.holes.values():
            hole.name = next((use for use in hole.uses if use != "channels"), hole.uses[0])
            if hole.name == "outputs" and hole is not self._last:
                hole.name = "width"
            seen[hole.name] = seen.get(hole.name, 0) + 1
            if seen[hole.name] > 1:
                hole.name += str(seen[hole.name])
        order = {"inputs": 0, "width": 1, "outputs": 2}
        ordered = sorted(self.holes.items(), key=lambda item: order.get(item[1].name, 3))
        self.holes = dict(ordered)

    def _common(self, group: Sequence[Call]) -> Call:
        args = []
        for same in zip(*(call.args for call in group), strict=True):
            first = same[0]
            if isinstance(first.value, Call):
                below = [arg.value for arg in same if isinstance(arg.value, Call)]
                args.append(replace(first, value=self._common(below)))
                continue
            texts = tuple(arg.value.text for arg in same if isinstance(arg.value, Literal))
            hole = self.holes.get(texts)
            value = first.value if hole is None else Literal(hole.name)
            args.append(replace(first, value=value, default=first.default and hole is None))
        return replace(group[0], args=tuple(args))


def _replaced(expr: Expr, found: Sequence[Call], template: _Template, name: str) -> Expr:
    """Return the expression with the calls of ``found`` (by identity) replaced."""
    if isinstance(expr, Literal):
        return expr
    for position, call in enumerate(found):
        if call is expr:
            return template.call(name, position)
    values = [_replaced(arg.value, found, template, name) for arg in expr.args]
    if all(new is arg.value for new, arg in zip(values, expr.args, strict=True)):
        return expr
    return expr.with_values(values)


def _name(call: Call) -> str:
    """Name a class by what stands in it."""
    below = [arg.value.name for arg in call.args if isinstance(arg.value, Call)]
    if "CAddTable" in below and "ConcatTable" in below:
        return "Residual"
    if any(inner.name == "CAddTable" for inner in calls(call)):
        return "Stage"
    return "Block"


def _doc(call: Call) -> str:
    return f"A structure of {_size(call)} modules that repeats."
