"""Paddings and enlargements against Torch7 and against the reference."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from tests.build import obj
from tests.layers.compare import check_fixtures, compare, converted, normal, reference

CLASSES = """
PixelShuffle SpatialReflectionPadding SpatialReplicationPadding SpatialUpSamplingBilinear
SpatialUpSamplingNearest SpatialZeroPadding UpSampling VolumetricReplicationPadding
"""
SHAPES = [(2, 5, 6), (1, 2, 6, 5), (3, 2, 4, 7)]


@pytest.mark.parametrize("name", CLASSES.split())
def test_golden(name: str) -> None:
    check_fixtures(name)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("sides", [(1, 2, 3, 0), (-1, 2, 0, -2), (2, -1, -1, 3), (-1, -2, -1, -1)])
@pytest.mark.parametrize("kind", ["Zero", "Reflection", "Replication"])
def test_padding(kind: str, sides: tuple[int, ...], shape: tuple[int, ...]) -> None:
    fields = dict(zip(("pad_l", "pad_r", "pad_t", "pad_b"), sides, strict=True))
    output = compare(obj(f"nn.Spatial{kind}Padding", **fields), normal(*shape))

    assert output.shape[-1] == shape[-1] + sides[0] + sides[1]


def test_zeros_may_be_wider_than_the_image() -> None:
    fields = {"pad_l": 9, "pad_r": -3, "pad_t": 0, "pad_b": 8}
    compare(obj("nn.SpatialZeroPadding", **fields), normal(2, 4, 5))


def test_reflection_needs_enough_to_reflect() -> None:
    made = obj("nn.SpatialReflectionPadding", pad_l=4, pad_r=0, pad_t=0, pad_b=0)
    with pytest.raises(ValueError, match="too small"):
        reference(made, normal(1, 4, 4))
    with pytest.raises(RuntimeError, match="less than"):
        converted(made).network(torch.zeros(1, 4, 4, dtype=torch.float64))


@pytest.mark.parametrize("kind", ["Zero", "Reflection", "Replication"])
def test_too_small_an_image_is_an_error(kind: str) -> None:
    made = obj(f"nn.Spatial{kind}Padding", pad_l=-3, pad_r=-3, pad_t=0, pad_b=0)
    with pytest.raises(ValueError, match="too small"):
        reference(made, normal(1, 4, 4))
    with pytest.raises(RuntimeError):
        converted(made).network(torch.zeros(1, 4, 4, dtype=torch.float64))


@pytest.mark.parametrize("shape", [(2, 4, 5, 3), (2, 1, 3, 4, 5)])
@pytest.mark.parametrize("sides", [(1, 2, 0, 3, 2, 1), (-1, 2, -1, 0, 1, -1)])
def test_volumes(sides: tuple[int, ...], shape: tuple[int, ...]) -> None:
    names = ("pleft", "pright", "ptop", "pbottom", "pfront", "pback")
    made = obj("nn.VolumetricReplicationPadding", **dict(zip(names, sides, strict=True)))
    output = compare(made, normal(*shape))

    assert output.shape[-3] == shape[-3] + sides[4] + sides[5]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("scale", [1, 2, 3])
def test_nearest(scale: int, shape: tuple[int, ...]) -> None:
    compare(obj("nn.SpatialUpSamplingNearest", scale_factor=scale), normal(*shape))


@pytest.mark.parametrize("shape", [*SHAPES, (2, 1, 1), (1, 25, 19)])
@pytest.mark.parametrize(
    "fields",
    [
        {"scale_factor": 2},
        {"scale_factor": 3},
        {"owidth": 9, "oheight": 7},
        {"owidth": 1, "oheight": 4},
        {"owidth": 6, "oheight": 5},
    ],
)
def test_bilinear(fields: dict[str, int], shape: tuple[int, ...]) -> None:
    output = compare(obj("nn.SpatialUpSamplingBilinear", **fields), normal(*shape))

    if "oheight" in fields:
        assert output.shape[-2:] == (fields["oheight"], fields["owidth"])


def test_bilinear_coordinates_are_single_precision() -> None:
    x = normal(1, 1, 25, 19)
    output = compare(obj("nn.SpatialUpSamplingBilinear", owidth=64, oheight=51), x)
    exact = nn.Upsample((51, 64), mode="bilinear", align_corners=True)(torch.from_numpy(x))
    off = np.abs(output - exact.numpy()).max()

    assert 1e-9 < off < 1e-5


@pytest.mark.parametrize("shape", [(2, 2, 4, 3), (1, 2, 3, 4, 2)])
@pytest.mark.parametrize(
    "fields",
    [
        {"mode": "nearest", "scale_factor": 2},
        {"mode": "linear", "scale_factor": 3},
        {"mode": "linear", "owidth": 7, "oheight": 5, "odepth": 6},
    ],
)
def test_up_sampling(fields: dict[str, Any], shape: tuple[int, ...]) -> None:
    compare(obj("nn.UpSampling", **fields), normal(*shape))


def test_up_sampling_of_images_needs_no_depth() -> None:
    made = obj("nn.UpSampling", mode="linear", owidth=7, oheight=5)

    assert compare(made, normal(2, 2, 4, 3)).shape == (2, 2, 5, 7)
    with pytest.raises(ValueError, match="3 sizes"):
        converted(made).network(torch.zeros(1, 1, 2, 2, 2, dtype=torch.float64))
    with pytest.raises(ValueError, match="expected 4 or 5"):
        reference(made, normal(2, 4, 3))


@pytest.mark.parametrize("shape", [(18, 3, 4), (2, 9, 4, 3)])
def test_pixel_shuffle(shape: tuple[int, ...]) -> None:
    compare(obj("nn.PixelShuffle", upscaleFactor=3, upscaleFactorSquared=9), normal(*shape))
