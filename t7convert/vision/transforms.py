"""From a picture to the network's input, as fb.resnet.torch's ``transforms.lua`` does it."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from t7convert.fetch.schema import Interpolation, Preprocessing
from t7convert.vision.images import ImageError, open_image, pillow, rgb_bytes, rgb_values
from t7convert.vision.resample import scale_bicubic, scaled_size

Floats = npt.NDArray[np.float32]

_MOST_PIXELS = 1 << 24  # after resizing: a strip more than 256 times as long as it is wide


@dataclass(frozen=True)
class Transform:
    """A callable that preprocesses one picture.

    Takes a path, a ``PIL.Image.Image``, or RGB pixels: an array or tensor of shape (3, H, W), bytes
    or floats from 0 to 1. Returns a float32 tensor (3, H, W), or (10, 3, H, W) with ``ten_crop``.

    Attributes:
        preprocessing: sizes, mean and standard deviation, kind of resizing.
        ten_crop: the centre and the four corners, and the same of the mirrored image.
    """

    preprocessing: Preprocessing
    ten_crop: bool = False

    def __call__(self, image: Any) -> torch.Tensor:
        """Return the network's input.

        Raises:
            ImageError: if the picture can't be read, or is smaller than the crop.
        """
        if not isinstance(image, (str, os.PathLike)):
            return self._prepared(_as_picture(image))
        picture = open_image(image)
        try:
            return self._prepared(picture)
        except ImageError as error:
            raise ImageError(f"{os.fspath(image)}: {error}") from error

    def _prepared(self, picture: Any) -> torch.Tensor:
        values = _normalise(_resized(picture, self.preprocessing), self.preprocessing)
        if self.ten_crop:
            return torch.from_numpy(ten_crops(values, self._crop_size()))
        if self.preprocessing.crop is None:
            return torch.from_numpy(values)
        return torch.from_numpy(center_crop(values, self.preprocessing.crop))

    def _crop_size(self) -> int:
        if self.preprocessing.crop is None:
            raise ImageError(f"{self.preprocessing.name}: ten crops of uncropped pictures")
        return self.preprocessing.crop


def transform_for(
    preprocessing: Preprocessing,
    *,
    ten_crop: bool = False,
    interpolation: Interpolation | None = None,
) -> Transform:
    """Return the transform, with another kind of resizing if ``interpolation`` is given.

    Raises:
        ImageError: if ten crops are asked for and the preprocessing crops nothing.
    """
    if ten_crop and preprocessing.crop is None:
        raise ImageError(f"{preprocessing.name}: there are no ten crops, nothing is cropped")
    if interpolation is not None:
        preprocessing = replace(preprocessing, interpolation=interpolation)
    return Transform(preprocessing, ten_crop)


def center_crop(image: Floats, size: int) -> Floats:
    """Return the centre of (3, H, W): a rest of one pixel is cut off on the left and top.

    ``CenterCrop`` begins at ``math.ceil((w - size) / 2)``, counted from 0.

    Raises:
        ImageError: if the image is smaller.
    """
    height, width = image.shape[-2:]
    if min(height, width) < size:
        raise ImageError(f"a picture of {width}x{height} is smaller than the crop, {size}")
    top, left = math.ceil((height - size) / 2), math.ceil((width - size) / 2)
    return np.ascontiguousarray(image[..., top : top + size, left : left + size])


def ten_crops(image: Floats, size: int) -> Floats:
    """Return ``TenCrop``'s crops (10, 3, size, size): centre and corners, then mirrored."""
    crops = []
    for view in (image, image[..., ::-1]):
        crops += [
            center_crop(view, size),
            view[..., :size, :size],
            view[..., :size, -size:],
            view[..., -size:, :size],
            view[..., -size:, -size:],
        ]
    return np.stack(crops)


def _as_picture(image: Any) -> Any:
    """Return a PIL image, or values (3, H, W) from 0 to 1."""
    if isinstance(image, torch.Tensor):
        image = image.detach().cpu().numpy()
    if not isinstance(image, np.ndarray):
        return image
    if image.ndim != 3 or image.shape[0] != 3 or 0 in image.shape:
        raise ImageError(f"expected RGB pixels of shape (3, H, W), not {tuple(image.shape)}")
    if image.dtype == np.uint8:
        return image.astype(np.float32) * np.float32(1 / 255)
    if image.dtype.kind != "f":
        raise ImageError(f"expected bytes or floats from 0 to 1, not {image.dtype}")
    return image.astype(np.float32)


def _resized(image: Any, preprocessing: Preprocessing) -> Floats:
    """Return values (3, H, W) from 0 to 1, the shorter side as long as asked for."""
    if isinstance(image, np.ndarray):
        height, width = image.shape[-2:]
    else:
        width, height = image.size
    shorter = preprocessing.resize
    if shorter is None or min(width, height) == shorter:
        return _values(image)
    size = scaled_size(width, height, shorter)
    if size[0] * size[1] > _MOST_PIXELS:
        raise ImageError(f"a picture of {width}x{height} would become one of {size[0]}x{size[1]}")
    if preprocessing.interpolation == "torch7-bicubic":
        return scale_bicubic(_values(image), *size)
    image_module = pillow()
    if isinstance(image, np.ndarray):
        pixels = np.rint(image.transpose(1, 2, 0) * 255).clip(0, 255).astype(np.uint8)
    else:
        pixels = rgb_bytes(image)
    resized = image_module.fromarray(pixels).resize(size, image_module.Resampling.BICUBIC)
    return rgb_values(resized)


def _values(image: Any) -> Floats:
    return image if isinstance(image, np.ndarray) else rgb_values(image)


def _normalise(values: Floats, preprocessing: Preprocessing) -> Floats:
    """``ColorNormalize``: the mean is added negated, the deviation divides, both as float32."""
    if preprocessing.scale == 255.0:
        values = np.rint(values * np.float32(255))
    mean = np.array(preprocessing.mean, np.float32).reshape(3, 1, 1)
    std = np.array(preprocessing.std, np.float32).reshape(3, 1, 1)
    return (values + -mean) / std
