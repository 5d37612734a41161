"""The Lua modules of convolutions. Lua names width before height."""

from __future__ import annotations

from typing import Any

from torch import nn

from t7convert.export.torch7.building import Place, builds
from t7convert.lua.tree import LuaModule

_AXES = {2: ("H", "W"), 3: ("T", "H", "W")}


def sizes(value: Any, count: int) -> tuple[int, ...]:
    """Return one number for each side."""
    return (value,) * count if isinstance(value, int) else tuple(value)


def window(module: Any, count: int) -> dict[str, int]:
    """Return kW, kH, dW, dH, padW, padH (and T) of a module."""
    fields: dict[str, int] = {}
    stride = module.kernel_size if module.stride is None else module.stride
    for prefix, value in (("k", module.kernel_size), ("d", stride), ("pad", _padding(module))):
        pairs = zip(_AXES[count], sizes(value, count), strict=True)
        fields |= {prefix + axis: n for axis, n in pairs}
    return fields


def _padding(module: Any) -> Any:
    """Return what is added on both sides; ``same`` adds as much as the kernel takes away."""
    if not isinstance(module.padding, str):
        return module.padding
    if module.padding == "valid":
        return 0
    spans = zip(module.kernel_size, module.dilation, strict=True)
    return tuple(dilation * (kernel - 1) // 2 for kernel, dilation in spans)


def as_image(place: Place, inner: LuaModule) -> LuaModule:
    """Return a module of series made of one of images: planes one pixel high."""
    higher = place.lua("nn.Unsqueeze", pos=2, numInputDims=2)
    return place.sequential(higher, inner, place.lua("nn.Squeeze", dim=2, numInputDims=3))


def _check(module: Any, place: Place, count: int) -> None:
    if isinstance(module.padding, str):
        spans = zip(module.kernel_size, module.dilation, strict=True)
        even = all(dilation * (kernel - 1) % 2 == 0 for kernel, dilation in spans)
        fits = module.padding == "valid" or even
        place.require(fits, f"padding={module.padding!r} of an even kernel adds more on one side")
    rank = place.network.rank
    place.require(rank in (0, count + 1), f"a sample has {rank} dimensions here, not {count + 1}")
    place.network.rank = count + 1


def _zeros_only(module: Any, place: Place) -> None:
    place.require(module.padding_mode == "zeros", f"padding_mode={module.padding_mode!r}")


def _planes(module: Any) -> dict[str, Any]:
    return {
        "nInputPlane": module.in_channels,
        "nOutputPlane": module.out_channels,
        "weight": module.weight,
        "bias": module.bias,
    }


@builds(nn.Conv1d)
def conv1d(module: nn.Conv1d, place: Place) -> LuaModule:
    """A convolution of images one pixel high.

    ``TemporalConvolution`` has neither padding, dilation nor groups and always a bias; and its
    weight lies otherwise, so that one layer with padding could not share it with one without.
    """
    _check(module, place, 1)
    _zeros_only(module, place)
    fields = {
        **_planes(module),
        "weight": module.weight.unsqueeze(2),
        **{"kH": 1, "dH": 1, "padH": 0, "kW": sizes(module.kernel_size, 1)[0]},
        "dW": sizes(module.stride, 1)[0],
        "padW": sizes(_padding(module), 1)[0],
    }
    dilation = (1, sizes(module.dilation, 1)[0])
    return as_image(place, _spatial(place, fields, dilation, module.groups))


@builds(nn.Conv2d)
def conv2d(module: nn.Conv2d, place: Place) -> LuaModule:
    """``SpatialConvolution``, ``SpatialDilatedConvolution``; of groups cudnn's, or several."""
    _check(module, place, 2)
    fields = {**_planes(module), **window(module, 2)}
    padding = None
    if module.padding_mode != "zeros" and (fields["padH"] or fields["padW"]):
        names = {"reflect": "Reflection", "replicate": "Replication"}
        place.require(module.padding_mode in names, f"padding_mode={module.padding_mode!r}")
        sides = dict.fromkeys(("pad_l", "pad_r"), fields["padW"])
        sides |= dict.fromkeys(("pad_t", "pad_b"), fields["padH"])
        padding = place.lua(f"nn.Spatial{names[module.padding_mode]}Padding", **sides)
        fields |= {"padH": 0, "padW": 0}
    made = _spatial(place, fields, sizes(module.dilation, 2), module.groups)
    return made if padding is None else place.sequential(padding, made)


def _spatial(
    place: Place, fields: dict[str, Any], dilation: tuple[int, ...], groups: int
) -> LuaModule:
    if groups > 1 and place.network.groups and dilation == (1, 1):
        return place.lua("cudnn.SpatialConvolution", **fields, groups=groups)
    name = "nn.SpatialConvolution"
    if dilation != (1, 1):
        name = "nn.SpatialDilatedConvolution"
        fields |= {"dilationH": dilation[0], "dilationW": dilation[1]}
    return _grouped(place, name, fields, groups, "nOutputPlane")


def _grouped(
    place: Place, typename: str, fields: dict[str, Any], groups: int, planes: str
) -> LuaModule:
    """Return a convolution; of groups, one for each, its weight a part of the whole one.

    Args:
        place: of the convolution.
        typename: its class.
        fields: its fields, of all groups.
        groups: their number.
        planes: the field that says how long the weight is in its first dimension.
    """
    if groups == 1:
        return place.lua(typename, **fields)
    inputs, outputs = fields["nInputPlane"] // groups, fields["nOutputPlane"] // groups
    length, bias = fields[planes] // groups, fields["bias"]
    ways = []
    for group in range(groups):
        own = {"nInputPlane": inputs, "nOutputPlane": outputs}
        own["weight"] = fields["weight"].narrow(0, group * length, length)
        own["bias"] = None if bias is None else bias.narrow(0, group * outputs, outputs)
        part = place.lua("nn.Narrow", dimension=-3, index=group * inputs + 1, length=inputs)
        ways.append(place.sequential(part, place.lua(typename, **{**fields, **own})))
    joined = place.lua("nn.JoinTable", dimension=1, nInputDims=3)
    return place.sequential(place.lua("nn.ConcatTable", modules=ways), joined)


@builds(nn.ConvTranspose1d)
def conv_transpose1d(module: nn.ConvTranspose1d, place: Place) -> LuaModule:
    """A transposed convolution of images one pixel high."""
    _full(module, place, 1)
    fields = {
        **_planes(module),
        "weight": module.weight.unsqueeze(2),
        **{"kH": 1, "dH": 1, "padH": 0, "adjH": 0, "kW": module.kernel_size[0]},
        "dW": module.stride[0],
        "padW": sizes(module.padding, 1)[0],
        "adjW": sizes(module.output_padding, 1)[0],
    }
    made = _grouped(place, "nn.SpatialFullConvolution", fields, module.groups, "nInputPlane")
    return as_image(place, made)


@builds(nn.ConvTranspose2d)
def conv_transpose2d(module: nn.ConvTranspose2d, place: Place) -> LuaModule:
    _full(module, place, 2)
    adjusted = sizes(module.output_padding, 2)
    fields = {**_planes(module), **window(module, 2), "adjH": adjusted[0], "adjW": adjusted[1]}
    return _grouped(place, "nn.SpatialFullConvolution", fields, module.groups, "nInputPlane")


def _full(module: Any, place: Place, count: int) -> None:
    _check(module, place, count)
    _zeros_only(module, place)
    plain = set(sizes(module.dilation, count)) == {1}
    place.require(plain, "nn.SpatialFullConvolution has no dilation")
    # Torch7 refuses more; PyTorch takes it where the dilation is larger, which is none here
    pairs = zip(sizes(module.output_padding, count), sizes(module.stride, count), strict=True)
    place.require(all(n < step or n == 0 for n, step in pairs), "output_padding >= stride")


@builds(nn.Conv3d)
def conv3d(module: nn.Conv3d, place: Place) -> LuaModule:
    _check(module, place, 3)
    _zeros_only(module, place)
    place.require(module.groups == 1, "nn.VolumetricConvolution has no groups")
    place.require(sizes(module.dilation, 3) == (1, 1, 1), "nn.VolumetricConvolution: dilation")
    return place.lua("nn.VolumetricConvolution", **_planes(module), **window(module, 3))
