"""Linear maps, learned scales, products and mixtures against Torch7 and the reference."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from t7convert.errors import ConversionError
from t7convert.format.objects import LuaObject
from t7convert.nn.linear import PartialLinear
from tests.build import linear, obj, storage, table, tensor
from tests.layers.compare import (
    check_fixtures,
    compare,
    converted,
    normal,
    positive,
    reference,
)

CLASSES = """
Add Bilinear CAdd CMul LayerNormalization Linear LinearWeightNorm MM MV Maxout MixtureTable Mul
PartialLinear
"""


@pytest.mark.parametrize("name", CLASSES.split())
def test_golden(name: str) -> None:
    check_fixtures(name)


def parameters(**shapes: tuple[int, ...]) -> dict[str, Any]:
    return {name: tensor(normal(*shape)) for name, shape in shapes.items()}


@pytest.mark.parametrize("shape", [(4,), (1, 4), (3, 4)])
@pytest.mark.parametrize("bias", [{}, parameters(bias=(2,))])
def test_linear_and_its_weight_norm(bias: dict[str, Any], shape: tuple[int, ...]) -> None:
    compare(obj("nn.Linear", **parameters(weight=(2, 4)), **bias), normal(*shape))
    compare(
        obj("nn.LinearWeightNorm", **parameters(v=(2, 4), g=(2, 1)), **bias),
        normal(*shape),
    )


def test_linear_weight_norm_ignores_the_weight_of_the_file() -> None:
    module = obj("nn.LinearWeightNorm", **parameters(v=(2, 4), g=(2, 1), weight=(2, 4)))
    network = converted(module).network

    assert [name for name, _ in network.named_parameters()] == ["v", "g"]
    assert "weight" not in network.state_dict()


@pytest.mark.parametrize("bias", [{}, parameters(bias=(2,))])
@pytest.mark.parametrize("batch", [1, 3])
def test_bilinear(bias: dict[str, Any], batch: int) -> None:
    module = obj("nn.Bilinear", **parameters(weight=(2, 3, 5)), **bias)
    compare(module, [normal(batch, 3), normal(batch, 5)])


def partial(outputs: list[int], *, bias: bool = True) -> LuaObject:
    lookup = obj("nn.LookupTable", **parameters(weight=(5, 3)))
    pair = obj("nn.ParallelTable", modules=table(obj("nn.Identity"), lookup))
    network = obj("nn.Sequential", modules=table(pair, obj("nn.MM", transA=False, transB=True)))
    offsets = parameters(bias=(1, 5)) if bias else {}
    return obj("nn.PartialLinear", network=network, partition=tensor(outputs), **offsets)


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("outputs", [[1, 2, 3, 4, 5], [4, 2], [3, 3, 1]])
def test_partial_linear(outputs: list[int], bias: bool) -> None:
    module = partial(outputs, bias=bias)
    assert compare(module, normal(2, 3)).shape == (2, len(outputs))
    with pytest.raises(RuntimeError, match="the input has 1"):
        converted(module).network(torch.zeros(3, dtype=torch.float64))
    with pytest.raises(ConversionError, match="its input has 1"):
        reference(module, normal(3))


def test_the_partition_can_be_changed() -> None:
    network = converted(partial([4, 2])).network
    assert isinstance(network, PartialLinear)
    x = torch.from_numpy(normal(2, 3))
    some = network(x)
    network.set_partition(None)
    every = network(x)

    assert torch.equal(some, every[:, [3, 1]])
    network.set_partition(torch.tensor([0]))
    assert torch.equal(network(x), every[:, :1])
    assert list(network.state_dict()) == ["weight", "bias"]


def test_partial_linear_of_another_make_is_refused() -> None:
    network = obj("nn.Sequential", modules=table(linear(3, 5)))
    with pytest.raises(ConversionError, match="can't be understood"):
        converted(obj("nn.PartialLinear", network=network, partition=tensor([1])))

    bad = obj("nn.PartialLinear", network=obj("nn.Sequential"), partition=tensor([1]))
    with pytest.raises(ConversionError, match="can't be understood"):
        converted(bad)
    flat = obj("nn.Sequential", modules=table(table()))
    with pytest.raises(ConversionError, match="not made as"):
        converted(obj("nn.PartialLinear", network=flat, partition=tensor([1])))


def test_linear_maps_of_other_ranks_are_refused() -> None:
    with pytest.raises(ConversionError, match="its input has 3"):
        reference(linear(4, 2), normal(2, 3, 4))
    pair = [normal(2, 2, 3), normal(2, 2, 5)]
    bilinear = obj("nn.Bilinear", **parameters(weight=(2, 3, 5)))
    with pytest.raises(RuntimeError, match="found 3 and 3"):
        converted(bilinear).network([torch.from_numpy(x) for x in pair])


def test_maxout_and_layer_normalization_are_their_parts() -> None:
    view = obj("nn.View", size=storage([2, 3], "Long"), numInputDims=1)
    maxout = table(linear(4, 6), view, obj("nn.Max", dimension=1, nInputDims=2))
    assert compare(obj("nn.Maxout", modules=maxout), normal(5, 4)).shape == (5, 3)

    mean = obj("nn.Mean", dimension=1, nInputDims=1, sizeAverage=True, squeeze=True)
    spread = obj("nn.Replicate", nfeatures=4, dim=1, ndim=1)
    centre = table(obj("nn.Identity"), obj("nn.Sequential", modules=table(mean, spread)))
    parts = table(
        obj("nn.ConcatTable", modules=centre),
        obj("nn.CSubTable"),
        obj("nn.Normalize", p=2, eps=1e-10),
        obj("nn.MulConstant", constant_scalar=2),
    )
    output = compare(obj("nn.LayerNormalization", modules=parts), normal(3, 4))
    assert np.allclose((output**2).sum(1), 4)


SCALES: list[tuple[tuple[int, ...], tuple[int, ...]]] = [
    ((4,), (4,)),
    ((4,), (3, 4)),
    ((4,), (1, 4)),
    ((3, 4), (3, 4)),
    ((3, 4), (2, 3, 4)),
    ((12,), (2, 3, 4)),
    ((12,), (3, 4)),
    ((1, 3, 1, 1), (2, 3, 4, 5)),
    ((1, 1, 4), (2, 3, 4)),
    ((2, 3, 1), (2, 3, 4)),
]


@pytest.mark.parametrize(("size", "shape"), SCALES)
@pytest.mark.parametrize(("name", "field"), [("nn.CMul", "weight"), ("nn.CAdd", "bias")])
def test_broadcast(name: str, field: str, size: tuple[int, ...], shape: tuple[int, ...]) -> None:
    compare(obj(name, **parameters(**{field: size})), normal(*shape))


@pytest.mark.parametrize(("name", "field"), [("nn.CMul", "weight"), ("nn.CAdd", "bias")])
def test_one_element_broadcasts_forward(name: str, field: str) -> None:
    compare(obj(name, **parameters(**{field: (1,)})), normal(3, 4), gradient=False)


@pytest.mark.parametrize(
    ("size", "scalar", "shape"),
    [
        ((5,), False, (5,)),
        ((5,), False, (3, 5)),
        ((6,), False, (4, 2, 3)),
        ((2, 3), False, (4, 2, 3)),
        ((2, 3), False, (2, 3)),
        ((1,), True, (2, 3, 4)),
        ((1,), True, (1,)),
    ],
)
def test_add(size: tuple[int, ...], scalar: bool, shape: tuple[int, ...]) -> None:
    compare(obj("nn.Add", scalar=scalar, **parameters(bias=size)), normal(*shape))


@pytest.mark.parametrize("shape", [(5,), (2, 3, 4)])
def test_mul(shape: tuple[int, ...]) -> None:
    compare(obj("nn.Mul", weight=tensor([1.7])), normal(*shape))


def turned(swap: bool, *shape: int) -> Any:
    x = normal(*shape)
    return x.swapaxes(-1, -2).copy() if swap else x


@pytest.mark.parametrize("a", [False, True])
@pytest.mark.parametrize("b", [False, True])
@pytest.mark.parametrize("batch", [(), (1,), (3,)])
def test_products(a: bool, b: bool, batch: tuple[int, ...]) -> None:
    matrices = [turned(a, *batch, 2, 4), turned(b, *batch, 4, 5)]
    compare(obj("nn.MM", transA=a, transB=b), matrices)
    compare(obj("nn.MV", trans=a), [matrices[0], normal(*batch, 4)])


@pytest.mark.parametrize("name", ["nn.MM", "nn.MV"])
def test_products_of_other_ranks_are_refused(name: str) -> None:
    inputs = [normal(2, 2), normal(2, 2, 2)]
    with pytest.raises(RuntimeError, match="the input has 3"):
        converted(obj(name)).network([torch.from_numpy(x) for x in inputs])
    with pytest.raises(ConversionError, match="2 and 3 dimensions"):
        reference(obj(name), inputs)


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("shape", [(4,), (2, 3, 5)])
def test_mixture(count: int, shape: tuple[int, ...]) -> None:
    module = obj("nn.MixtureTable")
    experts = [normal(2, *shape) for _ in range(count)]
    compare(module, [positive(2, count), experts])
    compare(module, [positive(2, count), np.stack(experts, 1)])
    compare(obj("nn.MixtureTable", dim=3), [positive(2, count), np.stack(experts, 2)])
    compare(module, [positive(count), [normal(*shape) for _ in range(count)]])
    compare(module, [positive(count), normal(count, *shape)])


def test_a_mixture_needs_one_gate_per_expert() -> None:
    network = converted(obj("nn.MixtureTable")).network
    with pytest.raises(RuntimeError, match="2 gates for 3 experts"):
        network([torch.ones(1, 2), [torch.ones(1, 1)] * 3])
