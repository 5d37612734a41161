"""For every class, wrong conversions are planted and the check has to find them."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from t7convert.conversion import Converted, convert_tree
from t7convert.format.objects import LuaTable
from t7convert.inputs.drawing import Trial
from t7convert.lua.tree import LuaModule, build
from t7convert.nn.memory import forget
from t7convert.parity.check import Options, check_network
from t7convert.parity.compare import difference, leaves
from t7convert.parity.report import ParityReport
from t7convert.reference import Executor
from tests.conftest import FIXTURES
from tests.golden import arrays, cases
from tests.parity.mutations import mutations

#: Mutations that were shown to matter, per class, are enough.
ENOUGH = 4
FILES = sorted(
    path
    for kind in ("layers", "community")
    for path in (FIXTURES / kind).glob("*.t7*")
    if "Criterion" not in path.name
)
RANDOM = ("SpatialFractionalMaxPooling", "VolumetricFractionalMaxPooling")


def first_case(path: Any) -> LuaTable | None:
    for _, case in cases(path):
        if case.get("mode") != "training" and "loss" not in case and not case.get("random"):
            return case
    return None


def check(tree: LuaModule, converted: Converted, value: Any) -> ParityReport:
    given = [Trial("case", value)]
    return check_network(tree, converted, Options(dtype="float64"), trials=given)


def reference(tree: LuaModule, value: Any) -> Any:
    executor = Executor()
    with np.errstate(all="ignore"):
        return executor.run(tree, executor.cast(copy.deepcopy(value)))


def differs(a: Any, b: Any) -> bool:
    pairs = leaves(a), leaves(b)
    if len(pairs[0]) != len(pairs[1]):
        return True
    gaps = [difference(x, y) for (_, x), (_, y) in zip(*pairs, strict=True)]
    return any(gap.problem or gap.relative > 1e-6 for gap in gaps)


class Wrong(nn.Module):
    """The network with another answer: the fault of last resort, for classes without fields."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Any) -> Any:
        return shifted(forget(self.network)(x))


def shifted(value: Any) -> Any:
    if isinstance(value, Tensor):
        moved = value + 1
        return torch.where(moved == value, torch.zeros_like(value), moved)
    if isinstance(value, (list, tuple)):
        return [shifted(item) for item in value]
    if isinstance(value, dict):
        return {key: shifted(item) for key, item in value.items()}
    return value


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name.split(".t7")[0])
def test_wrong_conversions_are_found(path: Any) -> None:
    case = first_case(path)
    if case is None:
        return  # only training or random cases: nothing that evaluation could compare
    value = arrays(case["input"])
    tree = build(case["module"])
    expected = reference(tree, value)
    assert any(array.size for _, array in leaves(expected)) or path.name.startswith("NaN")
    found = 0
    for number, (what, _) in enumerate(mutations(tree)):
        if found == ENOUGH:
            break
        wrong = build(case["module"])
        _, plant = list(mutations(wrong))[number]
        plant()
        try:
            if not differs(reference(wrong, value), expected):
                continue
            converted = convert_tree(wrong)
        except Exception:
            continue  # the mutation makes no module
        report = check(build(case["module"]), converted, value)

        assert not report.ok, what
        assert report.failures or not all(fact.ok for fact in report.facts), what
        found += 1
    converted = convert_tree(build(case["module"]))
    wrong_network = Converted(
        Wrong(converted.network), converted.tree, converted.bindings, {}, records=converted.records
    )
    report = check(build(case["module"]), wrong_network, value)

    assert not report.ok
    assert report.failures[0].typename == tree.typename


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name.split(".t7")[0])
def test_one_bit_of_a_weight_is_found_and_named(path: Any) -> None:
    case = first_case(path)
    if case is None:
        return
    tree = build(case["module"])
    converted = convert_tree(tree)
    bound = {id(record.module): record for record in converted.records}
    for record in list(bound.values())[:3]:
        values = getattr(record.module, record.name)
        if not isinstance(values, Tensor) or not values.is_floating_point() or not values.numel():
            continue
        if record.name in getattr(record.module, "parametrizations", ()):
            values = record.module.parametrizations[record.name].original
        with torch.no_grad():
            first = values.reshape(-1)[0]
            changed = torch.nextafter(first, first + 1)
            values[(0,) * values.dim()] = changed
        report = check(tree, converted, arrays(case["input"]))
        bits = [row for row in report.failures if row.kind in ("parameter", "statistic")]

        assert not report.ok
        assert any(row.path.startswith(record.path) for row in bits)
        assert all(row.ulps <= 2 or row.expected == 0 for row in bits)
        with torch.no_grad():
            values[(0,) * values.dim()] = first
