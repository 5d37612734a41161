"""Torch7's bicubic resizing, bit by bit as torch/image's ``generic/image.c`` computes it.

It is neither Pillow's nor OpenCV's: the corners of both images are aligned, the cubic is
Catmull-Rom's, two points beyond the border are extrapolated linearly, and nothing is smoothed when
an image shrinks. Rows first, then columns; all in ``float``, except the last step of the cubic,
which C computes in double because of its constant ``0.5``.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]


def scaled_size(width: int, height: int, shorter: int) -> tuple[int, int]:
    """Return (width, height) when the shorter side becomes ``shorter``, as ``transforms.lua`` does.

    The longer side is a Lua number that becomes a size by cutting off its fraction.
    """
    if width < height:
        return shorter, max(int(height / width * shorter), 1)
    return max(int(width / height * shorter), 1), shorter


def scale_bicubic(image: Floats, width: int, height: int) -> Floats:
    """Resize ``image`` of shape (..., H, W) to (..., height, width): ``image.scale``, 'bicubic'.

    Raises:
        ValueError: if an image or a size is empty.
    """
    if min(*image.shape[-2:], width, height) < 1:
        raise ValueError(f"can't resize {image.shape[-2:]} to {(height, width)}")
    rows = _scale_last_axis(np.ascontiguousarray(image, np.float32), width)
    columns = _scale_last_axis(np.ascontiguousarray(rows.swapaxes(-1, -2)), height)
    return np.ascontiguousarray(columns.swapaxes(-1, -2))


def _scale_last_axis(source: Floats, length: int) -> Floats:
    """``scaleCubic_rowcol`` on every row at once."""
    old = source.shape[-1]
    if length == old:
        return source
    result = np.empty((*source.shape[:-1], length), np.float32)
    # The last point is copied. For a source of one point C leaves it uninitialised: copied too.
    result[..., -1] = source[..., -1]
    if length == 1:
        return result
    if old == 1:
        result[..., :-1] = source[..., :1]
        return result
    position = np.arange(length - 1).astype(np.float32) * (
        np.float32(old - 1) / np.float32(length - 1)
    )
    index = position.astype(np.int64)
    x = position - index.astype(np.float32)
    p1, p2 = source[..., index], source[..., index + 1]
    two = np.float32(2)
    p0 = np.where(index > 0, source[..., np.maximum(index - 1, 0)], two * p1 - p2)
    p3 = np.where(index + 2 < old, source[..., np.minimum(index + 2, old - 1)], two * p2 - p1)
    result[..., :-1] = _cubic(p0, p1, p2, p3, x)
    return result


def _cubic(p0: Floats, p1: Floats, p2: Floats, p3: Floats, x: Floats) -> Any:
    """``cubicInterpolate``; the order of the operations is part of the result."""
    a1 = p2 - p0
    a2 = np.float32(2) * p0 - np.float32(5) * p1 + np.float32(4) * p2 - p3
    a3 = np.float32(3) * (p1 - p2) + p3 - p0
    inner = a1 + x * (a2 + x * a3)
    return p1.astype(np.float64) + 0.5 * x.astype(np.float64) * inner.astype(np.float64)
