"""nnx's small modules against Torch7 and against the reference."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
import torch

from t7convert.errors import ConversionError
from t7convert.lua.tree import build
from t7convert.nn.nnx_modules import Balance, QDRiemaNNLinear
from t7convert.reference import Executor
from tests import golden
from tests.drawing import generator
from tests.layers.criterion_compare import (
    compare_module,
    lua_object,
    network_of,
)

MODULES = """SpatialLinear SaturatedLU Minus MultiSoftMax Balance PushTable SpatialColorTransform
SpatialGraph SpatialMatching SoftMaxTree QDRiemaNNLinear"""

DRAW = generator(9)


def normal(*shape: int) -> Any:
    return DRAW.normal(size=shape)


@pytest.mark.parametrize("name", MODULES.split())
def test_golden_modules(name: str) -> None:
    for label, case in golden.cases(golden.golden_path("community", f"nnx.{name}")):
        golden.check_module(label, case)
        golden.check_reference(label, case)


@pytest.mark.parametrize("decay", [0, 0.5, 1])
def test_spatial_linear(decay: float) -> None:
    obj = lua_object(
        "nn.SpatialLinear",
        fanin=3,
        fanout=2,
        weightDecay=decay,
        weight=normal(2, 3),
        bias=normal(2),
    )
    compare_module(obj, normal(3, 1, 4))
    with pytest.raises(ValueError, match="3 dimensions"):
        network_of(obj)(torch.zeros(1, 3, 1, 4))


@pytest.mark.parametrize("shape", [(4,), (1, 3), (2, 2, 3, 1)])
def test_elementwise(shape: tuple[int, ...]) -> None:
    compare_module(lua_object("nn.Minus"), normal(*shape))
    for values in ((-2, 2), (5, -5)):  # the second comparison sees the first one's value
        fields = {"threshold": -0.3, "val": values[0], "threshold2": 0.4, "val2": values[1]}
        compare_module(lua_object("nn.SaturatedLU", **fields), normal(*shape))


@pytest.mark.parametrize("shape", [(3, 4), (1, 2, 5), (3, 1, 1)])
def test_multi_soft_max(shape: tuple[int, ...]) -> None:
    compare_module(lua_object("nn.MultiSoftMax"), normal(*shape))
    with pytest.raises(ValueError, match="2 or 3"):
        network_of(lua_object("nn.MultiSoftMax"))(torch.zeros(3))


def test_balance_makes_classes_equally_likely() -> None:
    network = Balance(2).double()
    first, second = (torch.rand(3, 4, dtype=torch.float64).softmax(1) for _ in range(2))
    network.eval()
    assert network(first).equal(first)
    network.train()
    network(first)
    second.requires_grad_()
    output = network(second)
    shares = torch.cat([first, second]).sum(0)
    shares = shares / shares.sum()
    weighted = second / shares
    sums = weighted.sum(1, keepdim=True)

    assert torch.allclose(output, weighted / sums)
    output.sum().backward()
    assert second.grad is not None
    assert torch.allclose(second.grad, (1 / shares / sums).detach())
    third = torch.rand(3, 4, dtype=torch.float64)  # takes the place of the first
    network(third)
    assert network.cache is not None
    assert network.cache.equal(torch.cat([third, second.detach()]))
    assert network(torch.rand(2, 4)).shape == (2, 4)  # another size starts anew
    assert len(network.cache) == 4


def test_balance_goes_on_where_the_file_stopped() -> None:
    cache = np.concatenate([normal(2, 3) ** 2, np.zeros((2, 3))])
    fields = {"nBatch": 2, "inputCache": cache, "batchSize": 2, "startIdx": 3, "train": True}
    network = network_of(lua_object("nn.Balance", **fields)).train()
    given = np.abs(normal(2, 3))
    network(torch.from_numpy(given))

    assert isinstance(network, Balance)
    assert network.cache is not None
    assert np.array_equal(network.cache.numpy(), np.concatenate([cache[:2], given]))


def _pushes(push: int, pulls: list[int], *between: Any) -> Any:
    taken = lua_object("nn.PushTable", _index=push)
    put = [lua_object("nn.PullTable", _index=index, _push=taken) for index in pulls]
    return lua_object("nn.Sequential", modules=[taken, *between, *put])


def test_push_and_pull() -> None:
    given = [normal(2), normal(3), normal(1)]
    for push, pulls in ((1, [1]), (3, [2]), (2, [1, 4])):
        output = compare_module(_pushes(push, pulls), given)
        assert len(output) == 2 + len(pulls)
    alone = _pushes(1, [2], lua_object("nn.SelectTable", index=1))
    first, second = compare_module(alone, given[:2])
    assert np.array_equal(first.detach(), given[1])
    assert np.array_equal(second.detach(), given[0])


def test_what_was_pushed_is_overwritten_with_the_rest() -> None:
    twice = lua_object("nn.ConcatTable", modules=[lua_object("nn.Identity") for _ in range(2)])
    relu = lua_object("nn.ReLU", threshold=0, val=0, inplace=True)
    steps = _pushes(2, [2], lua_object("nn.SelectTable", index=1), relu)
    obj = lua_object("nn.Sequential", modules=[lua_object("nn.Tanh"), twice, steps])
    first, second = compare_module(obj, normal(3, 4))

    assert first.equal(second)
    assert bool((second >= 0).all())


def test_copies_of_push_and_pull_belong_together() -> None:
    network = network_of(_pushes(2, [1]))
    twin = copy.deepcopy(network)
    a, b, c = torch.zeros(1), torch.ones(1), torch.full((1,), 2.0)
    network([a, b])

    assert twin([a, c])[0].item() == 2
    lonely = lua_object("nn.PullTable", _index=1, _push=lua_object("nn.PushTable", _index=1))
    with pytest.raises(RuntimeError, match="nothing to put"):
        network_of(lonely)(a)
    with pytest.raises(ConversionError, match="pulls from a Identity"):
        network_of(lua_object("nn.PullTable", _index=1, _push=lua_object("nn.Identity")))


def test_color_transform() -> None:
    inner = lua_object("nn.SpatialLinear", fanin=3, fanout=1, weight=normal(1, 3), bias=normal(1))
    obj = lua_object("nn.SpatialColorTransform", transform="rgb2y", islinear=True, linear=inner)
    compare_module(obj, normal(3, 2, 1))
    assert not dict(network_of(obj).named_parameters())
    with pytest.raises(ConversionError, match="rgb2hsl can't run"):
        network_of(lua_object("nn.SpatialColorTransform", transform="rgb2hsl", islinear=False))


@pytest.mark.parametrize("dist", [0, 1])
@pytest.mark.parametrize("normalize", [0, 1])
@pytest.mark.parametrize("shape", [(3, 4, 5), (1, 1, 3), (2, 2, 1)])
def test_graph(dist: int, normalize: int, shape: tuple[int, ...]) -> None:
    image = DRAW.uniform(0.1, 1, shape)
    image[:, :, -1] = image[:, :, 0]  # a distance of 0 has the gradient 0
    compare_module(lua_object("nn.SpatialGraph", dist=dist, normalize=normalize), image)
    with pytest.raises(ConversionError, match="connex is 8"):
        network_of(lua_object("nn.SpatialGraph", connex=8))


@pytest.mark.parametrize("window", [(1, 1), (2, 3), (4, 5), (7, 2)])
@pytest.mark.parametrize("full", [False, True])
def test_matching(window: tuple[int, int], full: bool) -> None:
    obj = lua_object("nn.SpatialMatching", maxh=window[0], maxw=window[1], full_output=full)
    sides = (3, 4) if full else (3 + window[0] - 1, 4 + window[1] - 1)
    pair = [normal(2, 3, 4), normal(2, *sides)]
    output = compare_module(obj, pair)

    assert output.shape == (3, 4, *window)
    assert bool((output == 1e30).any()) is (full and window != (1, 1))
    compare_module(obj, [pair[0], normal(2, sides[0] + 2, sides[1] + 1)])
    with pytest.raises(ValueError, match="the second image is"):
        network_of(obj)([torch.zeros(2, 3, 4), torch.zeros(2, 2, 9)])


def _metric(**fields: Any) -> Any:
    return lua_object("nnx.QDRiemaNNLinear", weight=normal(2, 3), bias=normal(2), **fields)


@pytest.mark.parametrize("quasi", [True, False])
def test_riemannian_linear(quasi: bool) -> None:
    blank = {"Mii": np.zeros((2, 3)), "M00": np.zeros(2)}
    known = {"Mii": normal(2, 3) ** 2 + 9, "M00": normal(2) ** 2 + 9}
    if quasi:
        blank["M0i"], known["M0i"] = np.zeros((2, 3)), normal(2, 3)
    compare_module(_metric(qdFlag=quasi, initMetric=True, **blank), normal(5, 3))
    obj = _metric(qdFlag=quasi, initMetric=False, gamma=0.2, matReg=1e-3, **known)
    compare_module(obj, normal(5, 3))

    network, executor, tree = network_of(obj), Executor(), build(obj)
    assert isinstance(network, QDRiemaNNLinear)
    for _ in range(2):  # the second backward meets the first one's metric
        x, gy = normal(4, 3), normal(4, 2)
        network.zero_grad()
        network(torch.from_numpy(x)).backward(torch.from_numpy(gy))
        executor.gradients.clear()
        executor.call(tree, x).backward(gy)
    for name in ("weight", "bias"):
        found = network.get_parameter(name).grad
        golden.assert_close(name, found, executor.gradients[id(tree), name], 1e-10)
