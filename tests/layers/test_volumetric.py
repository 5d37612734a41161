"""The convolutions and poolings of volumes against Torch7 and against the reference."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from t7convert.errors import ConversionError
from t7convert.format.objects import LuaObject
from tests.build import obj, tensor
from tests.layers.compare import check_fixtures, compare, converted, normal, reference

CLASSES = """
VolumetricAveragePooling VolumetricConvolution VolumetricDilatedConvolution
VolumetricDilatedMaxPooling VolumetricFullConvolution VolumetricMaxPooling
"""
SHAPES = [(2, 6, 5, 7), (1, 2, 5, 6, 7), (3, 2, 5, 4, 6)]


def sizes(prefix: str, t: int, w: int, h: int) -> dict[str, Any]:
    """Return a size in Lua's order."""
    return {f"{prefix}T": t, f"{prefix}W": w, f"{prefix}H": h}


GEOMETRY = {**sizes("k", 2, 3, 1), **sizes("d", 1, 2, 3), **sizes("pad", 1, 0, 2)}


@pytest.mark.parametrize("name", CLASSES.split())
def test_golden(name: str) -> None:
    check_fixtures(name)


def convolution(name: str, *, bias: bool = True, **more: Any) -> LuaObject:
    if bias:
        more["bias"] = tensor(normal(4))
    weight = tensor(normal(4, 2, 2, 1, 3))
    return obj(name, weight=weight, nInputPlane=2, nOutputPlane=4, **{**GEOMETRY, **more})


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("name", ["nn.VolumetricConvolution", "cudnn.VolumetricConvolution"])
def test_convolution(name: str, bias: bool, shape: tuple[int, ...]) -> None:
    output = compare(convolution(name, bias=bias), normal(*shape))

    t, h, w = shape[-3:]
    assert output.shape[-3:] == (t + 2 - 2 + 1, (h + 4 - 1) // 3 + 1, (w - 3) // 2 + 1)


@pytest.mark.parametrize("shape", SHAPES)
def test_dilated_convolution(shape: tuple[int, ...]) -> None:
    made = convolution("nn.VolumetricDilatedConvolution", **sizes("dilation", 3, 2, 2))
    compare(made, normal(*shape))


FULL = {**sizes("k", 2, 3, 2), **sizes("d", 2, 3, 1), **sizes("pad", 0, 1, 1)}


@pytest.mark.parametrize("shape", [(2, 3, 2, 4), (2, 2, 3, 4, 2)])
@pytest.mark.parametrize(
    "name", ["nn.VolumetricFullConvolution", "cudnn.VolumetricFullConvolution"]
)
def test_full_convolution(name: str, shape: tuple[int, ...]) -> None:
    made = obj(
        name,
        weight=tensor(normal(2, 3, 2, 2, 3)),
        bias=tensor(normal(3)),
        nInputPlane=2,
        nOutputPlane=3,
        **FULL,
        **sizes("adj", 1, 2, 0),
    )
    compare(made, normal(*shape))


def test_full_convolution_before_adj() -> None:
    """The weight was (outputs, inputs, ...) then, and the padding had shorter names."""
    weight = normal(3, 2, 2, 2, 3)
    pads = {f"p{name}": FULL[f"pad{name}"] for name in "TWH"}
    rest = {k: v for k, v in FULL.items() if not k.startswith("pad")}
    planes: dict[str, Any] = {"nInputPlane": 2, "nOutputPlane": 3, "bias": tensor(normal(3))}
    old = obj("nn.VolumetricFullConvolution", weight=tensor(weight), **planes, **rest, **pads)
    turned = tensor(np.ascontiguousarray(weight.swapaxes(0, 1)))
    new = obj("nn.VolumetricFullConvolution", weight=turned, adjW=0, **planes, **FULL)
    x = normal(2, 3, 2, 4)

    assert np.allclose(compare(old, x), compare(new, x), rtol=1e-13)


def test_full_convolution_to_the_size_of_a_target() -> None:
    made = obj(
        "nn.VolumetricFullConvolution",
        weight=tensor(normal(2, 3, 2, 2, 3)),
        nInputPlane=2,
        nOutputPlane=3,
        **FULL,
        **sizes("adj", 0, 0, 0),
    )
    x, target = normal(2, 3, 2, 4), normal(1, 7, 1, 12)
    output = converted(made).network([torch.from_numpy(x), torch.from_numpy(target)])

    assert tuple(output.shape) == (3, 7, 1, 12)
    call = reference(made, [x, target])
    assert np.allclose(call.output, output.detach(), rtol=1e-12)
    gx, gt = call.backward(call.output)
    assert gx.shape == x.shape
    assert gt.shape == target.shape
    assert not gt.any()


POOL = {**sizes("k", 2, 3, 2), **sizes("d", 1, 2, 3)}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("ceil_mode", [False, True])
@pytest.mark.parametrize("name", ["nn.VolumetricMaxPooling", "cudnn.VolumetricMaxPooling"])
def test_max_pooling(name: str, ceil_mode: bool, shape: tuple[int, ...]) -> None:
    strides = sizes("d", 1, 2, 1)  # no window starts beyond the volume
    made = obj(name, 2, ceil_mode=ceil_mode, **{**POOL, **strides}, **sizes("pad", 1, 1, 1))
    compare(made, normal(*shape))

    assert type(converted(made).network) is nn.MaxPool3d


def test_version_one_knew_no_ceil_mode() -> None:
    made = obj(
        "nn.VolumetricMaxPooling", 1, ceil_mode=True, **sizes("k", 2, 2, 2), **sizes("d", 2, 2, 2)
    )

    assert compare(made, normal(1, 5, 5, 5)).shape == (1, 2, 2, 2)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("ceil_mode", [False, True])
@pytest.mark.parametrize("pad", [0, 1])
def test_dilated_max_pooling(shape: tuple[int, ...], ceil_mode: bool, pad: int) -> None:
    made = obj(
        "nn.VolumetricDilatedMaxPooling",
        2,
        ceil_mode=ceil_mode,
        **{**POOL, **sizes("d", 1, 2, 1)},
        **sizes("pad", pad, 0, pad),
        **sizes("dilation", 2, 1, 2),
    )
    compare(made, normal(*shape))


def test_where_cpu_and_cuda_disagree_nothing_is_guessed() -> None:
    made = obj(
        "nn.VolumetricDilatedMaxPooling",
        2,
        **sizes("k", 4, 4, 4),
        **sizes("d", 1, 1, 1),
        **sizes("pad", 2, 0, 0),
        **sizes("dilation", 2, 1, 1),
    )
    with pytest.raises(ConversionError, match="disagree"):
        converted(made)
    with pytest.raises(ConversionError, match="disagree"):
        reference(made, normal(1, 9, 9, 9))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("ceil_mode", [False, True])
def test_average_pooling(shape: tuple[int, ...], ceil_mode: bool) -> None:
    pads = sizes("pad", 1, 1, 0)
    fields = {"ceil_mode": ceil_mode, **POOL, **pads}
    plain = compare(obj("nn.VolumetricAveragePooling", **fields), normal(*shape))

    assert plain.shape[-3] == shape[-3] - 1  # nn's class has no padding, whatever the file says
    padded = compare(obj("cudnn.VolumetricAveragePooling", **fields), normal(*shape))
    assert padded.shape[-3] == shape[-3] + 1
