"""Norms, distances and products of vectors against Torch7 and against the reference."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch

from t7convert.errors import ConversionError
from t7convert.nn.templates import Kmeans
from tests.build import obj, tensor
from tests.layers.compare import check_fixtures, compare, converted, normal, positive, reference

CLASSES = """
Cosine CosineDistance DotProduct Euclidean Kmeans Normalize PairwiseDistance WeightedEuclidean
"""


@pytest.mark.parametrize("name", CLASSES.split())
def test_golden(name: str) -> None:
    check_fixtures(name)


@pytest.mark.parametrize("shape", [(5,), (1, 5), (3, 5)])
@pytest.mark.parametrize("p", [0.5, 1, 1.5, 2, 2.5, 3, 4, math.inf])
def test_normalize(p: float, shape: tuple[int, ...]) -> None:
    compare(obj("nn.Normalize", p=p, eps=0.01), normal(*shape))


def test_normalize_of_zeros_and_of_equal_maxima() -> None:
    assert not compare(obj("nn.Normalize", p=2), np.zeros((2, 3))).any()
    compare(obj("nn.Normalize", p=math.inf), np.array([[1.0, -2.0, 2.0], [3.0, 3.0, 0.0]]))
    compare(obj("nn.Normalize", p=1), np.array([[0.0, 2.0, -1.0]]))


@pytest.mark.parametrize("shape", [(4,), (1, 4), (3, 4)])
@pytest.mark.parametrize("p", [1, 1.5, 2, 3, 4])
def test_pairwise_distance(p: float, shape: tuple[int, ...]) -> None:
    compare(obj("nn.PairwiseDistance", norm=p), [normal(*shape), normal(*shape)])


@pytest.mark.parametrize("p", [1, 2, 3])
def test_the_distance_of_equal_vectors_has_a_finite_gradient(p: float) -> None:
    x = normal(2, 3)
    compare(obj("nn.PairwiseDistance", norm=p), [x, x.copy()])


@pytest.mark.parametrize("shape", [(4,), (1, 4), (3, 4)])
@pytest.mark.parametrize("name", ["nn.CosineDistance", "nn.DotProduct"])
def test_pairs(name: str, shape: tuple[int, ...]) -> None:
    compare(obj(name), [normal(*shape), normal(*shape)])
    compare(obj(name), [normal(*shape), np.zeros(shape)])


def templates(name: str, inputs: int, outputs: int) -> Any:
    shape = (outputs, inputs) if name == "Cosine" else (inputs, outputs)
    weight = tensor(normal(*shape))
    if name == "WeightedEuclidean":
        return obj(f"nn.{name}", weight=weight, diagCov=tensor(positive(*shape)))
    return obj(f"nn.{name}", weight=weight)


@pytest.mark.parametrize("shape", [(5,), (1, 5), (3, 5)])
@pytest.mark.parametrize("outputs", [1, 2])
@pytest.mark.parametrize("name", ["Euclidean", "WeightedEuclidean", "Cosine"])
def test_templates(name: str, outputs: int, shape: tuple[int, ...]) -> None:
    output = compare(templates(name, 5, outputs), normal(*shape))

    assert output.shape == (*shape[:-1], outputs)


@pytest.mark.parametrize("name", ["Euclidean", "WeightedEuclidean"])
def test_distance_zero_has_a_finite_gradient(name: str) -> None:
    module = templates(name, 5, 2)
    compare(module, module["weight"].numpy().T.copy())


@pytest.mark.parametrize("name", ["Normalize", "Euclidean", "Cosine"])
def test_other_ranks_are_refused(name: str) -> None:
    module = obj("nn.Normalize", p=2) if name == "Normalize" else templates(name, 5, 2)
    x = normal(2, 3, 5)
    with pytest.raises(RuntimeError, match="the input has 3"):
        converted(module).network(torch.from_numpy(x))
    with pytest.raises(ConversionError, match="its input has 3"):
        reference(module, x)


@pytest.mark.parametrize("scale", [{}, {"scale": 0.3}])
@pytest.mark.parametrize("batch", [1, 6])
def test_kmeans(scale: dict[str, Any], batch: int) -> None:
    module = obj("nn.Kmeans", k=3, dim=4, weight=tensor(normal(3, 4)), **scale)
    x = normal(batch, 4)
    numbers = compare(module, x)
    centres = module["weight"].numpy()

    assert np.array_equal(numbers, ((x[:, None] - centres) ** 2).sum(2).argmin(1) + 1)
    network = converted(module).network
    assert isinstance(network, Kmeans)
    nearest = ((x - centres[numbers.astype(int) - 1]) ** 2).sum()
    assert network.loss(torch.from_numpy(x)).item() == pytest.approx(nearest)


def test_kmeans_takes_batches_only() -> None:
    module = obj("nn.Kmeans", k=3, dim=4, weight=tensor(normal(3, 4)))
    with pytest.raises(RuntimeError, match="the input has 1"):
        converted(module).network(torch.zeros(4, dtype=torch.float64))
    with pytest.raises(ConversionError, match="its input has 1"):
        reference(module, normal(4))
