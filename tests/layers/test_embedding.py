"""Tables of vectors and one-hot vectors against Torch7 and against the reference."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from t7convert.conversion import convert_tree
from t7convert.errors import ConversionError
from t7convert.lua.tree import build
from tests.build import obj, sequential, table, tensor
from tests.layers.compare import (
    check_fixtures,
    compare,
    converted,
    indices,
    normal,
    reference,
)


@pytest.mark.parametrize("name", ["LookupTable", "OneHot"])
def test_golden(name: str) -> None:
    check_fixtures(name)


FIELDS: list[dict[str, Any]] = [
    {},
    {"paddingValue": 2},
    {"maxNorm": 0.5},
    {"maxNorm": 1.5, "normType": 1},
    {"maxNorm": 0.8, "normType": 3, "paddingValue": 1},
    {"shouldScaleGradByFreq": True},
    {"shouldScaleGradByFreq": True, "paddingValue": 3},
    {"maxNorm": False},
]


@pytest.mark.parametrize("shape", [(1,), (9,), (1, 3), (4, 5)])
@pytest.mark.parametrize("fields", FIELDS)
def test_lookup_table(fields: dict[str, Any], shape: tuple[int, ...]) -> None:
    module = obj("nn.LookupTable", weight=tensor(normal(5, 3)), **fields)
    compare(module, indices(5, *shape))


def test_rows_may_have_several_dimensions() -> None:
    module = obj("nn.LookupTable", weight=tensor(normal(5, 3, 2)))

    assert compare(module, indices(5, 7)).shape == (7, 3, 2)


def test_indices_of_any_number_type_and_none_outside() -> None:
    weight = normal(4, 2)
    network = converted(obj("nn.LookupTable", weight=tensor(weight))).network
    output = network(torch.tensor([4.0, 1.0], dtype=torch.float64))

    assert np.array_equal(output.detach().numpy(), weight[[3, 0]])
    for outside in (0, 5):
        with pytest.raises(IndexError):
            network(torch.tensor([outside]))
        with pytest.raises(ConversionError, match=r"outside 1\.\.4"):
            reference(obj("nn.LookupTable", weight=tensor(weight)), np.array([outside]))


def test_max_norm_shortens_the_shared_weight() -> None:
    weight = tensor([[3.0, 4.0], [0.3, 0.4]])
    lookup = obj("nn.LookupTable", weight=weight, maxNorm=1)
    tied = sequential(lookup, obj("nn.Linear", weight=weight))
    network = convert_tree(build(tied)).network
    output = network(torch.tensor([1]))

    short = np.array([3.0, 4.0]) / 5
    assert np.allclose(output.detach().numpy(), [[short @ short, short @ [0.3, 0.4]]], rtol=1e-6)
    assert np.allclose(reference(tied, np.array([1])).output, output.detach().numpy(), rtol=1e-12)


@pytest.mark.parametrize("shape", [(4,), (2, 3), (2, 1, 3)])
def test_one_hot(shape: tuple[int, ...]) -> None:
    x = indices(6, *shape)
    output = compare(obj("nn.OneHot", outputSize=6), x, gradient=False)

    assert output.shape == (*shape, 6)
    assert np.array_equal(output.argmax(-1) + 1, x)
    assert np.array_equal(output.sum(-1), np.ones(shape))


def test_one_hot_of_a_number_and_outside() -> None:
    network = converted(obj("nn.OneHot", outputSize=3)).network

    assert network(2).tolist() == [0.0, 1.0, 0.0]
    with pytest.raises(RuntimeError):
        network(torch.tensor([4]))
    with pytest.raises(ConversionError, match=r"outside 1\.\.3"):
        reference(obj("nn.OneHot", outputSize=3), np.array([0]))


def test_the_gradient_of_one_hot_is_zero() -> None:
    x = np.array([1.0, 3.0])
    compare(obj("nn.OneHot", outputSize=3), x, gradient=False)

    assert not reference(obj("nn.OneHot", outputSize=3), x).backward(normal(2, 3)).any()


@pytest.mark.parametrize(
    ("kind", "dtype"),
    [("torch.DoubleTensor", torch.float64), ("torch.CudaTensor", torch.float32)],
)
def test_one_hot_is_of_the_modules_type(kind: str, dtype: torch.dtype) -> None:
    network = convert_tree(build(obj("nn.OneHot", outputSize=3, _type=kind))).network

    assert network(torch.tensor([1])).dtype == dtype
    assert network.half()(torch.tensor([1])).dtype == torch.float16


def test_one_hot_in_a_table_of_modules() -> None:
    both = table(
        obj("nn.OneHot", outputSize=4),
        obj("nn.LookupTable", weight=tensor(np.eye(4))),
    )
    hot, rows = converted(obj("nn.ConcatTable", modules=both)).network(torch.tensor([3, 1]))

    assert torch.equal(hot, rows)
