"""The modules that slide over sequences against Torch7 and against the reference."""

from __future__ import annotations

import pytest

from t7convert.format.objects import LuaObject
from tests.build import obj, tensor
from tests.layers.compare import check_fixtures, compare, normal

CLASSES = """
TemporalConvolution TemporalDynamicKMaxPooling TemporalMaxPooling TemporalRowConvolution
TemporalSubSampling
"""
SHAPES = [(9, 4), (1, 9, 4), (3, 8, 4)]


@pytest.mark.parametrize("name", CLASSES.split())
def test_golden(name: str) -> None:
    check_fixtures(name)


def test_convolution_without_bias() -> None:
    fields = {"inputFrameSize": 4, "outputFrameSize": 5, "kW": 2, "dW": 1}
    compare(obj("nn.TemporalConvolution", weight=tensor(normal(5, 8)), **fields), normal(6, 4))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("kernel", "stride"), [(1, 1), (3, 1), (2, 3)])
def test_convolution(kernel: int, stride: int, shape: tuple[int, ...]) -> None:
    made = obj(
        "nn.TemporalConvolution",
        weight=tensor(normal(5, 4 * kernel)),
        bias=tensor(normal(5)),
        inputFrameSize=4,
        outputFrameSize=5,
        kW=kernel,
        dW=stride,
    )
    output = compare(made, normal(*shape))

    assert output.shape == (*shape[:-2], (shape[-2] - kernel) // stride + 1, 5)


def cudnn_convolution(padding: int) -> LuaObject:
    """Return the cudnn twin: an image of one plane, whose columns are the features."""
    return obj(
        "cudnn.TemporalConvolution",
        weight=tensor(normal(5, 4 * 3)),
        bias=tensor(normal(5)),
        inputFrameSize=4,
        outputFrameSize=5,
        nInputPlane=1,
        nOutputPlane=5,
        kW=4,
        kH=3,
        dW=1,
        dH=2,
        padW=0,
        padH=padding,
        groups=1,
    )


@pytest.mark.parametrize("shape", SHAPES)
def test_cudnn_pads_time(shape: tuple[int, ...]) -> None:
    output = compare(cudnn_convolution(2), normal(*shape))

    assert output.shape == (*shape[:-2], (shape[-2] + 4 - 3) // 2 + 1, 5)


@pytest.mark.parametrize("first", [False, True])
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("shape", SHAPES)
def test_row_convolution(shape: tuple[int, ...], bias: bool, first: bool) -> None:
    made = obj(
        "nn.TemporalRowConvolution",
        weight=tensor(normal(4, 1, 3)),
        bias=tensor(normal(4)) if bias else None,
        inputFrameSize=4,
        kW=3,
        dW=2,
        featFirst=first,
    )
    turned = (*shape[:-2], shape[-1], shape[-2]) if first else shape
    compare(made, normal(*turned))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("kernel", "stride"), [(1, 1), (3, 2), (2, 3)])
def test_sub_sampling_and_max_pooling(kernel: int, stride: int, shape: tuple[int, ...]) -> None:
    sub = obj(
        "nn.TemporalSubSampling",
        weight=tensor(normal(4)),
        bias=tensor(normal(4)),
        inputFrameSize=4,
        kW=kernel,
        dW=stride,
    )
    compare(sub, normal(*shape))
    compare(obj("nn.TemporalMaxPooling", kW=kernel, dW=stride), normal(*shape))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("least", "factor", "kept"), [(2, 0.5, 5), (6, 0.1, 6), (3, 0, 3)])
def test_k_max_pooling(least: int, factor: float, kept: int, shape: tuple[int, ...]) -> None:
    made = obj("nn.TemporalDynamicKMaxPooling", minK=least, factor=factor)
    output = compare(made, normal(*shape))

    assert output.shape[-2] == (kept if shape[-2] == 9 or factor != 0.5 else 4)
