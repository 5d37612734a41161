"""Preprocessing as fb.resnet.torch does it, Pillow's as an option."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from t7convert.fetch.schema import (
    CIFAR10_PREPROCESSING,
    CIFAR100_PREPROCESSING,
    IMAGENET_PREPROCESSING,
)
from t7convert.vision.images import (
    ImageError,
    open_image,
    rgb_values,
)
from t7convert.vision.resample import scale_bicubic
from t7convert.vision.transforms import Transform, center_crop, ten_crops, transform_for

F = np.float32
MEAN = np.array([0.485, 0.456, 0.406], F).reshape(3, 1, 1)
STD = np.array([0.229, 0.224, 0.225], F).reshape(3, 1, 1)


@pytest.fixture
def pixels() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (375, 500, 3), np.uint8)


def test_the_whole_chain(pixels: np.ndarray) -> None:
    """Scale, normalise, crop, in Lua's order; ceil((341 - 224) / 2) = 59 from the left."""
    values = pixels.transpose(2, 0, 1).astype(F) * F(1 / 255)
    scaled = scale_bicubic(values, 341, 256)
    expected = ((scaled - MEAN) / STD)[:, 16:240, 59:283]

    found = transform_for(IMAGENET_PREPROCESSING)(Image.fromarray(pixels))

    assert found.dtype == torch.float32
    assert found.shape == (3, 224, 224)
    assert np.array_equal(found.numpy(), expected)


def test_bytes_are_multiplied_not_divided() -> None:
    image = Image.fromarray(np.arange(256, dtype=np.uint8).reshape(1, 256))
    found = rgb_values(image)

    assert np.array_equal(found[0, 0], np.arange(256).astype(F) * F(1 / 255))
    assert not np.array_equal(found[0, 0], np.arange(256).astype(F) / F(255))


def test_same_size_is_not_resized() -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (256, 300, 3), np.uint8)
    values = pixels.transpose(2, 0, 1).astype(F) * F(1 / 255)

    found = transform_for(replace(IMAGENET_PREPROCESSING, crop=None))(Image.fromarray(pixels))

    assert np.array_equal(found.numpy(), (values - MEAN) / STD)


@pytest.mark.parametrize("kind", ["path", "image", "bytes", "floats", "tensor"])
def test_every_kind_of_input_is_the_same(kind: str, pixels: np.ndarray, tmp_path: Path) -> None:
    planes = np.ascontiguousarray(pixels.transpose(2, 0, 1))
    Image.fromarray(pixels).save(tmp_path / "a.png")
    given: dict[str, Any] = {
        "path": tmp_path / "a.png",
        "image": Image.fromarray(pixels),
        "bytes": planes,
        "floats": planes.astype(F) * F(1 / 255),
        "tensor": torch.from_numpy(planes),
    }
    transform = transform_for(IMAGENET_PREPROCESSING)

    assert torch.equal(transform(given[kind]), transform(given["image"]))


@pytest.mark.parametrize(("height", "width"), [(7, 8), (8, 7), (5, 5), (6, 9)])
def test_center_crop_rounds_up(height: int, width: int) -> None:
    image = np.arange(3 * height * width, dtype=F).reshape(3, height, width)
    top, left = math.ceil((height - 5) / 2), math.ceil((width - 5) / 2)

    assert np.array_equal(center_crop(image, 5), image[:, top : top + 5, left : left + 5])


def test_crop_of_a_small_image() -> None:
    with pytest.raises(ImageError, match="4x9 is smaller than the crop, 5"):
        center_crop(np.zeros((3, 9, 4), F), 5)


def test_ten_crops_in_luas_order() -> None:
    image = np.random.default_rng(2).random((3, 8, 9)).astype(F)
    mirrored = image[..., ::-1]
    found = ten_crops(image, 5)

    assert found.shape == (10, 3, 5, 5)
    for start, view in ((0, image), (5, mirrored)):
        corners = (view[:, :5, :5], view[:, :5, 4:], view[:, 3:, :5], view[:, 3:, 4:])
        assert np.array_equal(found[start], center_crop(view, 5))
        for number, corner in enumerate(corners, start + 1):
            assert np.array_equal(found[number], corner)


