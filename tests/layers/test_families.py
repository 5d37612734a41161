"""Every family module is imported, and every golden class has a test row."""

from __future__ import annotations

from pathlib import Path

import pytest

import t7convert.conversion.layers
import t7convert.lua.schema
import t7convert.reference.ops


@pytest.mark.parametrize(
    "package", [t7convert.conversion.layers, t7convert.lua.schema, t7convert.reference.ops]
)
def test_every_family_file_is_imported(package: object) -> None:
    folder = Path(str(package.__file__)).parent  # type: ignore[attr-defined]
    files = {path.stem for path in folder.glob("*.py")} - {"__init__", "spec"}
    helpers = {name for name in files if name.startswith("_")}

    assert {module.__name__.rsplit(".", 1)[1] for module in package.FAMILIES} == files - helpers  # type: ignore[attr-defined]
