"""Converters of nnx's padding and resampling of images."""

from __future__ import annotations

from torch import nn

import t7convert.nn.nnx_sampling as ours
from t7convert.conversion.layer import Layer
from t7convert.conversion.registry import converts


def _pair(m: Layer, prefix: str) -> tuple[float | None, float | None]:
    """Return ``<prefix>height, <prefix>width``; None where the file has none."""
    height, width = (
        None if m.get(name) is None else m.number(name)
        for name in (f"{prefix}height", f"{prefix}width")
    )
    return height, width


def _check_complete(m: Layer) -> None:
    for size, ratio in zip(_pair(m, "o"), _pair(m, "r"), strict=True):
        if size is None and ratio is None:
            raise m.error("it has neither a size nor a ratio")


def _rows_then_columns(m: Layer) -> int:
    y_dim, x_dim = m.integer("yDim"), m.integer("xDim")
    if x_dim != y_dim + 1:
        raise m.error(f"xDim is {x_dim}, expected {y_dim + 1}")
    return y_dim - 1


@converts("nn.SpatialPadding")
def spatial_padding(m: Layer) -> ours.SpatialPadding:
    pads = m.integer("pad_l"), m.integer("pad_r"), m.integer("pad_t"), m.integer("pad_b")
    return ours.SpatialPadding(
        pads, m.integer("y_dim") - 1, m.integer("x_dim") - 1, m.number("val")
    )


@converts("nn.SpatialUpSampling")
def spatial_up_sampling(m: Layer) -> ours.SpatialUpSampling:
    return ours.SpatialUpSampling(m.hw("d"), _rows_then_columns(m))


@converts("nn.SpatialDownSampling")
def spatial_down_sampling(m: Layer) -> ours.SpatialDownSampling:
    return ours.SpatialDownSampling(m.hw("r"))


@converts("nn.SpatialReSampling")
def spatial_re_sampling(m: Layer) -> ours.SpatialReSampling:
    _check_complete(m)
    return ours.SpatialReSampling(_pair(m, "o"), _pair(m, "r"))


@converts("nn.SpatialReSamplingEx")
def spatial_re_sampling_ex(m: Layer) -> ours.SpatialReSamplingEx:
    _check_complete(m)
    mode = m.require("mode")
    if mode not in ("simple", "average", "bilinear"):
        raise m.error(f"the mode is {mode!r}, expected simple, average or bilinear")
    return ours.SpatialReSamplingEx(_pair(m, "o"), _pair(m, "r"), mode, _rows_then_columns(m))


@converts("nn.SpatialMaxSampling")
def spatial_max_sampling(m: Layer) -> ours.SpatialMaxSampling:
    return ours.SpatialMaxSampling((m.integer("oheight"), m.integer("owidth")))


@converts("nn.PixelSort")
def pixel_sort(m: Layer) -> nn.PixelUnshuffle:
    return nn.PixelUnshuffle(m.integer("downscaleFactor"))
