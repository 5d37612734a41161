"""The convolutions of images against Torch7 and against the reference."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from t7convert.conversion import convert_tree
from t7convert.errors import ConversionError
from t7convert.format.objects import LuaObject
from t7convert.lua.tree import build
from tests.build import obj, sequential, storage, tensor, view
from tests.layers.compare import DRAW, check_fixtures, compare, converted, normal, reference

CLASSES = """
SpatialConvolution SpatialConvolutionLocal SpatialConvolutionMM SpatialConvolutionMap
SpatialDepthWiseConvolution SpatialDilatedConvolution SpatialFullConvolutionMap
SpatialSubSampling cudnn.SpatialConvolution
"""
#: kW, kH, dW, dH, padW, padH: never square
WINDOWS = [(3, 2, 1, 1, 0, 0), (1, 1, 1, 1, 0, 0), (2, 3, 2, 1, 1, 0), (4, 1, 3, 2, 0, 2)]
BATCHES = [(5, 8, 9), (1, 5, 8, 9), (2, 5, 8, 9)]


def window(sizes: tuple[int, ...]) -> dict[str, Any]:
    return dict(zip(("kW", "kH", "dW", "dH", "padW", "padH"), sizes, strict=True))


def convolution(
    name: str,
    sizes: tuple[int, ...],
    *,
    inputs: int = 5,
    outputs: int = 4,
    bias: bool = True,
    shape: tuple[int, ...] | None = None,
    **more: Any,
) -> LuaObject:
    kw, kh = sizes[:2]
    weight = normal(*(shape or (outputs, inputs, kh, kw)))
    if bias:
        more["bias"] = tensor(normal(outputs))
    planes = {"nInputPlane": inputs, "nOutputPlane": outputs}
    return obj(name, weight=tensor(weight), **{**planes, **window(sizes), **more})


@pytest.mark.parametrize("name", CLASSES.split())
def test_golden(name: str) -> None:
    check_fixtures(name)


@pytest.mark.parametrize("shape", BATCHES)
@pytest.mark.parametrize("sizes", WINDOWS)
@pytest.mark.parametrize("name", ["nn.SpatialConvolution", "cudnn.SpatialConvolution"])
def test_windows_and_batches(name: str, sizes: tuple[int, ...], shape: tuple[int, ...]) -> None:
    output = compare(convolution(name, sizes), normal(*shape))

    kw, kh, dw, dh, pw, ph = sizes
    assert output.shape[-2:] == ((8 + 2 * ph - kh) // dh + 1, (9 + 2 * pw - kw) // dw + 1)


@pytest.mark.parametrize("shape", [(4, 4 * 3 * 2), (4, 4, 2, 3)])
@pytest.mark.parametrize("bias", [True, False])
def test_mm_keeps_the_shape_of_its_weight(shape: tuple[int, ...], bias: bool) -> None:
    made = convolution(
        "nn.SpatialConvolutionMM", (3, 2, 1, 2, 1, 0), inputs=4, bias=bias, shape=shape
    )
    compare(made, normal(2, 4, 5, 6))


def test_groups() -> None:
    made = convolution(
        "cudnn.SpatialConvolution",
        (3, 2, 1, 2, 1, 1),
        inputs=6,
        outputs=4,
        shape=(4, 3, 2, 3),
        groups=2,
    )
    compare(made, normal(2, 6, 5, 6))
    compare(made, normal(6, 5, 6))


def test_dilation_is_height_and_width_apart() -> None:
    made = convolution("nn.SpatialDilatedConvolution", (3, 2, 1, 2, 1, 0), dilationW=2, dilationH=3)
    output = compare(made, normal(2, 5, 9, 8))

    assert output.shape == (2, 4, 3, 6)


def test_old_padding_counts_for_both_sides() -> None:
    made = convolution("nn.SpatialConvolution", (3, 2, 1, 1, 7, 7), padding=1)

    assert compare(made, normal(5, 8, 9)).shape == (4, 9, 9)


def test_half_a_pixel_of_padding_is_none() -> None:
    made = convolution("nn.SpatialConvolution", (2, 2, 1, 1, 0, 0), padW=0.5, padH=1.5)

    assert compare(made, normal(5, 8, 9)).shape == (4, 9, 8)
    with pytest.raises(ConversionError, match="padW is nan"):
        converted(convolution("nn.SpatialConvolution", WINDOWS[0], padW=float("nan")))


def test_a_matrix_that_is_no_view_of_a_weight_is_refused() -> None:
    turned = view(storage(normal(24)), (4, 6), (1, 4))
    fields = {"nInputPlane": 1, "nOutputPlane": 4, **window((3, 2, 1, 1, 0, 0))}
    with pytest.raises(ConversionError, match="don't allow a view"):
        converted(obj("nn.SpatialConvolution", weight=turned, **fields))


def test_a_weight_within_a_flat_vector() -> None:
    flat = storage(DRAW.normal(size=100))
    fields = {"nInputPlane": 2, "nOutputPlane": 3, **window((2, 2, 1, 1, 0, 0))}
    made = obj(
        "nn.SpatialConvolution",
        weight=view(flat, (3, 2, 2, 2), offset=10),
        bias=view(flat, (3,), offset=34),
        **fields,
    )
    compare(made, normal(2, 4, 4))


def test_a_convolution_is_torchs_own() -> None:
    network = converted(convolution("nn.SpatialConvolution", (3, 2, 1, 1, 0, 0))).network

    assert type(network) is nn.Conv2d
    assert network.kernel_size == (2, 3)


@pytest.mark.parametrize("shape", [(2, 6, 6), (3, 2, 6, 6), (2, 5, 8), (1, 2, 8, 5)])
@pytest.mark.parametrize("bias", [True, False])
def test_depth_wise(shape: tuple[int, ...], bias: bool) -> None:
    fields: dict[str, Any] = {"bias": tensor(normal(3, 2))} if bias else {}
    made = obj(
        "nn.SpatialDepthWiseConvolution",
        weight=tensor(normal(3, 2 * 2 * 3)),
        nInputPlane=2,
        nOutputPlane=3,
        **window((3, 2, 1, 2, 1, 0)),
        **fields,
    )
    output = compare(made, normal(*shape))

    h, w = shape[-2:]  # rows and columns change places
    assert output.shape[-3:] == (6, (w - 2) // 2 + 1, h + 2 - 3 + 1)


@pytest.mark.parametrize("shape", [(2, 5, 6), (1, 2, 5, 6), (3, 2, 5, 6)])
def test_local(shape: tuple[int, ...]) -> None:
    made = obj(
        "nn.SpatialConvolutionLocal",
        weight=tensor(normal(3, 6, 4, 2, 2, 3)),
        bias=tensor(normal(4, 3, 6)),
        nInputPlane=2,
        nOutputPlane=4,
        iW=6,
        iH=5,
        oW=6,
        oH=3,
        **window((3, 2, 1, 2, 1, 1)),
    )
    compare(made, normal(*shape))
    with pytest.raises(ValueError, match="expected"):
        converted(made).network(torch.zeros(2, 6, 5, dtype=torch.float64))
    with pytest.raises(ValueError, match="expected"):
        reference(made, normal(2, 6, 5))


CONNECTIONS = np.array([[1, 1], [3, 1], [2, 2], [1, 3], [3, 3], [3, 3], [2, 4]])


def connected(name: str, stride: tuple[int, int]) -> LuaObject:
    return obj(
        name,
        connTable=tensor(CONNECTIONS),
        weight=tensor(normal(len(CONNECTIONS), 2, 3)),
        bias=tensor(normal(4)),
        nInputPlane=3,
        nOutputPlane=4,
        kW=3,
        kH=2,
        dW=stride[0],
        dH=stride[1],
    )


@pytest.mark.parametrize("shape", [(3, 6, 8), (2, 3, 6, 8)])
@pytest.mark.parametrize("stride", [(1, 1), (2, 3), (1, 2)])
def test_connections_with_a_remainder_and_without(
    shape: tuple[int, ...], stride: tuple[int, int]
) -> None:
    compare(connected("nn.SpatialConvolutionMap", stride), normal(*shape))


@pytest.mark.parametrize("shape", [(3, 4, 5), (2, 3, 4, 5)])
def test_full_connections(shape: tuple[int, ...]) -> None:
    compare(connected("nn.SpatialFullConvolutionMap", (2, 3)), normal(*shape))


@pytest.mark.parametrize("shape", [(3, 7, 9), (2, 3, 7, 9)])
def test_sub_sampling(shape: tuple[int, ...]) -> None:
    made = obj(
        "nn.SpatialSubSampling",
        weight=tensor(normal(3)),
        bias=tensor(normal(3)),
        nInputPlane=3,
        kW=3,
        kH=2,
        dW=2,
        dH=3,
    )
    compare(made, normal(*shape))


def test_sub_sampling_takes_the_first_numbers_of_a_weight_of_any_shape() -> None:
    made = obj(
        "nn.SpatialSubSampling",
        weight=tensor(normal(3, 2, 2)),
        bias=tensor(normal(3)),
        nInputPlane=3,
        kW=2,
        kH=2,
        dW=2,
        dH=2,
    )
    compare(made, normal(3, 6, 4))


def test_a_weight_of_another_size_is_refused_with_its_place() -> None:
    made = sequential(convolution("nn.SpatialConvolution", (3, 2, 1, 1, 0, 0), shape=(4, 5, 3, 3)))
    with pytest.raises(ConversionError, match=r"modules\[1\].*weight"):
        convert_tree(build(made))


def test_no_kernel_size_no_conversion() -> None:
    made = convolution("nn.SpatialConvolutionMM", (3, 2, 1, 1, 0, 0))
    assert made.payload is not None
    fields = {k: v for k, v in made.payload.items() if k != "kW"}
    with pytest.raises(ConversionError, match="lacks the field kW"):
        convert_tree(build(obj("nn.SpatialConvolutionMM", **fields)))


def test_modules_print_what_they_are() -> None:
    network = converted(sequential(connected("nn.SpatialConvolutionMap", (1, 1)))).network

    assert "7 of 3 x 4 connections" in repr(network)
