"""fbnn's criterions against Torch7 and against the reference."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from t7convert.errors import ConversionError
from t7convert.lua.tree import build
from t7convert.reference import Executor
from tests import golden
from tests.drawing import generator
from tests.layers.criterion_compare import compare_criterion, linear, lua_object, network_of

CRITERIONS = """TrueNLLCriterion ClassNLLCriterionWithUNK SoftPlusLSECriterion
SoftPlusLSEMinusLSECriterion SequentialCriterion"""

DRAW = generator(23)


def normal(*shape: int) -> Any:
    return DRAW.normal(size=shape)


@pytest.mark.parametrize("name", CRITERIONS.split())
def test_golden_criterions(shared: Path, name: str) -> None:
    for label, case in golden.cases(shared / "golden" / "community" / f"fbnn.{name}.t7"):
        golden.check_criterion(label, case)
        golden.check_reference_criterion(label, case)


NLL = "nn.ClassNLLCriterion"
UNK = "nn.ClassNLLCriterionWithUNK"


@pytest.mark.parametrize(
    ("fields", "target"),
    [
        ({"unk_index": 2}, [2, 1, 4]),
        ({"unk_index": 2}, [1, 1, 4]),
        ({}, [2, 1, 4]),
        ({"unk_index": 9, "tensortype": "torch.CudaTensor"}, [2, 1, 4]),
        ({"unk_index": 1}, [1, 1, 1]),
    ],
)
def test_unknown_classes(fields: dict[str, Any], target: list[int]) -> None:
    crit = lua_object(NLL, weights=DRAW.uniform(0.5, 1, 4))
    compare_criterion(lua_object(UNK, crit=crit, **fields), normal(3, 4), np.array(target))


def test_one_unknown_sample_costs_nothing() -> None:
    obj = lua_object(UNK, crit=lua_object(NLL), unk_index=2)

    assert compare_criterion(obj, normal(4), 2) == (0, [pytest.approx([0] * 4)])
    compare_criterion(obj, normal(4), 3)


@pytest.mark.parametrize("average", [True, False])
def test_true_nll(average: bool) -> None:
    obj = lua_object("nn.TrueNLLCriterion", sizeAverage=average)
    compare_criterion(obj, DRAW.uniform(0.1, 1, (3, 4)), np.array([1, 4, 4]))
    compare_criterion(obj, DRAW.uniform(0.1, 1, 4), 2)


@pytest.mark.parametrize("name", ["SoftPlusLSECriterion", "SoftPlusLSEMinusLSECriterion"])
def test_soft_plus(name: str) -> None:
    rows = np.array([[30.0, 1.0], [-3.0, -2.0], [19.0, 19.2], [0.0, -5.0]])
    for average in (True, False):
        compare_criterion(lua_object(f"nn.{name}", sizeAverage=average), rows)


def test_hierarchical_criterion() -> None:
    mapping = np.array([[1, 1], [2, 1], [2, 2], [1, 2], [2, 3]])
    fields = {"startIndex": np.array([1, 3]), "clusterCounts": np.array([2, 3])}
    names = {"clusterMatrix": (2, 4), "clusterBias": (2,), "classMatrix": (5, 4), "classBias": (5,)}
    fields |= {name: normal(*shape) for name, shape in names.items()}
    obj = lua_object("nn.ClassHierarchicalNLLCriterion", mapping=mapping, **fields)
    x = normal(4)
    total = sum(np.exp(-compare_criterion(obj, x, target)[0]) for target in range(1, 6))
    assert total == pytest.approx(1)

    network, tree, executor = network_of(obj), build(obj), Executor()
    network(torch.from_numpy(x), torch.tensor([3])).backward()
    executor.call(tree, [x, 3]).backward(1.0)
    for name in names:
        found = network.get_parameter(name).grad
        golden.assert_close(name, found, executor.gradients[id(tree), name], 1e-12)
    with pytest.raises(ValueError, match="one sample"):
        network(torch.ones(2, 4), 1)
    with pytest.raises(ConversionError, match="one sample"):
        executor.call(tree, [normal(2, 4), 1])


def test_sequential_criterion_learns() -> None:
    inner = linear(4, 3)
    obj = lua_object(
        "nn.SequentialCriterion", module=inner, criterion=lua_object("nn.MSECriterion")
    )
    x, t = normal(2, 4), normal(2, 3)
    compare_criterion(obj, x, t)
    network = network_of(obj)
    network(torch.from_numpy(x), torch.from_numpy(t)).backward()

    assert set(network.state_dict()) == {"module.weight", "module.bias"}
    assert network.get_parameter("module.weight").grad is not None
