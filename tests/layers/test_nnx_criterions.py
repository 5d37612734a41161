"""nnx's criterions and its tree of classes against Torch7 and against the reference."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from t7convert.conversion import convert_tree
from t7convert.errors import ConversionError
from t7convert.lua.tree import build
from t7convert.reference import Executor
from tests import golden
from tests.drawing import generator
from tests.layers.criterion_compare import (
    compare_criterion,
    compare_module,
    lua_object,
    network_of,
)

CRITERIONS = "SuperCriterion DistNLLCriterion DistMarginCriterion TreeNLLCriterion"

DRAW = generator(9)


def normal(*shape: int) -> Any:
    return DRAW.normal(size=shape)


@pytest.mark.parametrize("name", CRITERIONS.split())
def test_golden_criterions(name: str) -> None:
    for label, case in golden.cases(golden.golden_path("community", f"nnx.{name}")):
        golden.check_criterion(label, case)
        golden.check_reference_criterion(label, case)


def _tree(hierarchy: dict[int, list[int]], root: int, inputs: int = 3) -> Any:
    """Return a tree as SoftMaxTree.lua's constructor lays it out."""
    children = [child for family in hierarchy.values() for child in family]
    families = np.full((max(hierarchy), 2), -1, np.int32)
    start = 1
    for parent, family in hierarchy.items():
        families[parent - 1] = start, len(family)
        start += len(family)
    return lua_object(
        "nn.SoftMaxTree",
        inputSize=inputs,
        rootId=root,
        childIds=np.array(children, np.int32),
        parentIds=np.array(list(hierarchy), np.int32),
        parentChildren=families,
        weight=normal(len(children), inputs),
        bias=normal(len(children)),
    )


def test_soft_max_tree() -> None:
    uneven = _tree({7: [1, 8, 2], 8: [3, 9], 9: [4, 5, 6]}, 7)
    nodes = np.array([1, 6, 3, 9, 6, 8], np.int32)
    output = compare_module(uneven, [20 * normal(6, 3), nodes])

    assert output.shape == (6,)
    for node in (0, 7, 10):  # 7 is the root
        with pytest.raises((IndexError, RuntimeError)):
            network_of(uneven)([torch.zeros(1, 3).double(), torch.tensor([node])])
        with pytest.raises(ConversionError, match="not below the root"):
            Executor().call(build(uneven), [np.zeros((1, 3)), np.array([node])])


def test_soft_max_tree_of_one_family_is_nearly_a_softmax() -> None:
    obj = _tree({4: [1, 2, 3]}, 4)
    x = normal(3, 3)
    output = compare_module(obj, [x, np.array([1, 2, 3], np.int32)])
    weight, bias = (network_of(obj).get_parameter(name) for name in ("weight", "bias"))
    linear = torch.from_numpy(x) @ weight.T + bias

    assert torch.allclose(output, linear.log_softmax(1).diagonal(), atol=1e-4)


def test_super_criterion() -> None:
    inner = [lua_object("nn.MSECriterion"), lua_object("nn.AbsCriterion", sizeAverage=False)]
    obj = lua_object("nn.SuperCriterion", criterions=inner, weights=[0.5, 2])
    compare_criterion(obj, [normal(2, 3), normal(4)], [normal(2, 3), normal(4)])
    compare_criterion(obj, [normal(2, 3), normal(6)], normal(2, 3))


@pytest.mark.parametrize("shape", [(4,), (3, 4)])
@pytest.mark.parametrize(
    "flags",
    [
        {},
        {"inputIsADistance": True, "targetIsProbability": False},
        {"inputIsProbability": True},
        {"inputIsLogProbability": True, "inputIsADistance": True, "inputIsProbability": True},
    ],
)
def test_dist_nll(flags: dict[str, bool], shape: tuple[int, ...]) -> None:
    obj = lua_object("nn.DistNLLCriterion", **flags)
    compare_criterion(obj, DRAW.uniform(0.1, 1, shape), DRAW.uniform(0.1, 1, shape))


@pytest.mark.parametrize("average", [True, False])
def test_dist_margin(average: bool) -> None:
    obj = lua_object("nn.DistMarginCriterion", sizeAverage=average)
    lists = np.array([[2.0, 4, 0, 1], [1, 1, 3, 0.0], [0, 2, 3, 4], [0.3, 0.2, 3.9, 0]])
    compare_criterion(obj, normal(4, 4), lists)
    compare_criterion(obj, normal(4), np.array([3.0, 0, 0, 0]))
    with pytest.raises(ValueError, match="between 0 and 4"):
        network_of(obj)(torch.zeros(4), torch.tensor([5.0, 0, 0, 0]))


def test_tree_nll() -> None:
    obj = lua_object("nn.TreeNLLCriterion")
    compare_criterion(obj, normal(4))
    compare_criterion(obj, normal(3, 1))
    with pytest.raises(ValueError, match="one number per row"):
        network_of(obj)(torch.zeros(2, 2))


def test_nothing_is_left_without_a_place() -> None:
    converted = convert_tree(build(_tree({4: [1, 2, 3]}, 4)))
    assert {binding.key for binding in converted.bindings} == {"weight", "bias"}
