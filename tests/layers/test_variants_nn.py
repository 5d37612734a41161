"""Inputs and arguments of torch/nn that the golden vectors don't have, run by a real Torch7."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from t7convert.errors import ConversionError
from t7convert.format.objects import LuaTable
from t7convert.lua.tree import build
from t7convert.reference import Executor
from tests import golden
from tests.build import obj, table, tensor
from tests.conftest import FIXTURES
from tests.layers.compare import converted, normal, reference

CASES = dict(golden.cases(FIXTURES / "variants" / "nn.t7.xz"))
TAKEN = [label for label, case in CASES.items() if case.get("refused") is None]
REFUSED = [label for label in CASES if label not in TAKEN]


@pytest.mark.parametrize("label", TAKEN)
def test_as_torch7(label: str) -> None:
    golden.check_module(label, CASES[label])
    golden.check_reference(label, CASES[label])


@pytest.mark.parametrize("label", REFUSED)
def test_refused_as_torch7_refuses(label: str) -> None:
    case: LuaTable = CASES[label]
    value = golden.arrays(case["input"])
    with pytest.raises((ConversionError, RuntimeError, IndexError, TypeError)):
        golden.build_case(case)[1].network.double()(golden.tensors(value))
    with pytest.raises((ConversionError, ValueError)):
        Executor().run(build(case["module"]), value)


def test_a_key_before_the_first_is_refused() -> None:
    made = obj(
        "nn.IndexLinear",
        weight=tensor(normal(4, 2)),
        bias=tensor(normal(2)),
        normalize=0,
        offset=-1,
    )
    keys, values = np.array([0]), np.array([1.0])
    with pytest.raises((IndexError, RuntimeError)):
        converted(made).network([torch.from_numpy(keys), torch.from_numpy(values)])
    with pytest.raises(ConversionError, match="too small"):
        reference(made, [keys, values])


def test_an_infinite_norm_type_is_refused() -> None:
    made = obj("nn.LookupTable", weight=tensor(normal(4, 2)), maxNorm=0.5, normType=np.inf)
    with pytest.raises(ConversionError, match="normType"):
        converted(made)


def test_criterions_without_a_target_need_no_entry_for_it() -> None:
    both = table(obj("nn.MSECriterion", sizeAverage=True), obj("nn.L1Cost"))
    made = obj("nn.ParallelCriterion", criterions=both, weights=table(1.0, 2.0))
    x, y = normal(3), normal(3)
    want = np.square(x - y).mean() + 2 * np.abs(x).sum()
    given = [torch.from_numpy(x), torch.from_numpy(x)]

    assert np.isclose(float(converted(made).network(given, [torch.from_numpy(y)])), want)
    assert np.isclose(float(reference(made, [[x, x], [y]]).output), want)
