"""Imports go down only: no circle between modules, no arrow against the order of CONTRIBUTING.md.

Imports inside functions and under TYPE_CHECKING count, and modules imported by a literal name.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from functools import cache
from graphlib import CycleError, TopologicalSorter
from importlib.util import find_spec
from pathlib import Path

import pytest

#: The floors from the ground up. What stands on a floor imports from floors below and from its own
#: folder; nothing beside it.
FLOORS = (
    ("_version", "errors", "families", "options"),
    ("paths", "files"),
    ("format",),
    ("lua",),
    ("nn", "residual", "reference", "fetch", "opening"),
    ("inputs", "conversion"),
    ("export", "compat"),
    ("parity", "outputs"),
    ("api",),
    ("vision", "page", "testing"),
    ("models",),
    ("__init__", "commands"),
    ("cli",),
    ("__main__",),
)
FLOOR = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
#: Rooms that may know less than their floor allows: two readings of Torch7 stay two.
KNOWS = {
    "nn": set[str](),
    "residual": {"errors"},
    "reference": {"errors", "families", "format", "lua"},
}
NO_TORCH = {"format", "lua", "reference"}

Texts = Mapping[str, str]


def texts() -> dict[str, str]:
    """Return the source of every module of the installed package, by its name."""
    spec = find_spec("t7convert")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    root = Path(spec.submodule_search_locations[0])
    found = {}
    for path in sorted(root.rglob("*.py")):
        parts = ("t7convert", *path.relative_to(root).with_suffix("").parts)
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        found[name] = path.read_text(encoding="utf-8")
    return found


HOUSE = texts()


@cache
def imported(text: str) -> tuple[tuple[str, str], ...]:
    """Return (module, name in it or "") for every import of a source, wherever it stands."""
    found: list[tuple[str, str]] = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found += [(alias.name, "") for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports name the whole module"
            found += [(str(node.module), alias.name) for alias in node.names]
        elif isinstance(node, ast.Call) and "import_module" in ast.unparse(node.func):
            found += [
                (argument.value, "")
                for argument in node.args
                if isinstance(argument, ast.Constant) and isinstance(argument.value, str)
            ]
    return tuple(found)


def arrows(house: Texts) -> dict[str, set[str]]:
    """Return the modules of the package that each module imports."""
    found: dict[str, set[str]] = {}
    for name, text in house.items():
        modules = [f"{module}.{inner}" for module, inner in imported(text)]
        modules = [each if each in house else each.rpartition(".")[0] for each in modules]
        found[name] = {each for each in modules if each in house}
    return found


def room(module: str) -> str:
    """Return the folder or file of the package that a module lies in."""
    return module.split(".")[1] if "." in module else "__init__"


def circle(house: Texts) -> list[str]:
    """Return modules of which each imports the one before it; none if there is no circle."""
    try:
        TopologicalSorter(arrows(house)).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def wrong(house: Texts) -> Iterator[str]:
    """Name every arrow that does not go down, or goes to a room that is not to be known."""
    for module, targets in arrows(house).items():
        source = room(module)
        for target in sorted(targets):
            if room(target) == source:
                continue
            if FLOOR[room(target)] >= FLOOR[source] or room(target) not in KNOWS.get(source, FLOOR):
                yield f"{module} -> {target}"


def with_torch(house: Texts) -> list[str]:
    """Name the modules that import torch and should not."""
    return [
        module
        for module, text in house.items()
        if room(module) in NO_TORCH
        and any(name.split(".")[0] == "torch" for name, _ in imported(text))
    ]


def test_every_room_has_one_floor() -> None:
    assert sorted(FLOOR) == sorted(room for rooms in FLOORS for room in rooms)
    assert {room(module) for module in HOUSE} == set(FLOOR)


def test_no_module_imports_one_that_imports_it() -> None:
    assert circle(HOUSE) == []


def test_imports_go_down() -> None:
    assert list(wrong(HOUSE)) == []


def test_bytes_their_meaning_and_the_reference_need_no_torch() -> None:
    assert with_torch(HOUSE) == []


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("errors", "import t7convert.paths"),
        ("lua.tree", "from t7convert.conversion import network"),
        ("lua.tree", "def late():\n    from t7convert.conversion.network import convert_object"),
        ("residual.blocks", "if TYPE_CHECKING:\n    from t7convert import api"),
        ("conversion.bindings", 'importlib.import_module("t7convert.export.data")'),
        ("reference.op", "from t7convert.nn.linear import Linear"),
        ("conversion.bindings", "from t7convert.inputs.values import to_arrays"),
        ("nn.linear", "from t7convert import errors"),
    ],
)
def test_a_wrong_arrow_is_found(module: str, line: str) -> None:
    name = f"t7convert.{module}"
    planted = list(wrong({**HOUSE, name: f"{HOUSE[name]}\n{line}\n"}))
    assert [each.split(" -> ")[0] for each in planted] == [name]


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("lua.record", "from t7convert.lua.tree import LuaModule"),
        ("lua.record", "def late():\n    from t7convert.lua import tree"),
        ("reference.op", "if TYPE_CHECKING:\n    import t7convert.reference.executor"),
        ("format.compressed", 'importlib.import_module("t7convert.format.source")'),
    ],
)
def test_a_circle_is_found(module: str, line: str) -> None:
    name = f"t7convert.{module}"
    assert name in circle({**HOUSE, name: f"{HOUSE[name]}\n{line}\n"})


def test_torch_is_found() -> None:
    planted = {**HOUSE, "t7convert.lua.tree": "def late():\n    from torch import nn\n"}
    assert with_torch(planted) == ["t7convert.lua.tree"]
