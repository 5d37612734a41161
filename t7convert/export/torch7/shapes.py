"""The Lua modules of layers that change shapes: Flatten, paddings, upsampling."""

from __future__ import annotations

from typing import Any

from torch import nn

from t7convert.export.torch7.building import Place, builds
from t7convert.export.torch7.rules import long_storage
from t7convert.lua.tree import LuaModule


def row_of(count: int) -> dict[str, Any]:
    """Return the field of a View that makes rows of so many numbers (-1: of all there are)."""
    return {"size": long_storage([count])}


@builds(nn.Flatten)
def flatten(module: nn.Flatten, place: Place) -> LuaModule:
    """``nn.View`` of one sample's rank, which the layers before it tell."""
    place.require((module.start_dim, module.end_dim) == (1, -1), "only Flatten(1, -1) is a View")
    place.require(place.network.rank > 0, "no layer before it tells the rank of its input")
    made = place.view(-1)
    place.network.view = made
    return made


@builds(nn.Unflatten)
def unflatten(module: nn.Unflatten, place: Place) -> LuaModule:
    """``nn.View`` of a row."""
    sizes = [int(n) for n in module.unflattened_size if isinstance(n, int)]
    plain = module.dim in (1, -1) and len(sizes) == len(module.unflattened_size)
    place.require(plain, "only Unflatten(1, sizes) is a View")
    place.require(place.network.rank == 1, "no layer before it tells that its input has rows")
    place.network.rank = len(sizes)
    place.network.view = None
    return place.lua("nn.View", size=long_storage(sizes), numInputDims=1)


@builds(nn.ZeroPad2d, nn.ReflectionPad2d, nn.ReplicationPad2d, nn.ConstantPad2d)
def pad2d(module: Any, place: Place) -> LuaModule:
    names = {
        nn.ReflectionPad2d: "nn.SpatialReflectionPadding",
        nn.ReplicationPad2d: "nn.SpatialReplicationPadding",
    }
    name = names.get(type(module), "nn.SpatialZeroPadding")
    place.require(not getattr(module, "value", 0), "torch/nn pads images with zeros only")
    left, right, top, bottom = module.padding
    place.network.rank = 3
    return place.lua(name, pad_l=left, pad_r=right, pad_t=top, pad_b=bottom)


@builds(nn.ZeroPad1d, nn.ConstantPad1d)
def pad1d(module: Any, place: Place) -> LuaModule:
    """An nn.Padding for each side of a series."""
    place.require(min(module.padding) >= 0, "nn.Padding takes nothing away")
    place.require(place.network.rank in (0, 2), "it takes series of planes")
    place.network.rank = 2
    before, after = module.padding
    common = {"dim": 2, "nInputDim": 2, "value": getattr(module, "value", 0), "index": 1}
    sides = [place.lua("nn.Padding", pad=pad, **common) for pad in (-before, after) if pad]
    return sides[0] if len(sides) == 1 else place.sequential(*sides)


@builds(nn.ReplicationPad3d)
def pad3d(module: nn.ReplicationPad3d, place: Place) -> LuaModule:
    names = ("pleft", "pright", "ptop", "pbottom", "pfront", "pback")
    place.network.rank = 4
    sides = dict(zip(names, module.padding, strict=True))
    return place.lua("nn.VolumetricReplicationPadding", **sides)


@builds(nn.Upsample, nn.UpsamplingNearest2d, nn.UpsamplingBilinear2d)
def upsample(module: nn.Upsample, place: Place) -> LuaModule:
    """Whole factors of images: nearest, and bilinear with aligned corners."""
    bilinear = module.mode == "bilinear" and bool(module.align_corners)
    place.require(
        module.mode == "nearest" or bilinear,
        f"mode={module.mode!r}, align_corners={module.align_corners}: torch/nn has nearest, and "
        "bilinear with align_corners=True",
    )
    place.require(place.network.rank in (0, 3), "torch/nn's takes images")
    place.network.rank = 3
    if module.size is not None:
        place.require(bilinear, "a size instead of a scale_factor")
        size = module.size
        height, width = (size, size) if isinstance(size, int) else size
        return place.lua("nn.SpatialUpSamplingBilinear", oheight=height, owidth=width)
    scale = module.scale_factor
    sides = set(scale) if isinstance(scale, tuple) else {scale}
    place.require(len(sides) == 1, "one scale_factor for both sides")
    factor = float(sides.pop() or 0)
    whole = factor.is_integer() and factor >= 1
    place.require(whole, f"scale_factor={factor:g}, expected a whole number")
    if factor == 1:  # which THNN refuses
        return place.lua("nn.Identity")
    name = "nn.SpatialUpSamplingBilinear" if bilinear else "nn.SpatialUpSamplingNearest"
    return place.lua(name, scale_factor=int(factor))


@builds(nn.PixelShuffle)
def pixel_shuffle(module: nn.PixelShuffle, place: Place) -> LuaModule:
    place.network.rank = 3
    return place.lua("nn.PixelShuffle", upscaleFactor=module.upscale_factor)
