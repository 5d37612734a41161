"""The Lua modules of layers that change shapes: Flatten, paddings, upsampling."""

from __future__ import annotations

from typing import Any

from torch import nn

from t7convert.export.torch7_building import Place, builds
from t7convert.export.torch7_rules import long_storage
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


@builds(nn.ZeroPad2d, nn.ReflectionPad2d, nn.ReplicationPad2d)
def pad2d(module: Any, place: Place) -> LuaModule:
    names = {
        nn.ZeroPad2d: "nn.SpatialZeroPadding",
        nn.ReflectionPad2d: "nn.SpatialReflectionPadding",
        nn.ReplicationPad2d: "nn.SpatialReplicationPadding",
    }
    left, right, top, bottom = module.padding
    place.network.rank = 3
    return place.lua(names[type(module)], pad_l=left, pad_r=right, pad_t=top, pad_b=bottom)


@builds(nn.Upsample, nn.UpsamplingNearest2d)
def upsample(module: nn.Upsample, place: Place) -> LuaModule:
    scale = module.scale_factor
    sides = set(scale) if isinstance(scale, tuple) else {scale}
    place.require(module.mode == "nearest", f"mode={module.mode!r}: only nearest is equal")
    place.require(module.size is None and len(sides) == 1, "one scale_factor for both sides")
    factor = sides.pop()
    whole = factor is not None and float(factor).is_integer() and factor >= 1
    place.require(whole, f"scale_factor={factor}, expected a whole number")
    place.network.rank = 3
    return place.lua("nn.SpatialUpSamplingNearest", scale_factor=int(float(factor or 1)))
