"""Criterions of torch/nn: what they refuse, what they keep as state, what they leave to chance."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from t7convert.errors import ConversionError
from t7convert.lua.tree import build
from t7convert.nn.criterion_classes import ClassNLLCriterion, CrossEntropyCriterion
from t7convert.reference import Executor
from tests.layers.criterion_compare import lua_object, network_of

NLL = "nn.ClassNLLCriterion"
MSE = lua_object("nn.MSECriterion")


def test_equal_pairs_get_a_sign_by_chance() -> None:
    network = network_of(lua_object("nn.L1HingeEmbeddingCriterion"))
    x = torch.zeros(4000, dtype=torch.float64, requires_grad=True)
    torch.manual_seed(1)
    network([x, torch.zeros(4000, dtype=torch.float64)], 1).backward()

    assert x.grad is not None
    assert set(x.grad.tolist()) == {-1, 1}
    assert abs(x.grad.mean().item()) < 0.06


def test_a_target_gets_no_gradient() -> None:
    target = torch.zeros(3, requires_grad=True)
    for name in ("nn.MSECriterion", "nn.AbsCriterion", "nn.SmoothL1Criterion"):
        network_of(lua_object(name))(torch.ones(3, requires_grad=True), target).backward()

    assert target.grad is None


def test_weights_are_state() -> None:
    network = network_of(lua_object(NLL, weights=np.array([1.0, 2.0])))
    outer = network_of(
        lua_object("nn.CrossEntropyCriterion", nll=lua_object(NLL, weights=np.array([1.0, 2.0])))
    )

    assert network.state_dict()["weights"].tolist() == [1, 2]
    assert outer.state_dict()["nll.weights"].tolist() == [1, 2]


def test_top_prediction_counts_from_one() -> None:
    network: Any = network_of(lua_object("nn.ClassSimplexCriterion", simplex=np.eye(3)))

    assert network.top_prediction(torch.eye(3).double()[[2, 0]]).tolist() == [3, 1]


@pytest.mark.parametrize(
    ("criterion", "input", "target"),
    [
        (ClassNLLCriterion(), torch.zeros(2, 3), torch.tensor([1])),
        (ClassNLLCriterion(), torch.zeros(2, 3), torch.ones(2, 1)),
        (ClassNLLCriterion(), torch.zeros(1, 2, 3), torch.ones(1)),
        (CrossEntropyCriterion(), torch.zeros(2, 3, 4), torch.ones(2)),
        (network_of(lua_object("nn.SpatialClassNLLCriterion")), torch.zeros(2, 3), torch.ones(2)),
        (network_of(lua_object("nn.DistKLDivCriterion")), torch.zeros(4), torch.zeros(2, 2)),
        (network_of(lua_object("nn.MultiLabelMarginCriterion")), torch.zeros(4), torch.zeros(3)),
        (
            network_of(lua_object("nn.SpatialAutoCropMSECriterion")),
            torch.zeros(1, 4, 4),
            torch.zeros(1, 4, 3),
        ),
        (network_of(lua_object("nn.SpatialAutoCropMSECriterion")), torch.zeros(4), torch.zeros(4)),
    ],
)
def test_sizes_that_do_not_fit(criterion: Any, input: Any, target: Any) -> None:
    with pytest.raises(ValueError, match=r"shape|dimension|targets for|larger than"):
        criterion(input, target)


def test_a_class_out_of_range_is_refused() -> None:
    with pytest.raises((IndexError, RuntimeError)):
        ClassNLLCriterion()(torch.zeros(2, 3), torch.tensor([1, 4]))
    with pytest.raises(ConversionError, match="between 1 and 3"):
        Executor().call(build(lua_object(NLL)), [np.zeros((2, 3)), np.array([1, 4])])


def test_weights_that_are_not_numbers() -> None:
    with pytest.raises(ConversionError, match="expected 1 numbers"):
        network_of(lua_object("nn.MultiCriterion", criterions=[MSE], weights=[]))
    with pytest.raises(ConversionError, match="weights"):
        network_of(lua_object("nn.MultiCriterion", criterions=[MSE]))


@pytest.mark.parametrize("typename", ["nn.BCECriterion", NLL, "nn.MultiMarginCriterion"])
def test_repr_names_the_options(typename: str) -> None:
    assert "size_average=False" in repr(network_of(lua_object(typename, sizeAverage=False)))
