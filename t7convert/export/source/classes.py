"""Classes of the source: what stands in them, and how they are written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from t7convert.export.source.calls import Arg, Call, Expr, render


@dataclass
class Statement:
    """A line of ``__init__``: text alone, or text and the expression behind it."""

    text: str
    value: Expr | None = None

    def render(self) -> str:
        """Return the lines, indented."""
        if self.value is None:
            return "\n".join(f"        {line}" for line in self.text.splitlines())
        return f"        {self.text}" + render(self.value, 8, len(self.text))


@dataclass
class Definition:
    """A class of the source."""

    name: str
    base: str
    doc: str
    statements: list[Statement]
    parameters: Sequence[str] = ()
    forward: Sequence[str] = field(default_factory=list)

    def render(self) -> str:
        """Return the text of the class."""
        head = ", ".join(["self", *self.parameters])
        lines = [
            f"class {self.name}({self.base}):",
            f'    """{self.doc}"""',
            "",
            f"    def __init__({head}):",
            *(statement.render() for statement in self.statements),
        ]
        if self.forward:
            lines += ["", "    def forward(self, input):"]
            lines += [f"        {line}" for line in self.forward]
        return "\n".join(lines)


def subclass(name: str, call: Call, doc: str, parameters: Sequence[str] = ()) -> Definition:
    """Return the class that is made without (these) arguments where ``call`` had them."""
    made = Call("super().__init__", call.args)
    return Definition(name, call.name, doc, [Statement("", made)], parameters)


def arguments_of(names: Sequence[str], values: Sequence[Expr]) -> tuple[Arg, ...]:
    """Return positional arguments."""
    return tuple(Arg(name, value) for name, value in zip(names, values, strict=True))
