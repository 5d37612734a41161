"""Reading the value that a user's file holds: an input, or an output that was recorded."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from t7convert.errors import T7Error
from t7convert.format import load
from t7convert.format.objects import LuaTable
from t7convert.inputs.values import to_arrays


class GivenFileError(T7Error, ValueError):
    """A file that holds no input, or can't be read as one."""


def read_given(path: Path) -> Any:
    """Return the arrays of a file: .npy, .pt, .png or .jpg, and anything else as a .t7.

    A .t7 table with an ``input`` (a recorded input and output) gives that. A picture becomes
    (1, 3, H, W) between 0 and 1.

    Raises:
        GivenFileError: naming the file, if it does not hold what its suffix says.
        NotTorch7Error, T7FormatError: if it is no .t7.
    """
    value = _read(path)
    for strange in _no_numbers(value):
        raise GivenFileError(f"{path}: holds no tensors to run a network on, but {strange!r}")
    return value


def _no_numbers(value: Any) -> Iterator[Any]:
    if isinstance(value, (list, dict)):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _no_numbers(item)
    elif not isinstance(value, (np.ndarray, bool, int, float)):
        yield value


def _read(path: Path) -> Any:
    suffix = path.name.lower().removesuffix(".xz").removesuffix(".gz").rpartition(".")[2]
    if suffix in ("png", "jpg", "jpeg"):
        return _picture(path)
    if suffix not in ("npy", "pt", "pth"):
        root = load(path)
        return to_arrays(root["input"] if isinstance(root, LuaTable) and "input" in root else root)
    try:
        if suffix == "npy":
            return np.load(path, allow_pickle=False)
        return to_arrays(torch.load(path, map_location="cpu", weights_only=True))
    except OSError:
        raise
    except Exception as error:  # whatever numpy and torch say to what is none of theirs
        what = "a numpy array" if suffix == "npy" else "tensors that load with weights_only=True"
        raise GivenFileError(f"{path}: does not hold {what}") from error


def _picture(path: Path) -> Any:
    try:
        from PIL import Image, UnidentifiedImageError  # noqa: PLC0415  an optional extra
    except ImportError as error:
        raise GivenFileError(
            f"{path}: reading pictures needs Pillow: pip install 't7convert[vision]'"
        ) from error
    try:
        with Image.open(path) as image:
            pixels = np.asarray(image.convert("RGB"), np.float64) / 255
    except (UnidentifiedImageError, Image.DecompressionBombError, SyntaxError, ValueError) as error:
        raise GivenFileError(f"{path}: is no picture that Pillow can read") from error
    except OSError as error:
        raise GivenFileError(f"{path}: the picture can't be decoded: {error}") from error
    return np.ascontiguousarray(pixels.transpose(2, 0, 1))[None]
