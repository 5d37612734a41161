"""Outputs that float32 can't show are judged in float64, and faults don't hide there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from t7convert.conversion import Converted, convert_tree
from t7convert.inputs.drawing import Trial
from t7convert.lua.tree import build
from t7convert.parity.check import Options, check_network
from t7convert.parity.opening import Output
from t7convert.parity.report import ParityReport
from t7convert.parity.running import IN_DOUBLE
from t7convert.parity.side import side_of
from tests.build import linear, obj, sequential

TREE = sequential(obj("nn.MulConstant", constant_scalar=1, inplace=False), obj("nn.TanhShrink"))
#: Differences of nearly equal numbers: in float32 a tenth of them is rounding.
SMALL = Trial("small", np.random.default_rng(0).standard_normal((3, 4)) * 1e-3)


def check(converted: Converted, trial: Trial = SMALL, dtype: str = "float32") -> ParityReport:
    return check_network(build(TREE), converted, Options(dtype=dtype), trials=[trial])


def wrong(path: str, fault: Callable[[Tensor], Tensor]) -> Converted:
    """Return the network with a fault behind one of its modules."""
    converted = convert_tree(build(TREE))
    module = converted.network.get_submodule(converted.modules[path][0])
    module.register_forward_hook(lambda _, args, out: fault(out))
    return converted


def test_rounding_alone_passes_and_is_said() -> None:
    report = check(convert_tree(build(TREE)))

    assert report.ok, report
    notes = {row.path: row.note for row in report.rows if row.trial == "small"}
    assert notes == {"modules[1]": "", "modules[2]": IN_DOUBLE, "": IN_DOUBLE}


def test_what_float32_shows_is_judged_there() -> None:
    report = check(convert_tree(build(TREE)), replace(SMALL, value=SMALL.value * 1e3))

    assert report.ok, report
    assert not any(row.note for row in report.rows)


@pytest.mark.parametrize("size", [1e-5, 1e-3, 1e-2, 1.0, np.nan, np.inf])
def test_a_fault_as_small_as_the_rounding_is_found(size: float) -> None:
    report = check(wrong("modules[2]", lambda out: out * (1 + size)))

    assert [row.path for row in report.failures] == ["modules[2]", ""]


def test_a_fault_that_only_float32_has_is_found() -> None:
    single = wrong("modules[1]", lambda out: out * (1.1 if out.dtype == torch.float32 else 1))
    report = check(single)

    assert report.first is not None
    assert report.first.path == "modules[1]"


def test_the_network_is_float32_again() -> None:
    converted = convert_tree(build(sequential(linear(2, 3))))
    side = side_of(converted, "float32", "cpu", Output())
    with side.in_double() as wide:
        assert {p.dtype for p in wide.network.parameters()} == {torch.float64}

    assert {p.dtype for p in side.network.parameters()} == {torch.float32}
