"""The element-wise functions against Torch7 and against the reference."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from t7convert.conversion import convert_tree
from t7convert.errors import ConversionError
from t7convert.lua.tree import build
from tests.build import obj, sequential, table, tensor
from tests.layers.compare import check_fixtures, compare, converted, normal, positive

CLASSES = """
Abs AddConstant CReLU Clamp ELU Exp GatedLinearUnit HardShrink HardTanh LeakyReLU Log LogSigmoid
MulConstant PReLU Power RReLU ReLU ReLU6 Sigmoid SoftPlus SoftShrink SoftSign Sqrt Square Tanh
TanhShrink Threshold cudnn.ReLU cudnn.Sigmoid cudnn.Tanh
"""
SHAPES = [(5,), (1, 3), (3, 4), (2, 3, 4), (2, 3, 4, 5)]
BARE = """
nn.Abs nn.Exp nn.LogSigmoid nn.ReLU nn.ReLU6 nn.Sigmoid nn.SoftSign nn.Square nn.Tanh nn.TanhShrink
nn.ELU nn.HardTanh nn.LeakyReLU nn.SoftPlus cudnn.ReLU cudnn.Sigmoid cudnn.Tanh
"""
PLAIN: list[tuple[str, dict[str, Any]]] = [
    *((name, {}) for name in BARE.split()),
    ("cudnn.ClippedReLU", {"ceiling": 0.7}),
    ("nn.AddConstant", {"constant_scalar": -1.5}),
    ("nn.MulConstant", {"constant_scalar": 0.3, "inplace": True}),
    ("nn.Clamp", {"min_val": -0.2, "max_val": 1.1}),
    ("nn.ELU", {"alpha": 0.4, "inplace": True}),
    ("nn.ELU", {"alpha": -0.4}),
    ("nn.HardShrink", {"lambda": 0.3}),
    ("nn.HardShrink", {"lambda": -0.3}),
    ("nn.SoftShrink", {}),
    ("nn.LeakyReLU", {"negval": -0.5}),
    ("nn.Power", {"pow": 3}),
    ("nn.Power", {"pow": 2}),
    ("nn.RReLU", {"lower": 0.1, "upper": 0.4}),
    ("nn.PReLU", {"weight": tensor([0.3])}),
    ("nn.SoftPlus", {"beta": 0.5, "threshold": 1}),
    ("nn.Threshold", {"threshold": 0.3, "val": -2}),
]


@pytest.mark.parametrize("name", CLASSES.split())
def test_golden(name: str) -> None:
    check_fixtures(name)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("name", "fields"), PLAIN)
def test_shapes_and_arguments(name: str, fields: dict[str, Any], shape: tuple[int, ...]) -> None:
    compare(obj(name, **fields), 2 * normal(*shape))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("name", "fields"), [("Log", {}), ("Sqrt", {}), ("Power", {"pow": -0.5})])
def test_positive_inputs(name: str, fields: dict[str, Any], shape: tuple[int, ...]) -> None:
    compare(obj(f"nn.{name}", **fields), positive(*shape))


def test_gradients_at_the_kinks_are_luas() -> None:
    at = np.array([-1.0, 0.0, 1.0, 6.0])
    for name in ("Abs", "ReLU", "ReLU6", "HardTanh", "ELU", "LeakyReLU"):
        compare(obj(f"nn.{name}"), at)
    for name in ("SoftShrink", "HardShrink"):
        compare(obj(f"nn.{name}", **{"lambda": 1}), at)
    compare(obj("nn.Sqrt"), np.array([0.0, 4.0]))

    zero = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    (converted(obj("nn.Abs")).network(zero) + converted(obj("nn.Sqrt")).network(zero)).backward()
    assert zero.grad is not None
    assert zero.grad.item() == 1.0


def test_a_relu_is_the_threshold_that_its_fields_say() -> None:
    plain = obj("nn.ReLU", threshold=0, val=0)
    other = obj("nn.ReLU", threshold=0.5, val=-1)
    x = np.array([-1.0, 0.25, 0.75])

    assert compare(plain, x).tolist() == [0.0, 0.25, 0.75]
    assert compare(other, x).tolist() == [-1.0, -1.0, 0.75]
    assert isinstance(converted(plain).network, torch.nn.ReLU)


@pytest.mark.parametrize("shape", [(3,), (2, 3), (2, 3, 4), (2, 3, 4, 5), (1, 3, 2, 2, 2)])
def test_prelu_has_one_slope_per_plane(shape: tuple[int, ...]) -> None:
    module = obj("nn.PReLU", nOutputPlane=3, weight=tensor([0.1, 0.5, -0.2]))
    compare(module, normal(*shape))


@pytest.mark.parametrize("shape", [(3,), (2, 3)])
def test_add_constant_takes_a_vector(shape: tuple[int, ...]) -> None:
    output = compare(
        obj("nn.AddConstant", constant_scalar=tensor([1.0, 2.0, 3.0])), np.zeros(shape)
    )

    assert np.array_equal(output, np.broadcast_to([1.0, 2.0, 3.0], shape))


@pytest.mark.parametrize("dim", [None, 1, 2, 3])
def test_gated_linear_unit_halves_any_dimension(dim: int | None) -> None:
    fields = {} if dim is None else {"dim": dim}
    compare(obj("nn.GatedLinearUnit", **fields), normal(2, 4, 6))


@pytest.mark.parametrize(
    ("dims", "shape"), [(1, (4,)), (1, (3, 4)), (3, (2, 3, 4)), (3, (1, 2, 3, 4))]
)
def test_crelu_doubles_the_planes(dims: int, shape: tuple[int, ...]) -> None:
    pair = table(obj("nn.Identity"), obj("nn.MulConstant", constant_scalar=-1))
    steps = table(
        obj("nn.ConcatTable", modules=pair), obj("nn.JoinTable", dimension=2), obj("nn.ReLU")
    )
    x = normal(*shape)
    output = compare(obj("nn.CReLU", nInputDims=dims, modules=steps), x)

    planes = int(len(shape) > dims)
    expected = np.concatenate([np.maximum(x, 0), np.maximum(-x, 0)], planes)
    assert np.array_equal(output, expected)


def test_rrelu_draws_slopes_in_training() -> None:
    module = converted(obj("nn.RReLU", lower=0.2, upper=0.4)).network.train()
    torch.manual_seed(0)
    slopes = -module(torch.full((4000,), -1.0, dtype=torch.float64))

    assert 0.2 <= slopes.min() < 0.21
    assert 0.39 < slopes.max() <= 0.4
    assert abs(slopes.mean().item() - 0.3) < 0.005


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("nn.AddConstant", {"constant_scalar": 2}),
        ("nn.MulConstant", {"constant_scalar": 2}),
        ("nn.HardTanh", {}),
        ("nn.ELU", {}),
        ("nn.LeakyReLU", {}),
        ("nn.RReLU", {}),
        ("nn.ReLU6", {}),
        ("nn.Threshold", {}),
        ("cudnn.Sigmoid", {}),
        ("cudnn.Tanh", {}),
        ("cudnn.ClippedReLU", {"ceiling": 1}),
    ],
)
def test_inplace_overwrites_what_others_read(name: str, fields: dict[str, Any]) -> None:
    both = table(obj(name, inplace=True, **fields), obj("nn.Identity"))
    network = convert_tree(build(sequential(obj("nn.ConcatTable", modules=both)))).network.double()
    changed, same = network(torch.from_numpy(normal(3, 4)))

    assert torch.equal(changed, same)


def test_negative_width_of_soft_shrink_is_refused() -> None:
    with pytest.raises(ConversionError, match="lambda is -1"):
        converted(obj("nn.SoftShrink", **{"lambda": -1}))


def test_missing_constants_are_named() -> None:
    with pytest.raises(ConversionError, match="lacks the field pow"):
        converted(obj("nn.Power"))
