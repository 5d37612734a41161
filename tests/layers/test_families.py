"""Every family module is imported, and every golden class has a test row."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import t7convert.conversion.layers
import t7convert.lua.schema
import t7convert.reference.ops
from tests import golden
from tests.conftest import FIXTURES


@pytest.mark.parametrize(
    "package", [t7convert.conversion.layers, t7convert.lua.schema, t7convert.reference.ops]
)
def test_every_family_file_is_imported(package: object) -> None:
    folder = Path(str(package.__file__)).parent  # type: ignore[attr-defined]
    files = {path.stem for path in folder.glob("*.py")} - {"__init__", "spec"}
    helpers = {name for name in files if name.startswith("_")}

    assert {module.__name__.rsplit(".", 1)[1] for module in package.FAMILIES} == files - helpers  # type: ignore[attr-defined]


@pytest.mark.parametrize("kind", ["layers", "community", "ages"])
def test_parameters_are_in_luas_order_element_for_element(kind: str) -> None:
    """So that a flat vector of Lua's parameters or gradients fits ``parameters()`` as it is."""
    checked = 0
    for path in sorted((FIXTURES / kind).glob("*.t7.xz")):
        for label, case in golden.cases(path):
            tree, converted = golden.build_case(case)
            lua = [
                np.array(dict(module.tensors(module.spec.parameters))[name].numpy())
                for module, name in golden.lua_parameters(tree)
            ]
            ours = [p.detach().numpy() for p in converted.network.parameters()]
            assert len(lua) == len(ours), label
            for a, b in zip(lua, ours, strict=True):
                np.testing.assert_array_equal(a.reshape(-1), b.reshape(-1), err_msg=label)
                checked += a.size
    assert checked > 1000
