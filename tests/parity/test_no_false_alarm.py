"""Right conversions pass, whatever the seed and the shapes."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from t7convert.conversion import convert_tree
from t7convert.format.objects import LuaObject
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
