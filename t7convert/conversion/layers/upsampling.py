"""Converters of the enlargements."""

from __future__ import annotations

from torch import nn

from t7convert.conversion.layer import Layer
from t7convert.conversion.registry import converts
from t7convert.nn.upsampling import UpsampleLinear, UpsampleNearest


@converts("nn.SpatialUpSamplingNearest")
def spatial_up_sampling_nearest(m: Layer) -> UpsampleNearest:
    return UpsampleNearest(m.integer("scale_factor"), dims=2)


def _linear(m: Layer, dims: int | None) -> UpsampleLinear:
    if m.get("scale_factor") is not None:
        return UpsampleLinear(scale=m.integer("scale_factor"), dims=dims)
    depth = [] if m.get("odepth") is None else [m.integer("odepth")]
    return UpsampleLinear(size=[*depth, m.integer("oheight"), m.integer("owidth")], dims=dims)


@converts("nn.SpatialUpSamplingBilinear")
def spatial_up_sampling_bilinear(m: Layer) -> UpsampleLinear:
    return _linear(m, dims=2)


@converts("nn.UpSampling")
def up_sampling(m: Layer) -> UpsampleNearest | UpsampleLinear:
    if m.require("mode") == "linear":
        return _linear(m, dims=None)
    return UpsampleNearest(m.integer("scale_factor"))


@converts("nn.PixelShuffle")
def pixel_shuffle(m: Layer) -> nn.PixelShuffle:
    return nn.PixelShuffle(m.integer("upscaleFactor"))
