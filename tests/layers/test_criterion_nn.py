"""The criterions of torch/nn and of cudnn against Torch7 and against the reference."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from t7convert.lua.tree import build
from t7convert.reference import Executor
from tests import golden
from tests.drawing import generator
from tests.layers.criterion_compare import (
    compare_criterion,
    linear,
    lua_object,
    network_of,
)

CLASSES = """
AbsCriterion BCECriterion ClassNLLCriterion ClassSimplexCriterion CosineEmbeddingCriterion
CriterionTable CrossEntropyCriterion DistKLDivCriterion DistanceRatioCriterion
HingeEmbeddingCriterion L1Cost L1HingeEmbeddingCriterion MSECriterion MarginCriterion
MarginRankingCriterion ModuleCriterion MultiCriterion MultiLabelMarginCriterion
MultiLabelSoftMarginCriterion MultiMarginCriterion ParallelCriterion SmoothL1Criterion
SoftMarginCriterion SpatialAutoCropMSECriterion SpatialClassNLLCriterion
WeightedMSECriterion
"""

DRAW = generator(3)


def normal(*shape: int) -> Any:
    return DRAW.normal(size=shape)


def positive(*shape: int) -> Any:
    return DRAW.uniform(0.1, 1.1, shape)


def classes(*shape: int) -> Any:
    return DRAW.integers(1, 6, shape)


def signs(*shape: int) -> Any:
    return DRAW.choice([-1.0, 1.0], shape)


def bits(*shape: int) -> Any:
    return DRAW.integers(0, 2, shape).astype(float)


@pytest.mark.parametrize("name", CLASSES.split())
def test_golden(shared: Path, name: str) -> None:
    for label, case in golden.cases(shared / "golden" / "layers" / f"{name}.t7"):
        golden.check_criterion(label, case)
        golden.check_reference_criterion(label, case)


SHAPES = [(5,), (1, 4), (2, 3), (2, 3, 4, 5)]
SIMPLE = ["Abs", "MSE", "SmoothL1", "SoftMargin", "Margin", "DistKLDiv"]


@pytest.mark.parametrize("average", [True, False])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", SIMPLE)
def test_elementwise(name: str, shape: tuple[int, ...], average: bool) -> None:
    target = bits(*shape) * positive(*shape) if name == "DistKLDiv" else signs(*shape)
    compare_criterion(
        lua_object(f"nn.{name}Criterion", sizeAverage=average), normal(*shape), target
    )


NLL = "nn.ClassNLLCriterion"
CASES: list[tuple[str, dict[str, Any], Any, Any]] = [
    ("nn.BCECriterion", {"weights": positive(4)}, positive(4) / 2, bits(4)),
    ("nn.BCECriterion", {"weights": positive(4)}, positive(1, 4) / 2, bits(1, 4)),
    ("nn.BCECriterion", {"sizeAverage": False}, positive(2, 3, 2) / 2, bits(2, 3, 2)),
    ("nn.BCECriterion", {}, np.array([0.0, 1.0, 1.0]), np.array([0.0, 1.0, 0.5])),
    ("nn.MultiLabelSoftMarginCriterion", {"weights": positive(4)}, normal(3, 4), bits(3, 4)),
    ("nn.MultiLabelSoftMarginCriterion", {"weights": positive(4)}, normal(4), bits(4)),
    ("nn.MultiLabelSoftMarginCriterion", {"sizeAverage": False}, 90 * normal(2, 3), bits(2, 3)),
    ("nn.WeightedMSECriterion", {"weight": positive(3, 4)}, normal(2, 3, 4), normal(2, 3, 4)),
    ("nn.WeightedMSECriterion", {"weight": positive(2, 3)}, normal(2, 3), normal(2, 3)),
    ("nn.SpatialAutoCropMSECriterion", {}, normal(2, 3, 4, 5), normal(2, 3, 7, 8)),
    ("nn.SpatialAutoCropMSECriterion", {"sizeAverage": False}, normal(3, 4, 4), normal(3, 4, 7)),
    ("nn.L1Cost", {}, np.array([[1.5, 0.0, -2.0]]), None),
    ("nn.MarginCriterion", {"margin": 0.3}, normal(3, 4), signs(3, 4)),
    ("nn.HingeEmbeddingCriterion", {"margin": 0.5}, positive(3, 4), signs(3, 4)),
    ("nn.HingeEmbeddingCriterion", {"sizeAverage": False}, positive(4), np.array([0, 1, 2, -1.0])),
    ("nn.HingeEmbeddingCriterion", {}, positive(1), -1),
    ("nn.L1HingeEmbeddingCriterion", {"margin": 9.0}, [normal(2, 3), normal(2, 3)], -1),
    ("nn.L1HingeEmbeddingCriterion", {"margin": 0.1}, [normal(4), normal(4)], -1),
    ("nn.L1HingeEmbeddingCriterion", {}, [normal(4), normal(4)], np.array([-1.0])),
    ("nn.CosineEmbeddingCriterion", {"margin": 0.1}, [normal(6, 3), normal(6, 3)], signs(6)),
    ("nn.CosineEmbeddingCriterion", {}, [normal(3), normal(3)], 1),
    ("nn.CosineEmbeddingCriterion", {}, [normal(2, 3), normal(2, 3)], np.array([0.0, 2.0])),
    ("nn.CosineEmbeddingCriterion", {"sizeAverage": False}, [normal(1, 2), normal(1, 2)], signs(1)),
    ("nn.MarginRankingCriterion", {"margin": 0.3}, [normal(6), normal(6)], signs(6)),
    ("nn.MarginRankingCriterion", {}, [normal(3, 2), normal(3, 2)], signs(3, 2)),
    ("nn.MarginRankingCriterion", {}, [np.array([1.0]), np.array([2.0])], 1),
    ("nn.MarginRankingCriterion", {"margin": 1.0}, [np.array([2.0]), np.array([1.0])], 1),
    ("nn.DistanceRatioCriterion", {"sizeAverage": False}, [positive(4), positive(4)], None),
    ("nn.DistanceRatioCriterion", {}, [positive(4, 2), positive(4, 2)], None),
    (NLL, {"weights": positive(5)}, normal(5), 3),
    (NLL, {"weights": positive(5), "sizeAverage": False}, normal(5), np.array([2])),
    (NLL, {"ignoreIndex": 2}, normal(4, 5), np.array([2, 1, 2, 5])),
    (NLL, {"ignoreIndex": 0, "weights": positive(5)}, normal(3, 5), np.array([0, 1, 5])),
    (NLL, {"ignoreIndex": 1}, normal(2, 5), np.array([1, 1])),
    (NLL, {"weights": np.zeros(5)}, normal(2, 5), np.array([1, 2])),
    (NLL, {"weights": -np.ones(5)}, normal(2, 5), np.array([1, 2])),
    ("nn.CrossEntropyCriterion", {"nll": lua_object(NLL)}, normal(1, 5), np.array([2])),
    ("nn.CrossEntropyCriterion", {"nll": lua_object(NLL)}, normal(3, 5, 1, 1), classes(3, 1)),
    (
        "nn.CrossEntropyCriterion",
        {"nll": lua_object(NLL), "sizeAverage": False, "oldSizeAverage": True},
        normal(3, 5),
        classes(3),
    ),
    (
        "nn.CrossEntropyCriterion",
        {"nll": lua_object(NLL, sizeAverage=False), "sizeAverage": True, "oldSizeAverage": True},
        normal(3, 5),
        classes(3),
    ),
    ("nn.SpatialClassNLLCriterion", {"weights": positive(5)}, normal(2, 5, 3, 4), classes(2, 3, 4)),
    ("nn.SpatialClassNLLCriterion", {"sizeAverage": False}, normal(1, 5, 2, 1), classes(1, 2, 1)),
    (
        "cudnn.SpatialCrossEntropyCriterion",
        {"nll": lua_object("nn.SpatialClassNLLCriterion", weights=positive(5))},
        normal(2, 5, 3, 4),
        classes(2, 3, 4),
    ),
    (
        "cudnn.SpatialCrossEntropyCriterion",
        {"nll": lua_object("nn.SpatialClassNLLCriterion"), "sizeAverage": False},
        normal(1, 5, 1, 4),
        classes(1, 1, 4),
    ),
    (
        "cudnn.VolumetricCrossEntropyCriterion",
        {
            "scec": lua_object(
                "cudnn.SpatialCrossEntropyCriterion", nll=lua_object("nn.SpatialClassNLLCriterion")
            )
        },
        normal(2, 5, 2, 3, 4),
        classes(2, 2, 3, 4),
    ),
    ("nn.MultiMarginCriterion", {"p": 2, "weights": positive(5)}, normal(4, 5), classes(4)),
    ("nn.MultiMarginCriterion", {"margin": 0.2, "sizeAverage": False}, normal(4, 5), classes(4)),
    ("nn.MultiMarginCriterion", {}, normal(5), 2),
    ("nn.MultiLabelMarginCriterion", {}, normal(2, 4), np.array([[3, 1, 0, 2], [0, 1, 1, 1]])),
    ("nn.MultiLabelMarginCriterion", {"sizeAverage": False}, normal(1, 3), np.array([[3, 1, 2]])),
    ("nn.MultiLabelMarginCriterion", {}, normal(3), np.array([2, 2, 0])),
    ("nn.ClassSimplexCriterion", {"simplex": normal(5, 5)}, normal(5), 4),
    ("nn.ClassSimplexCriterion", {"simplex": normal(5, 5)}, normal(3, 5), classes(3)),
]


@pytest.mark.parametrize(("typename", "fields", "input", "target"), CASES)
def test_arguments(typename: str, fields: dict[str, Any], input: Any, target: Any) -> None:
    compare_criterion(lua_object(typename, **fields), input, target)


MSE, ABS = lua_object("nn.MSECriterion"), lua_object("nn.AbsCriterion")


def test_containers() -> None:
    two = [MSE, lua_object("nn.AbsCriterion", sizeAverage=False)]
    parallel = lua_object("nn.ParallelCriterion", criterions=two, weights=[0.5, 3])
    compare_criterion(parallel, [normal(3), normal(2)], [normal(3), normal(2)])
    compare_criterion(parallel, [normal(3), normal(2), normal(4)], [normal(3), normal(2)])
    repeated = lua_object("nn.ParallelCriterion", criterions=two, weights=[2, 1], repeatTarget=True)
    compare_criterion(repeated, [normal(3), normal(3)], normal(3))
    multi = lua_object("nn.MultiCriterion", criterions=two, weights=[0.5, 3])
    compare_criterion(multi, normal(2, 3), normal(2, 3))
    nested = lua_object("nn.MultiCriterion", criterions=[parallel, parallel], weights=[1, 2])
    compare_criterion(nested, [normal(3), normal(2)], [normal(3), normal(2)])


def test_module_criterion_learns_nothing_from_the_target() -> None:
    obj = lua_object(
        "nn.ModuleCriterion", criterion=MSE, inputModule=linear(4, 3), targetModule=linear(2, 3, 1)
    )
    x, t = normal(2, 4), normal(2, 2)
    compare_criterion(obj, x, t)
    network = network_of(obj)
    network(torch.from_numpy(x), torch.from_numpy(t)).backward()

    assert network.get_parameter("inputModule.weight").grad is not None
    assert network.get_parameter("targetModule.weight").grad is None
    compare_criterion(lua_object("nn.ModuleCriterion", criterion=MSE), normal(3), normal(3))


def test_criterion_table_ignores_the_gradient_of_its_output() -> None:
    obj = lua_object("nn.CriterionTable", criterion=lua_object("nn.L1Cost"))
    x = torch.tensor([1.5, -2.0], dtype=torch.float64, requires_grad=True)
    (5 * network_of(obj)([x])).backward()
    executor = Executor()
    call = executor.call(build(obj), [x.detach().numpy()])

    assert x.grad is not None
    assert x.grad.tolist() == [1, -1]
    assert [g.tolist() for g in call.backward(np.array(5.0))] == [[1, -1]]


def test_gradients_at_the_kinks() -> None:
    same = np.array([1.0, 2.0])
    _, gradient = compare_criterion(lua_object("nn.AbsCriterion"), same, same)
    assert gradient[0].tolist() == [0.5, 0.5]
    ranking = lua_object("nn.MarginRankingCriterion", margin=1)
    _, gradient = compare_criterion(ranking, [np.array([2.0]), np.array([1.0])], np.array([1.0]))
    assert [g.tolist() for g in gradient] == [[-1], [1]]
    hinge = lua_object("nn.HingeEmbeddingCriterion", margin=1)
    _, gradient = compare_criterion(hinge, np.array([1.0, 1.5]), np.array([-1.0, -1.0]))
    assert gradient[0].tolist() == [-0.5, 0]
    bce = lua_object("nn.BCECriterion")
    _, gradient = compare_criterion(bce, np.array([1.0]), np.array([1.0]))
    assert gradient[0].tolist() == [0]


def test_criterion_table_in_a_network() -> None:
    table = lua_object("nn.CriterionTable", criterion=MSE)
    x, t = normal(2, 3), normal(2, 3)
    output = network_of(table)([torch.from_numpy(x), torch.from_numpy(t)])

    assert output.item() == pytest.approx(np.square(x - t).mean())
