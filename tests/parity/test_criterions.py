"""A criterion verifies with a file of input and target."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from t7convert.format import save
from t7convert.parity.verifying import verify
from tests.drawing import generator
from tests.layers.criterion_compare import linear, lua, lua_object

DRAW = generator(19)
MSE = lua_object("nn.MSECriterion")
CRITERIONS = {
    "leaf": MSE,
    "of a module": lua_object("nn.SequentialCriterion", module=linear(3, 3), criterion=MSE),
    "of classes": lua_object("nn.CrossEntropyCriterion", nll=lua_object("nn.ClassNLLCriterion")),
    "without a target": lua_object("nn.L1Cost"),
}


@pytest.mark.parametrize("name", CRITERIONS)
def test_verify(tmp_path: Path, name: str) -> None:
    save(lua({"criterion": CRITERIONS[name]}), tmp_path / "model.t7")
    input, target = DRAW.normal(size=(2, 3)), DRAW.normal(size=(2, 3))
    pairs = {"of classes": [input, np.array([3, 1])], "without a target": [input]}
    save(lua(pairs.get(name, [input, target])), tmp_path / "input.t7")
    report = verify(
        tmp_path / "model.t7",
        select="criterion",
        input=tmp_path / "input.t7",
        dtype="float64",
        gradients=True,
    )

    assert report.ok, report.failures
    assert any(row.kind == "gradient" for row in report.rows)
