"""The Lua modules of poolings. Lua names width before height."""

from __future__ import annotations

from typing import Any

from torch import nn

from t7convert.export.torch7.building import Place, builds
from t7convert.export.torch7.convolution import as_image, sizes, window
from t7convert.lua.tree import LuaModule


def _of_images(place: Place) -> None:
    place.require(place.network.rank in (0, 3), "torch/nn's takes images")
    place.network.rank = 3


def _of_series(module: Any, place: Place) -> dict[str, int]:
    """Return the window of a pooling of series, as one of images one pixel high."""
    place.require(place.network.rank in (0, 2), "it takes series of planes")
    place.network.rank = 2
    stride = module.kernel_size if module.stride is None else module.stride
    return {
        **{"kH": 1, "dH": 1, "padH": 0, "kW": sizes(module.kernel_size, 1)[0]},
        "dW": sizes(stride, 1)[0],
        "padW": sizes(module.padding, 1)[0],
    }


def _max(place: Place, fields: dict[str, Any], dilation: tuple[int, ...]) -> LuaModule:
    if dilation == (1, 1):
        return place.lua("nn.SpatialMaxPooling", **fields)
    dilated = {"dilationH": dilation[0], "dilationW": dilation[1]}
    return place.lua("nn.SpatialDilatedMaxPooling", **fields, **dilated)


@builds(nn.MaxPool1d)
def max_pool1d(module: nn.MaxPool1d, place: Place) -> LuaModule:
    place.require(not module.return_indices, "return_indices")
    fields = {**_of_series(module, place), "ceil_mode": module.ceil_mode}
    return as_image(place, _max(place, fields, (1, sizes(module.dilation, 1)[0])))


@builds(nn.MaxPool2d)
def max_pool2d(module: nn.MaxPool2d, place: Place) -> LuaModule:
    place.require(not module.return_indices, "return_indices")
    _of_images(place)
    fields = {**window(module, 2), "ceil_mode": module.ceil_mode}
    return _max(place, fields, sizes(module.dilation, 2))


@builds(nn.MaxPool3d)
def max_pool3d(module: nn.MaxPool3d, place: Place) -> LuaModule:
    place.require(not module.return_indices, "return_indices")
    place.require(sizes(module.dilation, 3) == (1, 1, 1), "nn.VolumetricMaxPooling: dilation")
    place.network.rank = 4
    return place.lua("nn.VolumetricMaxPooling", **window(module, 3), ceil_mode=module.ceil_mode)


def _average(module: Any, place: Place, fields: dict[str, int]) -> LuaModule:
    return place.lua(
        "nn.SpatialAveragePooling",
        **fields,
        ceil_mode=module.ceil_mode,
        count_include_pad=module.count_include_pad,
        divide=True,
    )


@builds(nn.AvgPool1d)
def avg_pool1d(module: nn.AvgPool1d, place: Place) -> LuaModule:
    return as_image(place, _average(module, place, _of_series(module, place)))


@builds(nn.AvgPool2d)
def avg_pool2d(module: nn.AvgPool2d, place: Place) -> LuaModule:
    place.require(module.divisor_override is None, "divisor_override")
    _of_images(place)
    return _average(module, place, window(module, 2))


@builds(nn.AvgPool3d)
def avg_pool3d(module: nn.AvgPool3d, place: Place) -> LuaModule:
    plain = not module.ceil_mode and set(sizes(module.padding, 3)) == {0}
    plain = plain and module.divisor_override is None
    place.require(plain, "nn.VolumetricAveragePooling has no padding, ceil_mode or divisor")
    place.network.rank = 4
    fields = {name: n for name, n in window(module, 3).items() if not name.startswith("pad")}
    return place.lua("nn.VolumetricAveragePooling", **fields)


def _target(module: Any, place: Place) -> tuple[int, int]:
    height, width = sizes(module.output_size, 2) if module.output_size else (None, None)
    place.require(height is not None and width is not None, "output_size names no number")
    return int(height or 0), int(width or 0)


@builds(nn.AdaptiveAvgPool1d)
def adaptive_avg_pool1d(module: nn.AdaptiveAvgPool1d, place: Place) -> LuaModule:
    place.require(place.network.rank in (0, 2), "it takes series of planes")
    place.network.rank = 2
    width = sizes(module.output_size, 1)[0]
    return as_image(place, place.lua("nn.SpatialAdaptiveAveragePooling", H=1, W=width))


@builds(nn.AdaptiveAvgPool2d)
def adaptive_avg_pool2d(module: nn.AdaptiveAvgPool2d, place: Place) -> LuaModule:
    _of_images(place)
    height, width = _target(module, place)
    return place.lua("nn.SpatialAdaptiveAveragePooling", H=height, W=width)


@builds(nn.AdaptiveMaxPool2d)
def adaptive_max_pool2d(module: nn.AdaptiveMaxPool2d, place: Place) -> LuaModule:
    """Torch7 computes the windows in C ``float``, which is exact for powers of two only."""
    place.require(not module.return_indices, "return_indices")
    _of_images(place)
    height, width = _target(module, place)
    exact = all(n & (n - 1) == 0 for n in (height, width))
    place.require(exact, "Torch7 rounds windows otherwise unless there are 1, 2, 4, 8...")
    return place.lua("nn.SpatialAdaptiveMaxPooling", H=height, W=width)
