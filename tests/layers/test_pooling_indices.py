"""Unpooling, which asks a pooling where its maxima were, and pooling over random windows."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest
import torch

from t7convert.errors import ConversionError
from t7convert.format.objects import LuaFunction, LuaObject
from t7convert.lua.tree import build
from t7convert.nn.pooling import MaxPool
from t7convert.reference import Executor
from tests import golden
from tests.build import obj, sequential, tensor
from tests.layers.compare import check_fixtures, compare, converted, normal, reference

RANDOM = ("SpatialFractionalMaxPooling", "VolumetricFractionalMaxPooling")
SQUARE = {"kW": 2, "kH": 2, "dW": 2, "dH": 2, "padW": 0, "padH": 0}


def pooling(name: str, sizes: tuple[int, ...] = (2, 2, 2, 2, 0, 0), **more: Any) -> LuaObject:
    fields = dict(zip(SQUARE, sizes, strict=True))
    return obj(name, **fields, **more)


@pytest.mark.parametrize("name", ["SpatialMaxUnpooling", "VolumetricMaxUnpooling"])
def test_golden(name: str) -> None:
    check_fixtures(name)


def unpooling(sizes: tuple[int, ...]) -> LuaObject:
    pool = pooling("nn.SpatialMaxPooling", sizes, ceil_mode=True)
    return sequential(
        pool, obj("nn.MulConstant", constant_scalar=2), obj("nn.SpatialMaxUnpooling", pooling=pool)
    )


@pytest.mark.parametrize("shape", [(3, 6, 7), (2, 3, 7, 6)])
@pytest.mark.parametrize("sizes", [(2, 2, 2, 2, 0, 0), (3, 2, 3, 2, 1, 1)])
def test_unpooling(sizes: tuple[int, ...], shape: tuple[int, ...]) -> None:
    assert compare(unpooling(sizes), normal(*shape)).shape == shape


def test_volumetric_unpooling() -> None:
    sizes = {"kT": 2, "kW": 3, "kH": 2, "dT": 2, "dW": 3, "dH": 2, "padT": 1, "padW": 1, "padH": 0}
    pool = obj("nn.VolumetricMaxPooling", 2, ceil_mode=False, **sizes)
    made = sequential(pool, obj("nn.VolumetricMaxUnpooling", pooling=pool))

    compare(made, normal(2, 2, 5, 6, 7))
    compare(made, normal(2, 4, 6, 7))


def test_unpooling_before_its_pooling_says_so() -> None:
    made = obj("nn.SpatialMaxUnpooling", pooling=pooling("nn.SpatialMaxPooling"))
    with pytest.raises(RuntimeError, match="has not run"):
        converted(made).network(torch.zeros(1, 2, 2, dtype=torch.float64))
    with pytest.raises(ConversionError, match="has not run"):
        reference(made, np.zeros((1, 2, 2)))


def test_unpooling_an_average_is_refused() -> None:
    pool = pooling("nn.SpatialAveragePooling")
    with pytest.raises(ConversionError, match="its pooling is"):
        converted(obj("nn.SpatialMaxUnpooling", pooling=pool))


def test_copies_hold_no_activations() -> None:
    network = converted(unpooling((2, 2, 2, 2, 0, 0))).network
    network(torch.randn(1, 4, 4, dtype=torch.float64))
    pool = network.get_submodule("0")
    assert isinstance(pool, MaxPool)
    for twin in (copy.deepcopy(network), pickle.loads(pickle.dumps(network))):
        assert twin.get_submodule("0").maxima.indices is None
        assert twin.get_submodule("2").pooling is twin.get_submodule("0")
    assert pool.maxima.indices is not None


def test_a_function_of_the_users_own_in_a_pooling_is_refused() -> None:
    made = pooling("nn.SpatialMaxPooling", updateOutput=LuaFunction(b"\x1bLuaQ"))
    with pytest.raises(ConversionError, match="overrides its updateOutput"):
        converted(made)


def fractional(dims: str, samples: Any = None, **more: Any) -> LuaObject:
    name = "Volumetric" if "T" in dims else "Spatial"
    sizes = {f"poolSize{d}": 2 + (d == "W") for d in dims}
    if samples is not None:
        more["randomSamples"] = tensor(samples)
    return obj(f"nn.{name}FractionalMaxPooling", **sizes, **more)


def test_fractional_pooling_with_kept_samples_is_luas() -> None:
    made = fractional(
        "WH", np.random.default_rng(1).random((2, 3, 2)), outW=4, outH=3, newRandomPool=True
    )
    compare(made, normal(2, 3, 8, 9))
    made = fractional(
        "TWH",
        np.random.default_rng(2).random((1, 3, 3)),
        outT=2,
        outW=4,
        outH=3,
        newRandomPool=True,
    )
    compare(made, normal(3, 8, 9, 7))
    made = fractional(
        "WH", np.random.default_rng(3).random((1, 3, 2)), ratioW=0.5, ratioH=0.7, newRandomPool=True
    )
    assert compare(made, normal(3, 9, 8)).shape == (3, 6, 4)
    made = fractional(
        "WH", np.random.default_rng(4).random((1, 3, 2)), outW=1, outH=3, newRandomPool=True
    )
    assert compare(made, normal(3, 9, 8)).shape == (3, 3, 1)
    other = reference(made, normal(2, 2, 9, 8))  # samples for other planes: drawn anew
    assert other.output.shape == (2, 2, 3, 1)


@pytest.mark.parametrize("name", RANDOM)
def test_fractional_pooling_golden(name: str) -> None:
    cases = list(golden.cases(golden.golden_path("layers", name)))
    assert cases
    for label, case in cases:
        _, made = golden.build_case(case)
        x, expected = golden.arrays(case["input"]), golden.arrays(case["output"])
        torch.manual_seed(0)
        output = made.network(torch.from_numpy(x)).numpy()
        call = Executor().call(build(case["module"]), x)
        for found in (output, call.output, expected):
            assert found.shape == expected.shape, label
            assert np.isin(found, x).all(), label


def test_fractional_pooling_draws_anew_unless_fixed() -> None:
    x = torch.randn(1, 2, 20, 20, dtype=torch.float64)
    network = converted(fractional("WH", outW=9, outH=9)).network
    torch.manual_seed(3)
    first, second = network(x), network(x)
    torch.manual_seed(3)

    assert not torch.equal(first, second)
    assert torch.equal(first, network(x))

    fixed = converted(fractional("WH", outW=9, outH=9, newRandomPool=True)).network
    assert torch.equal(fixed(x), fixed(x))
    assert fixed(x[:, :1]).shape == (1, 1, 9, 9)


def test_the_windows_of_fractional_pooling_spread_evenly() -> None:
    """Every inner start is uniform around its place: the mean over draws shows it."""
    n, out, k = 20, 9, 2
    ramp = torch.arange(n, dtype=torch.float64).expand(1, 4000, n, n)
    network = converted(fractional("WH", outW=out, outH=out)).network
    torch.manual_seed(5)
    starts = network(ramp)[0, :, 0] - k  # poolSizeW is 3, the last of which is the maximum
    step = (n - k - 1) / (out - 1)

    assert torch.all((starts[:, 4] - 4 * step).abs() <= 1)
    assert abs(starts[:, 4].mean().item() - 4 * step) < 0.05
