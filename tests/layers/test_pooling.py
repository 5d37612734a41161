"""The poolings of images against Torch7 and against the reference."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from t7convert.errors import ConversionError
from t7convert.format.objects import LuaObject
from t7convert.nn.adaptive_pooling import exact_windows, max_windows
from t7convert.nn.pooling import AvgPool, MaxPool
from tests import golden
from tests.build import obj, table
from tests.layers.compare import check_fixtures, compare, converted, normal, positive, reference

CLASSES = """
FeatureLPPooling SpatialAdaptiveAveragePooling SpatialAdaptiveMaxPooling SpatialAveragePooling
SpatialDilatedMaxPooling SpatialLPPooling SpatialMaxPooling cudnn.SpatialAveragePooling
cudnn.SpatialMaxPooling
"""
#: kW, kH, dW, dH, padW, padH
WINDOWS = [(2, 2, 2, 2, 0, 0), (3, 2, 2, 3, 1, 0), (2, 3, 1, 2, 0, 1), (3, 3, 2, 2, 1, 1)]
SHAPES = [(2, 8, 9), (1, 3, 9, 8), (2, 3, 7, 7)]


def pooling(name: str, sizes: tuple[int, ...], **more: Any) -> LuaObject:
    fields = dict(zip(("kW", "kH", "dW", "dH", "padW", "padH"), sizes, strict=True))
    return obj(name, **fields, **more)


@pytest.mark.parametrize("name", CLASSES.split())
def test_golden(name: str) -> None:
    check_fixtures(name)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("ceil_mode", [False, True])
@pytest.mark.parametrize("sizes", WINDOWS)
def test_max_pooling(sizes: tuple[int, ...], ceil_mode: bool, shape: tuple[int, ...]) -> None:
    for name in ("nn.SpatialMaxPooling", "cudnn.SpatialMaxPooling"):
        if ceil_mode and name.startswith("cudnn") and sizes == (3, 2, 2, 3, 1, 0):
            continue  # the last window may lie beyond the image: see below
        made = pooling(name, sizes, ceil_mode=ceil_mode)
        compare(made, normal(*shape))

        assert type(converted(made).network) is nn.MaxPool2d


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("include", [False, True])
@pytest.mark.parametrize("divide", [False, True])
@pytest.mark.parametrize("ceil_mode", [False, True])
@pytest.mark.parametrize("sizes", WINDOWS)
def test_average_pooling(
    sizes: tuple[int, ...], ceil_mode: bool, divide: bool, include: bool, shape: tuple[int, ...]
) -> None:
    fields = {"ceil_mode": ceil_mode, "divide": divide, "count_include_pad": include}
    for name in ("nn.SpatialAveragePooling", "cudnn.SpatialAveragePooling"):
        compare(pooling(name, sizes, **fields), normal(*shape))


def test_average_pooling_is_torchs_own_where_it_can() -> None:
    fields = {"ceil_mode": True, "divide": True}
    made = pooling("nn.SpatialAveragePooling", (3, 2, 2, 2, 1, 1), **fields)

    assert type(converted(made).network) is nn.AvgPool2d


def test_before_2015_average_pooling_summed_and_did_not_pad() -> None:
    made = pooling("nn.SpatialAveragePooling", (2, 2, 2, 2, 1, 1))
    image = normal(1, 4, 4)
    output = compare(made, image)

    assert output.shape == (1, 2, 2)
    assert np.allclose(output[0, 0, 0], image[0, :2, :2].sum())


def compare_double(made: LuaObject, image: Any) -> Any:
    """Compare in double precision only: the lowest number is another in single precision."""
    given = torch.from_numpy(image).requires_grad_()
    output, call = converted(made).network(given), reference(made, image)
    gy = normal(*output.shape)
    output.backward(torch.from_numpy(gy))
    golden.assert_close("output", output, call.output, 0)
    golden.assert_close("gradInput", given.grad, call.backward(gy), 1e-12)
    return output.detach().numpy()


def test_strides_beyond_the_window_leave_empty_windows() -> None:
    average = pooling("nn.SpatialAveragePooling", (1, 2, 4, 5, 0, 0), ceil_mode=True, divide=True)
    assert compare(average, normal(2, 8, 7), gradient=False).shape == (2, 3, 3)

    maximum = pooling("nn.SpatialMaxPooling", (1, 2, 4, 5, 0, 0), ceil_mode=True)
    output = compare_double(maximum, normal(2, 8, 7))
    assert output.shape == (2, 3, 3)
    assert (output[:, 2] == -np.finfo(np.float64).max).all()


def test_a_dilated_window_may_miss_a_small_image() -> None:
    made = pooling("nn.SpatialDilatedMaxPooling", (2, 2, 1, 1, 1, 1), dilationW=3, dilationH=4)
    output = compare_double(made, normal(2, 3, 2))

    assert (output == -np.finfo(np.float64).max).any()
    assert isinstance(converted(made).network, MaxPool)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("ceil_mode", [False, True])
@pytest.mark.parametrize("pad", [0, 1])
def test_dilation(shape: tuple[int, ...], ceil_mode: bool, pad: int) -> None:
    made = pooling(
        "nn.SpatialDilatedMaxPooling",
        (3, 2, 2, 1, pad, pad),
        ceil_mode=ceil_mode,
        dilationW=2,
        dilationH=3,
    )
    compare(made, normal(*shape))


def test_cudnn_counts_the_whole_window_beyond_the_padding() -> None:
    made = pooling("cudnn.SpatialAveragePooling", (3, 3, 2, 2, 0, 0), ceil_mode=True)
    image = np.ones((1, 4, 4))
    output = compare(made, image)

    assert np.allclose(output[0], [[1, 2 / 3], [2 / 3, 4 / 9]])
    assert np.allclose(
        compare(
            pooling("nn.SpatialAveragePooling", (3, 3, 2, 2, 0, 0), ceil_mode=True, divide=True),
            image,
        ),
        1,
    )


def test_cudnn_keeps_a_last_window_in_the_padding() -> None:
    sizes = (2, 2, 2, 2, 1, 1)
    average = pooling("cudnn.SpatialAveragePooling", sizes, ceil_mode=True)
    output = compare(average, normal(1, 5, 5))

    assert output.shape == (1, 4, 4)
    assert not output[0, 3].any()

    maximum = pooling("cudnn.SpatialMaxPooling", sizes, ceil_mode=True)
    assert compare(maximum, normal(1, 4, 4)).shape == (1, 3, 3)
    with pytest.raises(ValueError, match="cuDNN doesn't say"):
        converted(maximum).network(torch.zeros(1, 5, 5, dtype=torch.float64))
    with pytest.raises(ConversionError, match="cuDNN doesn't say"):
        reference(maximum, normal(1, 5, 5))


def test_padding_beyond_half_the_window() -> None:
    average = pooling("cudnn.SpatialAveragePooling", (3, 3, 1, 1, 2, 2), ceil_mode=False)
    assert compare(average, normal(1, 4, 4)).shape == (1, 6, 6)

    maximum = pooling("cudnn.SpatialMaxPooling", (3, 3, 1, 1, 2, 2))
    assert compare(maximum, normal(1, 4, 4)).shape == (1, 6, 6)


def test_too_small_an_image() -> None:
    with pytest.raises(ValueError, match="too small"):
        reference(pooling("nn.SpatialMaxPooling", (3, 3, 1, 1, 0, 0)), normal(1, 2, 4))


def test_adaptive_windows_are_those_of_c() -> None:
    found = {
        (n, count)
        for n, count in product(range(1, 60), range(1, 12))
        if max_windows(n, count) != exact_windows(n, count)
    }

    assert {(25, 5), (45, 5), (50, 5)} <= found
    for n, count in sorted(found):
        shape = (2, n, 7)
        for name in ("nn.SpatialAdaptiveMaxPooling", "nn.SpatialAdaptiveAveragePooling"):
            compare(obj(name, W=3, H=count), normal(*shape))


@pytest.mark.parametrize("shape", [(3, 7, 9), (1, 3, 9, 7), (2, 3, 25, 50), (2, 2, 3)])
@pytest.mark.parametrize("size", [(5, 3), (1, 1), (7, 5)])
@pytest.mark.parametrize("kind", ["Max", "Average"])
def test_adaptive_pooling(kind: str, size: tuple[int, int], shape: tuple[int, ...]) -> None:
    made = obj(f"nn.SpatialAdaptive{kind}Pooling", W=size[0], H=size[1])

    assert compare(made, normal(*shape)).shape[-2:] == (size[1], size[0])


@pytest.mark.parametrize("shape", [(7,), (7, 3), (7, 3, 2)])
@pytest.mark.parametrize("power", [2, 3.5])
def test_feature_lp_pooling(shape: tuple[int, ...], power: float) -> None:
    fields: dict[str, Any] = {"width": 3, "stride": 2, "power": power}
    compare(obj("nn.FeatureLPPooling", batch_mode=False, **fields), positive(*shape))
    compare(obj("nn.FeatureLPPooling", batch_mode=True, **fields), positive(2, *shape))


def test_feature_lp_pooling_of_zeros_has_no_gradient() -> None:
    x = np.concatenate([np.zeros(4), positive(3)])
    output = compare(obj("nn.FeatureLPPooling", width=2, stride=1, power=2, batch_mode=False), x)

    assert not output[:3].any()


def test_lp_pooling_is_its_four_modules() -> None:
    modules = table(
        obj("nn.Power", pow=3),
        pooling("nn.SpatialAveragePooling", (2, 3, 2, 2, 0, 0), ceil_mode=False, divide=True),
        obj("nn.MulConstant", constant_scalar=6),
        obj("nn.Power", pow=1 / 3),
    )
    compare(obj("nn.SpatialLPPooling", modules=modules, kW=2, kH=3), positive(2, 3, 7, 6))


def test_an_average_pool_prints_its_arguments() -> None:
    assert "whole=True" in repr(AvgPool((2, 2), (2, 2), (0, 0), whole=True))
