"""Right conversions pass, whatever the seed and the shapes."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from t7convert.conversion import convert_tree
from t7convert.format.objects import LuaObject
from t7convert.inputs.drawing import Trial
from t7convert.lua.tree import build
from t7convert.parity.check import Options, check_network
from tests.build import linear, obj, sequential, table, tensor

SEEDS = {"float32": 200, "float64": 50}


def convolution(rng: Any, inputs: int, outputs: int) -> LuaObject:
    height, width = (int(n) for n in rng.integers(1, 4, 2))
    weight = rng.standard_normal((outputs, inputs, height, width))
    return obj(
        "nn.SpatialConvolution",
        weight=tensor(weight, "Float"),
        bias=tensor(rng.standard_normal(outputs), "Float"),
        nInputPlane=inputs,
        nOutputPlane=outputs,
        kW=width,
        kH=height,
        dW=int(rng.integers(1, 3)),
        dH=1,
        padW=int(rng.integers(0, width)),
        padH=int(rng.integers(0, height)),
    )


def normalisation(rng: Any, features: int) -> LuaObject:
    draw = rng.standard_normal
    return obj(
        "nn.SpatialBatchNormalization",
        running_mean=tensor(draw(features), "Float"),
        running_var=tensor(rng.uniform(0.01, 4, features), "Float"),
        weight=tensor(draw(features), "Float"),
        bias=tensor(draw(features), "Float"),
        eps=1e-5,
        momentum=0.1,
        affine=True,
    )


def images(rng: Any) -> LuaObject:
    """A residual network of random sizes, with a pooling and a soft maximum."""
    first, second = (int(n) for n in rng.integers(1, 6, 2))
    branch = sequential(normalisation(rng, second), obj("nn.ReLU", inplace=bool(rng.integers(2))))
    return sequential(
        convolution(rng, first, second),
        obj("nn.ConcatTable", modules=table(branch, obj("nn.Identity"))),
        obj("nn.CAddTable", inplace=bool(rng.integers(2))),
        obj("nn.SpatialMaxPooling", kW=2, kH=3, dW=2, dH=2, padW=0, padH=1, ceil_mode=True),
        convolution(rng, second, 3),
        obj("nn.SpatialSoftMax"),
    )


def vectors(rng: Any) -> LuaObject:
    """Linear maps and saturating functions; few outputs, so that rounding has few draws."""
    sizes = [int(n) for n in rng.integers(1, 9, 4)]
    steps: list[LuaObject] = []
    for number, (a, b) in enumerate(pairwise(sizes)):
        steps.append(linear(a, b, seed=int(rng.integers(1 << 30)) + number))
        steps.append(obj(("nn.Tanh", "nn.Sigmoid", "nn.ELU")[number], alpha=1, inplace=False))
    return sequential(*steps, obj("nn.LogSoftMax"))


@pytest.mark.parametrize("dtype", SEEDS)
def test_random_networks_pass(dtype: str) -> None:
    for seed in range(SEEDS[dtype]):
        rng = np.random.default_rng(seed)
        tree = build((images, vectors)[seed % 2](rng))
        report = check_network(tree, convert_tree(tree), Options(seed=seed, dtype=dtype))

        assert report.ok, f"seed {seed}: {report}"
        assert report.compared >= 7


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_low_precision_passes(dtype: str) -> None:
    for seed in range(20):
        tree = build(vectors(np.random.default_rng(seed)))
        report = check_network(tree, convert_tree(tree), Options(seed=seed, dtype=dtype))

        assert report.ok, f"seed {seed}: {report}"


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_what_is_beyond_the_type_is_infinite_there(dtype: str) -> None:
    tree = build(sequential(obj("nn.Exp")))
    given = [Trial("large", np.array([[1000.0, 0.5, -2.0]]))]

    assert check_network(tree, convert_tree(tree), Options(dtype=dtype), trials=given).ok
    for typename in ("nn.Square", "nn.Identity"):  # finite where Lua's is not
        other = convert_tree(build(sequential(obj(typename))))
        assert not check_network(tree, other, Options(dtype=dtype), trials=given).ok


def test_one_infinite_entry_hides_no_other() -> None:
    tree = build(sequential(obj("nn.Exp")))
    converted = convert_tree(tree)
    converted.network.register_forward_hook(lambda _, args, out: out * (1 + 1e-3))
    given = [Trial("large", np.array([[1000.0, 0.5, -2.0]]))]
    report = check_network(tree, converted, Options(), trials=given)

    assert not report.ok
    assert report.failures[-1].index == (0, 1)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_gradients_that_cancel_altogether(dtype: str) -> None:
    """A bias that every input of a softmax has in common: its gradient is rounding alone."""
    for seed in range(20):
        rng = np.random.default_rng(seed)
        weight, bias = (tensor(rng.standard_normal(shape), "Float") for shape in ((1, 3), 1))
        scores = obj("nn.Linear", weight=weight, bias=bias)
        select = obj("nn.Select", dimension=2, index=1)
        tree = build(sequential(scores, select, obj("nn.SoftMax")))
        given = [Trial("x", 3 * rng.standard_normal((5, 3)))]
        options = Options(dtype=dtype, gradients=True)

        report = check_network(tree, convert_tree(tree), options, trials=given)
        assert report.ok, f"seed {seed}: {report}"


def test_wrong_gradients_are_found_where_float32_hides_them() -> None:
    weight, bias = (tensor(np.full(shape, 2.0), "Float") for shape in ((3, 3), 3))
    tree = build(sequential(obj("nn.Linear", weight=weight, bias=bias), obj("nn.Tanh")))
    given = [Trial("x", np.array([[2.0, 2.5, 1.0], [2.0, 1.5, 3.0]]))]
    right, wrong = convert_tree(tree), convert_tree(tree)
    first = wrong.network.get_submodule(wrong.modules["modules[1]"][0])
    first.register_full_backward_hook(lambda _, given, made: (given[0] * (1 + 1e-6),))
    options = Options(gradients=True)

    assert check_network(tree, right, options, trials=given).ok
    report = check_network(tree, wrong, options, trials=given)
    assert not report.ok
    assert {row.kind for row in report.failures} == {"gradient"}


def test_what_was_zero_on_the_first_input_is_measured_on_the_next() -> None:
    """A ReLU that lets one small sum through, after a batch of which it let nothing through."""
    rng = np.random.default_rng(0)
    weight = rng.standard_normal((1, 20_000)).astype(np.float32)
    first = -np.abs(rng.standard_normal(20_000)) * np.sign(weight[0])
    second = rng.standard_normal(20_000)
    second -= weight[0] * ((second @ weight[0] - 1) / (weight[0] @ weight[0]))
    module = obj("nn.Linear", weight=tensor(weight, "Float"), bias=tensor(np.zeros(1), "Float"))
    tree = build(sequential(module, obj("nn.ReLU")))
    converted = convert_tree(tree)
    trials = [Trial("dead", first[None]), Trial("alive", second[None])]
    report = check_network(tree, converted, Options(), trials=trials)

    assert report.ok, str(report)
