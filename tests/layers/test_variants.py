"""Uses of community classes beyond their golden files, as Torch7 ran them (variants.lua)."""

from __future__ import annotations

import pytest

from t7convert.format.objects import LuaTable
from tests import golden
from tests.conftest import FIXTURES

CASES = [
    pytest.param(label, case, id=label)
    for name in ("start", "inplace")
    for label, case in golden.cases(FIXTURES / "variants" / f"{name}.t7.xz")
]


@pytest.mark.parametrize(("label", "case"), CASES)
def test_variant(label: str, case: LuaTable) -> None:
    golden.check_module(label, case)
    golden.check_reference(label, LuaTable({**dict(case.items()), "mode": "evaluate"}))
