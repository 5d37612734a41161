"""Maxima and means over windows, of any number of dimensions.

Sources: THNN generic/SpatialDilatedMaxPooling.c, SpatialAveragePooling.c and the volumetric ones.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from t7convert.format.objects import Array


@dataclass(frozen=True)
class Pool:
    """Where the windows lie; one entry per dimension.

    Attributes:
        clip: nn drops a last window that starts beyond the image and its right padding, in every
            dimension if any dimension is padded; cuDNN never does.
    """

    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    pad: tuple[int, ...]
    dilation: tuple[int, ...]
    ceil: bool
    clip: bool = True

    def count(self, size: tuple[int, ...]) -> tuple[int, ...]:
        """Return the number of windows per dimension.

        Raises:
            ValueError: if there are none.
        """
        counts = []
        rows = zip(size, self.kernel, self.stride, self.pad, self.dilation, strict=True)
        for n, k, s, p, d in rows:
            room = n - (d * (k - 1) + 1) + 2 * p
            windows = (-(-room // s) if self.ceil else room // s) + 1
            if self.clip and any(self.pad) and (windows - 1) * s >= n + p:
                windows -= 1
            counts.append(windows)
        if min(counts) < 1:
            raise ValueError(f"an image of {size} is too small for windows of {self.kernel}")
        return tuple(counts)

    def parts(self, x: Array, outside: float) -> Iterator[tuple[tuple[int, ...], Array]]:
        """Iterate over (offset, x at this offset in every window); ``outside`` fills the rest."""
        dims = len(self.kernel)
        size = x.shape[-dims:]
        count = self.count(size)
        widths = [
            (p, max(0, (c - 1) * s + d * (k - 1) + 1 - n - p))
            for n, k, s, p, d, c in zip(
                size, self.kernel, self.stride, self.pad, self.dilation, count, strict=True
            )
        ]
        lead = [(0, 0)] * (x.ndim - dims)
        padded = np.pad(x, [*lead, *widths], constant_values=outside)
        for offset in product(*(range(k) for k in self.kernel)):
            yield offset, padded[self.slices(offset, count)]

    def slices(self, offset: tuple[int, ...], count: tuple[int, ...]) -> Any:
        """Return the index of the elements of padded images that stand at ``offset``."""
        return (
            ...,
            *(
                slice(o * d, o * d + (c - 1) * s + 1, s)
                for o, d, c, s in zip(offset, self.dilation, count, self.stride, strict=True)
            ),
        )

    def positions(
        self, offset: tuple[int, ...], size: tuple[int, ...], count: tuple[int, ...]
    ) -> Array:
        """Return the flat position in the image of the element at ``offset`` of each window."""
        flat = np.zeros((1,) * len(size), np.int64)
        for axis, (o, d, c, s, p, n) in enumerate(
            zip(offset, self.dilation, count, self.stride, self.pad, size, strict=True)
        ):
            line = np.arange(c) * s + o * d - p
            shape = [1] * len(size)
            shape[axis] = c
            flat = flat * n + line.reshape(shape)
        return flat


def max_pool(x: Array, pool: Pool) -> tuple[Array, Array]:
    """Return the first maximum of every window and its flat position, -1 where there is none.

    A window without any element gives the most negative finite number, as C's -THInf.
    """
    dims = len(pool.kernel)
    size = x.shape[-dims:]
    count = pool.count(size)
    shape = (*x.shape[:-dims], *count)
    best = np.full(shape, np.finfo(x.dtype).min, x.dtype)
    where = np.full(shape, -1, np.int64)
    for offset, part in pool.parts(x, np.nan):  # NaN is greater than nothing, here and in C
        better = part > best
        best = np.where(better, part, best)
        where = np.where(better, pool.positions(offset, size, count), where)
    return best, where


def scatter(values: Array, where: Array, size: tuple[int, ...]) -> Array:
    """Add values to the positions of zero images; those at position -1 go nowhere."""
    lead = values.shape[: -len(size)]
    planes, area = int(np.prod(lead, dtype=np.int64)), int(np.prod(size, dtype=np.int64))
    index = (where.reshape(planes, -1) + area * np.arange(planes)[:, np.newaxis]).reshape(-1)
    kept = where.reshape(-1) >= 0
    weights = values.reshape(-1)[kept]
    sums = np.bincount(index[kept], weights, minlength=planes * area)
    return sums.astype(values.dtype).reshape(*lead, *size)


def average_divisors(
    size: tuple[int, ...], pool: Pool, count_include_pad: bool, *, whole: bool = False
) -> Array:
    """Return what the sum of each window is divided by.

    A window counts its elements up to the right padding's end, or those in the image only;
    ``whole`` counts all of the kernel (cuDNN). Counts may be zero or negative where a window starts
    beyond the image, as in C.
    """
    total = np.ones((1,) * len(size), np.int64)
    rows = zip(size, pool.kernel, pool.stride, pool.pad, pool.count(size), strict=True)
    for axis, (n, k, s, p, c) in enumerate(rows):
        start = np.arange(c) * s - p
        if whole:
            length = np.full(c, k)
        elif count_include_pad:
            length = np.minimum(start + k, n + p) - start
        else:
            length = np.minimum(start + k, n) - np.maximum(start, 0)
        shape = [1] * len(size)
        shape[axis] = c
        total = total * length.reshape(shape)
    return total


def average_pool(x: Array, pool: Pool, divisors: Array) -> Array:
    """Return the sum of every window over its divisor."""
    dims = len(pool.kernel)
    total = np.zeros((*x.shape[:-dims], *pool.count(x.shape[-dims:])), x.dtype)
    for _, part in pool.parts(x, 0):
        total += part
    with np.errstate(invalid="ignore"):
        return np.asarray(total / divisors.astype(x.dtype))


def average_back(gy: Array, size: tuple[int, ...], pool: Pool, divisors: Array) -> Array:
    """Return the gradient of :func:`average_pool`."""
    with np.errstate(invalid="ignore", divide="ignore"):
        shares = gy / divisors.astype(gy.dtype)
    count = pool.count(size)
    far = [
        max(n + 2 * p, (c - 1) * s + k)
        for n, p, c, s, k in zip(size, pool.pad, count, pool.stride, pool.kernel, strict=True)
    ]
    padded = np.zeros((*gy.shape[: -len(size)], *far), gy.dtype)
    for offset in product(*(range(k) for k in pool.kernel)):
        padded[pool.slices(offset, count)] += shares
    inside: Any = (..., *(slice(p, p + n) for p, n in zip(pool.pad, size, strict=True)))
    return np.asarray(padded[inside])
