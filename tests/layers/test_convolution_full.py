"""Transposed convolutions of images against Torch7 and against the reference."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from t7convert.format.objects import LuaObject
from tests.build import obj, tensor
from tests.layers.compare import DRAW, check_fixtures, compare, converted, normal, reference


def test_golden() -> None:
    check_fixtures("SpatialFullConvolution")


FULL = {"kW": 3, "kH": 2, "dW": 3, "dH": 2, "padW": 1, "padH": 0, "adjW": 2, "adjH": 1}


def full(name: str = "nn.SpatialFullConvolution", **changes: Any) -> LuaObject:
    planes = {"nInputPlane": 3, "nOutputPlane": 2}
    weight = tensor(normal(3, 2, 2, 3))
    return obj(name, weight=weight, **planes, **{**FULL, "bias": tensor(normal(2)), **changes})


@pytest.mark.parametrize("shape", [(3, 4, 5), (1, 3, 4, 5), (2, 3, 4, 5)])
@pytest.mark.parametrize("name", ["nn.SpatialFullConvolution", "cudnn.SpatialFullConvolution"])
def test_full_convolution(name: str, shape: tuple[int, ...]) -> None:
    output = compare(full(name), normal(*shape))

    assert output.shape[-2:] == (3 * 2 + 2 + 1, 4 * 3 - 2 + 3 + 2)


@pytest.mark.parametrize("target", [(1, 9, 14), (1, 10, 13), (2, 2, 11, 27)])
def test_full_convolution_to_the_size_of_a_target(target: tuple[int, ...]) -> None:
    made, image = full(), normal(2, 3, 4, 5)
    call = converted(made).network([torch.from_numpy(image), torch.zeros(target)])

    height = 8 + (target[-2] - 2) % 2
    width = 13 + (target[-1] + 2 - 3) % 3
    assert tuple(call.shape) == (2, 2, height, width)
    compare_table(made, [image, normal(*target)])


def compare_table(made: LuaObject, inputs: list[Any]) -> None:
    """Compare with the reference; the target's gradient is zero in both."""
    given = [torch.from_numpy(x).requires_grad_() for x in inputs]
    output = converted(made).network(given)
    call = reference(made, inputs)
    gy = DRAW.normal(size=tuple(output.shape))
    output.backward(torch.from_numpy(gy))
    gx, gt = call.backward(gy)

    assert np.allclose(call.output, output.detach().numpy(), rtol=1e-12)
    assert given[0].grad is not None
    assert np.allclose(gx, given[0].grad.numpy(), rtol=1e-11)
    assert given[1].grad is None
    assert gt.shape == inputs[1].shape
    assert not gt.any()


def test_full_convolution_without_bias_or_adj() -> None:
    made = full(bias=None, adjW=None, adjH=None)

    assert compare(made, normal(3, 4, 5)).shape == (2, 8, 13)
