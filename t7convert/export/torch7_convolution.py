"""The Lua modules of convolutions and poolings. Lua names width before height."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from t7convert.export.torch7_building import Place, builds
from t7convert.lua.tree import LuaModule

_AXES = {2: ("H", "W"), 3: ("T", "H", "W")}


def _sizes(value: Any, count: int) -> tuple[int, ...]:
    return (value,) * count if isinstance(value, int) else tuple(value)


def _window(module: Any, count: int, *, stride: str = "stride") -> dict[str, int]:
    """Return kW, kH, dW, dH, padW, padH (and T) of a module."""
    fields: dict[str, int] = {}
    for prefix, value in (("k", module.kernel_size), ("d", getattr(module, stride))):
        sizes = _sizes(value, count)
        fields |= {prefix + axis: n for axis, n in zip(_AXES[count], sizes, strict=True)}
    for axis, n in zip(_AXES[count], _sizes(module.padding, count), strict=True):
        fields["pad" + axis] = n
    return fields


def _check(module: Any, place: Place, rank: int) -> None:
    place.require(module.padding_mode == "zeros", f"padding_mode={module.padding_mode!r}")
    place.require(not isinstance(module.padding, str), f"padding={module.padding!r}")
    place.network.rank = rank


def _planes(module: Any) -> dict[str, Any]:
    return {
        "nInputPlane": module.in_channels,
        "nOutputPlane": module.out_channels,
        "weight": module.weight,
        "bias": module.bias,
    }


@builds(nn.Conv1d)
def conv1d(module: nn.Conv1d, place: Place) -> LuaModule:
    """``TemporalConvolution``, which takes (batch, time, features): so between two Transposes."""
    _check(module, place, 2)
    plain = (module.padding, module.dilation, module.groups) == ((0,), (1,), 1)
    place.require(plain, "nn.TemporalConvolution has no padding, dilation or groups")
    weight = place.network.derived(
        module.weight, lambda w: w.permute(0, 2, 1).reshape(module.out_channels, -1)
    )
    convolution = place.lua(
        "nn.TemporalConvolution",
        inputFrameSize=module.in_channels,
        outputFrameSize=module.out_channels,
        kW=module.kernel_size[0],
        dW=module.stride[0],
        weight=weight,
        bias=module.bias if module.bias is not None else torch.zeros_like(weight[:, 0]),
    )
    # dimensions of one sample, so that a lone one is taken too
    turns = [place.lua("nn.Transpose", permutations=[[1, 2]], numInputDims=2) for _ in range(2)]
    return place.sequential(turns[0], convolution, turns[1])


@builds(nn.Conv2d)
def conv2d(module: nn.Conv2d, place: Place) -> LuaModule:
    """``SpatialConvolution``; with groups cudnn's, dilated ``SpatialDilatedConvolution``."""
    _check(module, place, 3)
    fields = {**_planes(module), **_window(module, 2)}
    dilation = _sizes(module.dilation, 2)
    if module.groups > 1:
        place.require(dilation == (1, 1), "groups and dilation together")
        return place.lua("cudnn.SpatialConvolution", **fields, groups=module.groups)
    if dilation != (1, 1):
        dilated = {"dilationH": dilation[0], "dilationW": dilation[1]}
        return place.lua("nn.SpatialDilatedConvolution", **fields, **dilated)
    return place.lua("nn.SpatialConvolution", **fields)


@builds(nn.ConvTranspose2d)
def conv_transpose2d(module: nn.ConvTranspose2d, place: Place) -> LuaModule:
    _check(module, place, 3)
    place.require(module.groups == 1, "nn.SpatialFullConvolution has no groups")
    place.require(_sizes(module.dilation, 2) == (1, 1), "nn.SpatialFullConvolution has no dilation")
    adjusted = _sizes(module.output_padding, 2)
    fields = {**_planes(module), **_window(module, 2), "adjH": adjusted[0], "adjW": adjusted[1]}
    return place.lua("nn.SpatialFullConvolution", **fields)


@builds(nn.Conv3d)
def conv3d(module: nn.Conv3d, place: Place) -> LuaModule:
    _check(module, place, 4)
    place.require(module.groups == 1, "nn.VolumetricConvolution has no groups")
    place.require(_sizes(module.dilation, 3) == (1, 1, 1), "nn.VolumetricConvolution: dilation")
    return place.lua("nn.VolumetricConvolution", **_planes(module), **_window(module, 3))


@builds(nn.MaxPool2d)
def max_pool2d(module: nn.MaxPool2d, place: Place) -> LuaModule:
    place.require(not module.return_indices, "return_indices")
    fields = {**_window(module, 2), "ceil_mode": module.ceil_mode}
    dilation = _sizes(module.dilation, 2)
    if dilation != (1, 1):
        fields |= {"dilationH": dilation[0], "dilationW": dilation[1]}
        return place.lua("nn.SpatialDilatedMaxPooling", **fields)
    return place.lua("nn.SpatialMaxPooling", **fields)


@builds(nn.MaxPool3d)
def max_pool3d(module: nn.MaxPool3d, place: Place) -> LuaModule:
    place.require(not module.return_indices, "return_indices")
    place.require(_sizes(module.dilation, 3) == (1, 1, 1), "nn.VolumetricMaxPooling: dilation")
    return place.lua("nn.VolumetricMaxPooling", **_window(module, 3), ceil_mode=module.ceil_mode)


@builds(nn.AvgPool2d)
def avg_pool2d(module: nn.AvgPool2d, place: Place) -> LuaModule:
    place.require(module.divisor_override is None, "divisor_override")
    return place.lua(
        "nn.SpatialAveragePooling",
        **_window(module, 2),
        ceil_mode=module.ceil_mode,
        count_include_pad=module.count_include_pad,
        divide=True,
    )


@builds(nn.AdaptiveAvgPool2d)
def adaptive_avg_pool2d(module: nn.AdaptiveAvgPool2d, place: Place) -> LuaModule:
    size = module.output_size
    height, width = (size, size) if isinstance(size, int) or size is None else size
    place.require(height is not None and width is not None, "output_size names no number")
    return place.lua("nn.SpatialAdaptiveAveragePooling", H=height, W=width)
