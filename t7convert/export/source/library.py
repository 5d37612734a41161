"""The source of our own modules, with all that it needs, so that it stands without t7convert."""

from __future__ import annotations

import ast
import builtins
import importlib
import inspect
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache

PACKAGE = "t7convert.nn"
_PRAGMA = re.compile(r"\s+# (?:type: ignore|noqa).*$", re.MULTILINE)

#: A definition: the module it stands in, and its name there.
Place = tuple[str, str]


@dataclass(frozen=True, order=True)
class Import:
    """``import module as alias``, or ``from module import name as alias``."""

    module: str
    name: str = ""
    alias: str = ""

    @property
    def binds(self) -> str:
        """The name that it gives."""
        return self.alias or self.name or self.module.split(".")[0]


@dataclass(frozen=True)
class Unit:
    """One module of the package, taken apart."""

    name: str
    lines: tuple[str, ...]
    definitions: dict[str, ast.stmt]
    imports: dict[str, Import]

    def uses(self, name: str) -> Iterator[ast.Name]:
        """Iterate over the names in a definition."""
        for node in ast.walk(self.definitions[name]):
            if isinstance(node, ast.Name):
                yield node

    def resolve(self, name: str) -> Place | Import | None:
        """Return what a name means in this module; None for builtins and locals."""
        if name in self.definitions:
            return self.name, name
        found = self.imports.get(name)
        if found is not None and found.module.startswith(f"{PACKAGE}."):
            return found.module, found.name
        return found


@cache
def unit(name: str) -> Unit:
    """Return a module of the package."""
    text = inspect.getsource(importlib.import_module(name))
    definitions: dict[str, ast.stmt] = {}
    imports: dict[str, Import] = {}
    for node in ast.parse(text).body:
        if isinstance(node, (ast.ClassDef, ast.FunctionDef)):
            definitions[node.name] = node
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            definitions[node.targets[0].id] = node
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            definitions[node.target.id] = node
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            source = node.module or "" if isinstance(node, ast.ImportFrom) else ""
            for alias in node.names:
                entry = Import(*((source, alias.name) if source else (alias.name,)))
                entry = Import(entry.module, entry.name, alias.asname or "")
                imports[entry.binds] = entry
    return Unit(name, tuple(text.splitlines()), definitions, imports)


@dataclass
class Library:
    """The definitions that a source needs, and the names that they get in it."""

    taken: set[str]
    names: dict[Place, str] = field(default_factory=dict)
    imports: set[Import] = field(default_factory=set)

    def require(self, place: Place) -> str:
        """Add a definition and all that it uses; return its name in the source."""
        if place in self.names:
            return self.names[place]
        module, name = place
        own, number = name, 2
        while own in self.taken or hasattr(builtins, own):
            own, number = f"{name}{number}", number + 1
        self.taken.add(own)
        self.names[place] = own
        here = unit(module)
        for use in here.uses(name):
            meaning = here.resolve(use.id)
            if isinstance(meaning, Import):
                self.imports.add(meaning)
            elif meaning is not None:
                self.require(meaning)
        return own

    def definitions(self) -> Iterator[str]:
        """Iterate over the definitions' texts, each after those it needs."""
        for module in _ordered({module for module, _ in self.names}):
            here = unit(module)
            for name in here.definitions:
                if (module, name) in self.names:
                    yield self._text(here, name)

    def _text(self, here: Unit, name: str) -> str:
        node = here.definitions[name]
        decorators = getattr(node, "decorator_list", [])
        start = min([node.lineno, *(d.lineno for d in decorators)])
        lines = [line.encode() for line in here.lines]
        renamed = list(self._renamed(here, name))
        for line, column, old, new in sorted(renamed, reverse=True):
            raw = lines[line - 1]
            lines[line - 1] = raw[:column] + new.encode() + raw[column + len(old.encode()) :]
        text = b"\n".join(lines[start - 1 : node.end_lineno]).decode()
        own = self.names[here.name, name]
        if own != name:
            text = re.sub(rf"^(class|def) {name}\b", rf"\1 {own}", text, count=1, flags=re.M)
        return _PRAGMA.sub("", text)

    def _renamed(self, here: Unit, name: str) -> Iterator[tuple[int, int, str, str]]:
        for use in here.uses(name):
            meaning = here.resolve(use.id)
            if isinstance(meaning, tuple) and self.names[meaning] != use.id:
                yield use.lineno, use.col_offset, use.id, self.names[meaning]


def _ordered(modules: Iterable[str]) -> list[str]:
    """Return the modules, each after those it imports."""
    done: list[str] = []

    def visit(module: str) -> None:
        if module in done:
            return
        for entry in unit(module).imports.values():
            if entry.module.startswith(f"{PACKAGE}."):
                visit(entry.module)
        if module not in done:
            done.append(module)

    wanted = set(modules)
    for module in sorted(wanted):
        visit(module)
    return [module for module in done if module in wanted]