def test_ten_crop_transform(pixels: np.ndarray) -> None:
    image = Image.fromarray(pixels)
    crops = transform_for(IMAGENET_PREPROCESSING, ten_crop=True)(image)

    assert crops.shape == (10, 3, 224, 224)
    assert torch.equal(crops[0], transform_for(IMAGENET_PREPROCESSING)(image))


def test_ten_crops_need_a_crop(pixels: np.ndarray) -> None:
    with pytest.raises(ImageError, match="no ten crops"):
        transform_for(CIFAR10_PREPROCESSING, ten_crop=True)
    with pytest.raises(ImageError, match="ten crops"):
        Transform(CIFAR10_PREPROCESSING, ten_crop=True)(Image.fromarray(pixels))


@pytest.mark.parametrize("interpolation", ["torch7-bicubic", "pillow-bicubic"])
def test_a_strip_does_not_fill_the_memory(tmp_path: Path, interpolation: Any) -> None:
    Image.new("RGB", (5000, 2)).save(tmp_path / "a.png")
    with pytest.raises(ImageError, match=r"a\.png: a picture of 5000x2 would become .*640000x256"):
        transform_for(IMAGENET_PREPROCESSING, interpolation=interpolation)(tmp_path / "a.png")


def test_pillow_differs_as_the_documents_say(pixels: np.ndarray) -> None:
    """Pillow smooths where it shrinks; on noise the two are far apart, on a slope they are near."""
    slope = np.linspace(0, 255, 500).astype(np.uint8)[None, :, None]
    smooth = np.ascontiguousarray(np.broadcast_to(slope, (375, 500, 3)))
    torch7 = transform_for(IMAGENET_PREPROCESSING)
    with_pillow = transform_for(IMAGENET_PREPROCESSING, interpolation="pillow-bicubic")
    noise, even = (
        float((torch7(Image.fromarray(p)) - with_pillow(Image.fromarray(p))).abs().max()) * 0.225
        for p in (pixels, smooth)
    )

    assert noise > 0.3
    assert 0 < even < 0.02


def test_pillow_option_is_pillows(pixels: np.ndarray) -> None:
    resized = Image.fromarray(pixels).resize((341, 256), Image.Resampling.BICUBIC)
    expected = (rgb_values(resized) - MEAN) / STD
    transform = transform_for(IMAGENET_PREPROCESSING, interpolation="pillow-bicubic")

    assert np.array_equal(transform(Image.fromarray(pixels)).numpy(), center_crop(expected, 224))
    planes = np.ascontiguousarray(pixels.transpose(2, 0, 1))
    assert np.array_equal(transform(planes).numpy(), center_crop(expected, 224))


@pytest.mark.parametrize(
    ("preprocessing", "mean", "std"),
    [
        (CIFAR10_PREPROCESSING, (125.3, 123.0, 113.9), (63.0, 62.1, 66.7)),
        (CIFAR100_PREPROCESSING, (129.3, 124.1, 112.4), (68.2, 65.4, 70.4)),
    ],
)
def test_cifar(preprocessing: Any, mean: tuple[float, ...], std: tuple[float, ...]) -> None:
    planes = np.random.default_rng(3).integers(0, 256, (3, 32, 32), np.uint8)
    shaped = (np.array(mean, F).reshape(3, 1, 1), np.array(std, F).reshape(3, 1, 1))

    found = transform_for(preprocessing)(planes)

    assert np.array_equal(found.numpy(), (planes.astype(F) - shaped[0]) / shaped[1])


def test_truncated_picture(tmp_path: Path, pixels: np.ndarray) -> None:
    path = tmp_path / "a.jpg"
    Image.fromarray(pixels).save(path)
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(ImageError, match=r"can't be decoded.*truncated"):
        open_image(path)


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.zeros((4, 4, 3), np.uint8), r"shape \(3, H, W\)"),
        (np.zeros((3, 4, 4), np.int64), "bytes or floats"),
        (np.zeros((3, 0, 4), np.uint8), r"shape \(3, H, W\)"),
    ],
)
def test_wrong_arrays(array: np.ndarray, words: str) -> None:
    with pytest.raises(ImageError, match=words):
        transform_for(CIFAR10_PREPROCESSING)(array)
