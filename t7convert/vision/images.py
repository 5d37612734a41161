"""Reading pictures: any format that Pillow reads, as the RGB values that Lua would have seen."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt

from t7convert.errors import T7Error

#: What a folder is searched for, besides what ``imagenet-gen.lua`` looks for.
SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".png", ".ppm", ".pgm", ".bmp", ".webp", ".gif", ".tif", ".tiff"}
)


class ImageError(T7Error, ValueError):
    """A file that is no picture, or can't be read as one."""


class MissingPillowError(T7Error, ImportError):
    """Pillow is needed and not installed."""


def pillow() -> ModuleType:
    """Return ``PIL.Image``.

    Raises:
        MissingPillowError: naming the extra that installs it.
    """
    try:
        from PIL import Image  # noqa: PLC0415  # an optional dependency
    except ImportError as error:
        raise MissingPillowError(
            'reading pictures needs Pillow: pip install "t7convert[vision]"'
        ) from error
    return Image


def open_image(path: str | os.PathLike[str]) -> Any:
    """Return the decoded picture at ``path``, a ``PIL.Image.Image``.

    Raises:
        ImageError: if it is missing, no picture, or damaged; the message says which.
        MissingPillowError: if Pillow is not installed.
    """
    image_module = pillow()
    try:
        with Path(path).open("rb") as file:
            image = image_module.open(file)
            image.load()
            return image
    except image_module.UnidentifiedImageError as error:
        raise ImageError(f"{path}: no picture that Pillow can read") from error
    except (OSError, ValueError, SyntaxError, image_module.DecompressionBombError) as error:
        if isinstance(error, OSError) and error.filename is not None:
            raise ImageError(f"{path}: {error.strerror}") from error
        raise ImageError(f"{path}: the picture can't be decoded: {error}") from error


def rgb_values(image: Any) -> npt.NDArray[np.float32]:
    """Return the pixels as ``image.load(path, 3, 'float')`` of torch/image does: (3, H, W), 0..1.

    Bytes are multiplied by float32(1/255), which is not the same as a division by 255. An alpha
    channel is dropped; of a CMYK JPEG Lua took the first three channels as they stand in the file,
    and so does this. The orientation that a camera notes is ignored, as Lua ignored it.

    Raises:
        ImageError: if its numbers have no scale that everybody agrees on.
    """
    if image.mode.startswith("I;16") or (image.mode == "I" and image.format == "PNG"):
        grey: npt.NDArray[np.float32] = np.asarray(image).astype(np.float32) * np.float32(1 / 65535)
        return np.repeat(grey[None], 3, axis=0)
    planes = np.ascontiguousarray(rgb_bytes(image).transpose(2, 0, 1))
    values: npt.NDArray[np.float32] = planes.astype(np.float32) * np.float32(1 / 255)
    return values


def rgb_bytes(image: Any) -> npt.NDArray[np.uint8]:
    """Return the pixels as bytes (H, W, 3).

    Raises:
        ImageError: if its numbers have no scale that everybody agrees on.
    """
    if image.mode in {"I", "F"}:
        raise ImageError(f"pixels of 32 bits (mode {image.mode}): nothing says what white is")
    if image.mode == "CMYK" and image.format == "JPEG":
        inverted: npt.NDArray[np.uint8] = np.asarray(image)[..., :3]  # Pillow inverts the file's
        return ~inverted
    pixels: npt.NDArray[np.uint8] = np.asarray(image.convert("RGB"))
    return pixels


def find_images(paths: Iterable[str | os.PathLike[str]]) -> list[Path]:
    """Return the files among ``paths``, and for folders the pictures in them, sorted.

    Raises:
        ImageError: for what does not exist, and for a folder without a picture.
    """
    found: list[Path] = []
    for path in map(Path, paths):
        if not path.exists():
            raise ImageError(f"{path}: no such file or folder")
        if not path.is_dir():
            found.append(path)
            continue
        inside = sorted(
            item for item in path.rglob("*") if item.suffix.lower() in SUFFIXES and item.is_file()
        )
        if not inside:
            raise ImageError(f"{path}: no picture in this folder")
        found.extend(inside)
    return found
