"""fbnn's modules against Torch7 and against the reference."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from t7convert.errors import ConversionError
from t7convert.lua.tree import build
from t7convert.nn.fbnn_linear import LinearNoBackprop
from t7convert.reference import Executor
from tests import golden
from tests.drawing import generator
from tests.layers.criterion_compare import (
    compare_module,
    lua_object,
    network_of,
)

MODULES = """UnfoldedTemporalConvolution Upsample LinearNB LinearNoBackprop DifferenceOfGaussian
FasterLookup SparseThreshold LeakyReLU Constant L2Normalize NormalizedLinearNoBias
ProjectiveGradientNormalization NestedDropout SparseLinear SegSparseLinear"""

DRAW = generator(5)


def normal(*shape: int) -> Any:
    return DRAW.normal(size=shape)


@pytest.mark.parametrize("name", MODULES.split())
def test_golden_modules(shared: Path, name: str) -> None:
    for label, case in golden.cases(shared / "golden" / "community" / f"fbnn.{name}.t7"):
        golden.check_module(label, case)
        golden.check_reference(label, case)


@pytest.mark.parametrize("shape", [(5, 3), (1, 5, 3), (4, 7, 3)])
@pytest.mark.parametrize(("kernel", "pad", "bias"), [(1, 0, True), (2, 1, False), (5, 0, True)])
def test_unfolded_temporal_convolution(
    shape: tuple[int, ...], kernel: int, pad: int, bias: bool
) -> None:
    fields = {"weight": normal(2, kernel * 3)} | ({"bias": normal(2)} if bias else {})
    inner = lua_object("nn.Linear", **fields)
    sizes = {"inputFrameSize": 3, "outputFrameSize": 2, "kW": kernel, "dW": 1, "pad": pad}
    compare_module(
        lua_object("nn.UnfoldedTemporalConvolution", linear=inner, **sizes), normal(*shape)
    )


def test_unfolded_temporal_convolution_knows_one_step() -> None:
    sizes = {"inputFrameSize": 3, "outputFrameSize": 2, "kW": 1, "dW": 2}
    with pytest.raises(ConversionError, match="a step of 2"):
        network_of(lua_object("nn.UnfoldedTemporalConvolution", weight=normal(2, 3), **sizes))


@pytest.mark.parametrize("shape", [(2, 3, 4), (1, 1, 2, 3), (2, 2, 3, 1)])
@pytest.mark.parametrize("factor", [1, 2, 4])
def test_upsample(shape: tuple[int, ...], factor: int) -> None:
    compare_module(lua_object("nn.Upsample", factor=factor), normal(*shape))


@pytest.mark.parametrize("typename", ["nn.LinearNB", "nn.LinearNoBackprop"])
@pytest.mark.parametrize("shape", [(3,), (1, 3), (4, 3)])
def test_linear(typename: str, shape: tuple[int, ...]) -> None:
    compare_module(lua_object(typename, weight=normal(2, 3)), normal(*shape))
    compare_module(lua_object(typename, weight=normal(2, 3), bias=normal(2)), normal(*shape))


def test_linear_no_backprop_gives_zeros_not_nothing() -> None:
    x = torch.ones(2, 3, requires_grad=True)
    LinearNoBackprop(3, 2)(x).sum().backward()

    assert x.grad is not None
    assert x.grad.tolist() == [[0, 0, 0]] * 2


def test_normalized_linear_rescales_its_weight_in_training() -> None:
    weight, bias = normal(4, 3), normal(4)
    obj = lua_object("fbnn.NormalizedLinearNoBias", weight=weight, bias=bias)
    compare_module(obj, normal(2, 3))
    network, x = network_of(obj).train(), torch.from_numpy(normal(2, 3))
    y = network(x)
    y.sum().backward()

    scaled = weight / np.linalg.norm(weight) * 2
    golden.assert_close("output", y, x.numpy() @ scaled.T + bias, 1e-12)
    golden.assert_close("weight", network.weight, scaled, 1e-12)
    golden.assert_close("gradient", network.weight.grad, np.tile(x.numpy().sum(0), (4, 1)), 1e-12)
    assert network.bias.grad is None


@pytest.mark.parametrize("shape", [(2, 9, 8), (1, 1, 8, 8), (2, 3, 12, 9)])
def test_difference_of_gaussian(shape: tuple[int, ...]) -> None:
    fields = {"nInputPlane": shape[-3], "nOctaves": 2, "nScalesPerOctave": 2, "padW": 1, "padH": 2}
    obj = lua_object("nn.DifferenceOfGaussian", filter=normal(3, 5, 3), **fields)
    outputs = compare_module(obj, normal(*shape), gradient=False)

    assert [y.shape[-3] for y in outputs] == [2 * shape[-3]] * 2
    with pytest.raises(ConversionError, match="no backward"):
        Executor().call(build(obj), normal(*shape)).backward([])
    wrong = lua_object(
        "nn.DifferenceOfGaussian", filter=normal(3, 5, 3), **fields | {"nScalesPerOctave": 3}
    )
    with pytest.raises(ConversionError, match="3 filters for 3 scales"):
        network_of(wrong)


@pytest.mark.parametrize("index", [[1, 4, 4], [[2, 2], [1, 3]]])
def test_faster_lookup(index: Any) -> None:
    obj = lua_object("nn.FasterLookup", weight=normal(4, 3))
    compare_module(obj, np.array(index, np.int32))
    with pytest.raises(IndexError):
        network_of(obj)(torch.tensor([0]))
    with pytest.raises(ConversionError, match="between 1 and 4"):
        Executor().call(build(obj), np.array([0], np.int32))


@pytest.mark.parametrize("shape", [(3, 2), (2, 3, 2)])
def test_sparse_threshold(shape: tuple[int, ...]) -> None:
    inner = lua_object("nn.Threshold", threshold=0.2, val=-1, inplace=False)
    compare_module(lua_object("nn.SparseThreshold", module=inner), normal(*shape))


@pytest.mark.parametrize("typename", ["fbnn.L2Normalize", "fbnn.ProjectiveGradientNormalization"])
@pytest.mark.parametrize("shape", [(4,), (1, 4), (3, 4)])
def test_normalisations(typename: str, shape: tuple[int, ...]) -> None:
    compare_module(lua_object(typename), normal(*shape))


def test_projection_of_zero_leaves_the_gradient() -> None:
    compare_module(lua_object("fbnn.ProjectiveGradientNormalization"), np.zeros((2, 3)))
    with pytest.raises(ValueError, match="one or two dimensions"):
        network_of(lua_object("fbnn.L2Normalize"))(torch.zeros(1, 2, 3))


def test_leaky_relu_never_learns() -> None:
    obj = lua_object("fbnn.LeakyReLU", weight=np.array([0.3]), nOutputPlane=0)
    compare_module(obj, np.array([[-1.0, 0.0], [2.0, -0.0]]))
    network = network_of(obj)
    network(torch.ones(2, dtype=torch.float64, requires_grad=True)).sum().backward()

    assert network.weight.grad is None


@pytest.mark.parametrize("value", [np.array([2.0]), np.ones((2, 3))])
def test_constant(value: Any) -> None:
    output = compare_module(lua_object("fbnn.Constant", value=value), normal(4, 2), gradient=False)

    assert output.shape == (4, *value.shape)
    executor = Executor()
    assert (
        not executor.call(build(lua_object("fbnn.Constant", value=value)), normal(4, 2))
        .backward(None)
        .any()
    )


def test_nested_dropout_keeps_leading_columns() -> None:
    network = network_of(lua_object("fbnn.NestedDropout", p=0.3, train=True)).train()
    torch.manual_seed(2)
    y = network(torch.ones(20000, 5, dtype=torch.float64))
    kept = (y > 0).double()

    assert bool((kept[:, 1:] <= kept[:, :-1]).all())
    expected = torch.tensor([0.7**k for k in range(5)], dtype=torch.float64)
    assert torch.allclose(kept.mean(0), expected, atol=0.015)
    scale = torch.tensor([0.7 ** (k + 1) for k in range(5)], dtype=torch.float64)
    assert torch.allclose(y[kept.all(1)][0], 1 / scale)
    compare_module(lua_object("fbnn.NestedDropout", p=0.3), normal(2, 3))


def test_nested_dropout_keeps_the_logarithms_of_its_constructor() -> None:
    fields = {"p": 0.5, "logp": math.log(0.1), "log1p": math.log(0.9)}  # setp changes p alone
    network = network_of(lua_object("fbnn.NestedDropout", **fields)).train()
    torch.manual_seed(1)

    assert network(torch.ones(4, 1))[:, 0].tolist() == pytest.approx([1 / 0.9] * 4)


KEYS = np.array([[1, 4, 9], [2, 2, 5]])


@pytest.mark.parametrize("rows", [slice(None), slice(0, 1), 0])
@pytest.mark.parametrize("decay", [0, 0.5])
def test_sparse_linear(rows: Any, decay: float) -> None:
    values = normal(2, 3)
    values[0, 2] = 0  # its key is out of range and isn't looked at
    obj = lua_object("fbnn.SparseLinear", weight=normal(2, 5), bias=normal(2), weightDecay=decay)
    output = compare_module(obj, [KEYS[rows], values[rows]])

    assert output.dim() == (2 if rows == slice(None) else 1)


@pytest.mark.parametrize("shape", [(3, 2), (2, 3, 2)])
def test_sparse_linear_of_pairs(shape: tuple[int, ...]) -> None:
    pairs = normal(*shape)
    pairs[..., 0] = DRAW.integers(1, 6, shape[:-1])
    obj = lua_object("fbnn.SparseLinear", weight=normal(2, 5), bias=normal(2), weightDecay=0)
    compare_module(obj, pairs)


def test_seg_sparse_linear() -> None:
    obj = lua_object("fbnn.SegSparseLinear", weight=normal(5, 2), bias=normal(2))
    segments, keys = np.array([1.0, 3.0, 3.0]), np.array([5.0, 1.0, 5.0])
    values = normal(3)
    assert compare_module(obj, [segments, keys, values], gradient=False).shape == (3, 2)
    named = {1: segments, 2: keys, 3: values, "batch_size": 4}
    assert compare_module(obj, named, gradient=False).shape == (4, 2)

    network = network_of(obj)
    network(golden.tensors([segments, keys, values])).sum().backward()
    executor, tree = Executor(), build(obj)
    executor.call(tree, [segments, keys, values]).backward(np.ones((3, 2)))
    for name in ("weight", "bias"):
        found = network.get_parameter(name).grad
        golden.assert_close(name, found, executor.gradients[id(tree), name], 1e-12)
