"""Noise, and modules that change the gradient only, against Torch7 and against the reference."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from t7convert.errors import ConversionError
from t7convert.format.objects import LuaObject
from t7convert.nn.gradient import L1Penalty
from tests.build import obj, table
from tests.layers.compare import check_fixtures, compare, converted, normal, reference

CLASSES = """
Dropout SpatialDropout VolumetricDropout WhiteNoise GradientReversal L1Penalty ZeroGrad
"""


@pytest.mark.parametrize("name", CLASSES.split())
def test_golden(name: str) -> None:
    check_fixtures(name)


EVALUATION: list[tuple[LuaObject, tuple[int, ...], float]] = [
    (obj("nn.Dropout", p=0.3, v2=True), (3, 4), 1.0),
    (obj("nn.Dropout", p=0.3, v2=False), (3, 4), 0.7),
    (obj("nn.Dropout", p=0.3), (5,), 0.7),
    (obj("nn.Dropout", p=0, v2=False), (5,), 1.0),
    (obj("nn.SpatialDropout", p=0.2), (2, 3, 4), 0.8),
    (obj("nn.SpatialDropout"), (1, 2, 3, 4), 0.5),
    (obj("nn.VolumetricDropout", p=0.25), (2, 3, 2, 4, 4), 0.75),
]


@pytest.mark.parametrize(("module", "shape", "factor"), EVALUATION)
def test_evaluation(module: LuaObject, shape: tuple[int, ...], factor: float) -> None:
    x = normal(*shape)

    assert np.allclose(compare(module, x), factor * x, rtol=1e-12)


def masks(module: LuaObject, *shape: int) -> torch.Tensor:
    """Return what training makes of ones, and check that the gradient sees the same mask."""
    network = converted(module).network.train()
    x = torch.ones(shape, dtype=torch.float64, requires_grad=True)
    torch.manual_seed(1)
    output: torch.Tensor = network(x)
    (gradient,) = torch.autograd.grad(output.sum(), x)

    assert torch.equal(output, gradient)
    torch.manual_seed(1)
    assert torch.equal(output, network(x))
    return output.detach()


@pytest.mark.parametrize(("fields", "kept"), [({"v2": True}, 1 / 0.7), ({"v2": False}, 1.0)])
def test_dropout_in_training(fields: dict[str, Any], kept: float) -> None:
    mask = masks(obj("nn.Dropout", p=0.3, **fields), 100, 100)

    assert mask.unique().tolist() == pytest.approx([0.0, kept])
    assert abs((mask == 0).double().mean().item() - 0.3) < 0.02


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("SpatialDropout", (40, 50, 2, 3)),
        ("SpatialDropout", (2000, 2, 3)),
        ("VolumetricDropout", (40, 50, 2, 3, 2)),
        ("VolumetricDropout", (2000, 2, 3, 2)),
    ],
)
def test_planes_are_dropped_whole_and_not_scaled(name: str, shape: tuple[int, ...]) -> None:
    planes = masks(obj(f"nn.{name}", p=0.3), *shape).reshape(2000, -1)

    assert set(planes.unique().tolist()) == {0.0, 1.0}
    assert (planes == planes[:, :1]).all()
    assert abs(planes.mean().item() - 0.7) < 0.05


@pytest.mark.parametrize("inplace", [False, True])
def test_an_old_dropout_in_place(inplace: bool) -> None:
    module = obj("nn.Dropout", p=0.25, v2=False, inplace=inplace)
    both = obj("nn.ConcatTable", modules=table(module, obj("nn.Identity")))
    first, second = converted(both).network(torch.ones(3, dtype=torch.float64))

    assert first.tolist() == [0.75] * 3
    assert second.tolist() == ([0.75] * 3 if inplace else [1.0] * 3)


def test_planes_need_a_known_rank() -> None:
    network = converted(obj("nn.SpatialDropout")).network.train()

    with pytest.raises(RuntimeError, match="the input has 2"):
        network(torch.zeros(2, 2))


def test_white_noise_in_training_and_evaluation() -> None:
    module = obj("nn.WhiteNoise", mean=2, std=0.5)
    noise = converted(module).network.train()(torch.zeros(20000, dtype=torch.float64))

    assert abs(noise.mean().item() - 2) < 0.02
    assert abs(noise.std().item() - 0.5) < 0.02
    assert np.array_equal(compare(module, np.zeros(3)), [2.0, 2.0, 2.0])


@pytest.mark.parametrize(("v2", "back"), [(True, 1.0), (False, 0.5)])
@pytest.mark.parametrize("inplace", [False, True])
def test_stochastic_inference_draws_but_the_gradient_does_not_know(
    v2: bool, back: float, inplace: bool
) -> None:
    module = obj("nn.Dropout", p=0.5, v2=v2, inplace=inplace, stochastic_inference=True)
    x = torch.ones(1000, dtype=torch.float64, requires_grad=True)
    output = converted(module).network(x)
    output.sum().backward()

    assert set(output.unique().tolist()) == {0.0, 2.0 if v2 else 1.0}
    assert x.grad is not None
    assert set(x.grad.tolist()) == {back}
    with pytest.raises(ConversionError, match="stochastic_inference"):
        reference(module, normal(3))


def test_stochastic_planes_in_evaluation() -> None:
    network = converted(obj("nn.SpatialDropout", stochastic_inference=True)).network

    assert set(network(torch.ones(100, 2, 2)).unique().tolist()) == {0.0, 1.0}


@pytest.mark.parametrize("size_average", [False, True])
@pytest.mark.parametrize("provide", [False, True])
def test_l1_penalty(size_average: bool, provide: bool) -> None:
    module = obj("nn.L1Penalty", l1weight=0.3, sizeAverage=size_average, provideOutput=provide)
    x = np.array([[1.0, -2.0, 0.0]])
    compare(module, x)

    network = converted(module).network
    assert isinstance(network, L1Penalty)
    loss = network.penalty(torch.from_numpy(x)).item()
    assert loss == pytest.approx(0.3 if size_average else 0.9)


@pytest.mark.parametrize("shape", [(5,), (2, 3, 4)])
def test_gradient_only(shape: tuple[int, ...]) -> None:
    compare(obj("nn.GradientReversal", version=2, **{"lambda": 0.4}), normal(*shape))
    compare(obj("nn.ZeroGrad"), normal(*shape))


def test_gradient_reversal_before_version_2_has_strength_1() -> None:
    old = converted(obj("nn.GradientReversal", version=1, **{"lambda": 0.4})).network

    assert old.strength == 1.0
