"""Sliding windows over the last dimensions of an array, and convolution as matrix products.

One image at a time, as THNN does (generic/unfold.c, SpatialFullDilatedConvolution.c ``im2col``);
any number of spatial dimensions, so that sequences, images and volumes share it.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Any

import numpy as np

from t7convert.format.objects import Array


@dataclass(frozen=True)
class Windows:
    """Where the windows of a convolution lie; one entry per spatial dimension."""

    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    pad: tuple[int, ...]
    dilation: tuple[int, ...]

    @classmethod
    def of(
        cls,
        kernel: tuple[int, ...],
        stride: tuple[int, ...],
        pad: tuple[int, ...] | None = None,
        dilation: tuple[int, ...] | None = None,
    ) -> Windows:
        """Return windows without padding or dilation where these aren't given."""
        zeros, ones = (0,) * len(kernel), (1,) * len(kernel)
        return cls(kernel, stride, pad or zeros, dilation or ones)

    def count(self, size: tuple[int, ...]) -> tuple[int, ...]:
        """Return the number of windows in an image of this size, per dimension."""
        return tuple(
            (n + 2 * p - (d * (k - 1) + 1)) // s + 1
            for n, k, s, p, d in zip(
                size, self.kernel, self.stride, self.pad, self.dilation, strict=True
            )
        )

    @property
    def is_pointwise(self) -> bool:
        """Whether every window is one element, and every element a window."""
        ones = (1,) * len(self.kernel)
        return self.kernel == ones == self.stride and not any(self.pad)

    def padded(self, image: Array) -> Array:
        """Return the image (C, *size) with zeros around it."""
        if not any(self.pad):
            return image
        return np.pad(image, [(0, 0), *((p, p) for p in self.pad)])

    def view(self, padded: Array, count: tuple[int, ...]) -> Array:
        """Return the windows of a padded image (C, *size) as a view (C, *kernel, *count)."""
        inner = padded.strides[1:]
        return np.lib.stride_tricks.as_strided(
            padded,
            (padded.shape[0], *self.kernel, *count),
            (
                padded.strides[0],
                *(step * d for step, d in zip(inner, self.dilation, strict=True)),
                *(step * s for step, s in zip(inner, self.stride, strict=True)),
            ),
            writeable=False,
        )

    def columns(self, image: Array) -> Array:
        """Return the windows of an image (C, *size) as a matrix (C * kernel, windows)."""
        count = self.count(image.shape[1:])
        rows = image.shape[0] * prod(self.kernel)
        if self.is_pointwise:
            return image.reshape(rows, -1)
        return self.view(self.padded(image), count).reshape(rows, prod(count))

    def fold(self, columns: Array, channels: int, size: tuple[int, ...]) -> Array:
        """Add the columns back into an image (channels, *size): the adjoint of :meth:`columns`."""
        if self.is_pointwise:
            return columns.reshape(channels, *size)
        count = self.count(size)
        padded = np.zeros(
            (channels, *(n + 2 * p for n, p in zip(size, self.pad, strict=True))), columns.dtype
        )
        parts = columns.reshape(channels, *self.kernel, *count)
        for offset in product(*(range(k) for k in self.kernel)):
            place = tuple(
                slice(o * d, o * d + (c - 1) * s + 1, s)
                for o, d, c, s in zip(offset, self.dilation, count, self.stride, strict=True)
            )
            index: Any = (slice(None), *place)
            source: Any = (slice(None), *offset)
            padded[index] += parts[source]
        inside = tuple(slice(p, p + n) for n, p in zip(size, self.pad, strict=True))
        index = (slice(None), *inside)
        return np.asarray(padded[index])


def convolve(x: Array, weight: Array, windows: Windows, groups: int = 1) -> Array:
    """Convolve (N, C, *size) with a weight (O, C / groups, *kernel), without bias."""
    count = windows.count(x.shape[2:])
    matrix = weight.reshape(groups, weight.shape[0] // groups, -1)
    y = np.empty((x.shape[0], weight.shape[0], *count), np.result_type(x, weight))
    for image, out in zip(x, y, strict=True):
        parts = image.reshape(groups, -1, *x.shape[2:])
        target = out.reshape(groups, matrix.shape[1], -1)
        for group in range(groups):
            np.matmul(matrix[group], windows.columns(parts[group]), out=target[group])
    return y


def convolve_back(
    gy: Array, weight: Array, size: tuple[int, ...], windows: Windows, groups: int = 1
) -> Array:
    """Return the gradient of :func:`convolve` with respect to an input (N, C, *size)."""
    matrix = weight.reshape(groups, weight.shape[0] // groups, -1)
    channels = weight.shape[1]
    gx = np.empty((gy.shape[0], groups, channels, *size), np.result_type(gy, weight))
    for image, out in zip(gy, gx, strict=True):
        parts = image.reshape(groups, matrix.shape[1], -1)
        for group in range(groups):
            out[group] = windows.fold(matrix[group].T @ parts[group], channels, size)
    return gx.reshape(gy.shape[0], groups * channels, *size)


def convolve_weight(x: Array, gy: Array, windows: Windows, groups: int = 1) -> Array:
    """Return the gradient of :func:`convolve` with respect to the weight."""
    outputs, inputs = gy.shape[1] // groups, x.shape[1] // groups
    gw = np.zeros((groups, outputs, inputs * prod(windows.kernel)), np.result_type(x, gy))
    for image, out in zip(x, gy, strict=True):
        parts = image.reshape(groups, inputs, *x.shape[2:])
        for group in range(groups):
            rows = out.reshape(groups, outputs, -1)[group]
            gw[group] += rows @ windows.columns(parts[group]).T
    return gw.reshape(groups * outputs, inputs, *windows.kernel)


def over_channels(bias: Array, dims: int) -> Array:
    """Return a bias (C,) in the shape that adds to (N, C, ...) of ``dims`` dimensions."""
    return bias.reshape(-1, *(1,) * (dims - 2))


def batched(x: Array, dims: int) -> Array:
    """Return ``x`` with a batch dimension of one in front, if it lacks one of its ``dims``."""
    if x.ndim not in (dims - 1, dims):
        raise ValueError(f"an input of {x.ndim} dimensions, expected {dims - 1} or {dims}")
    return x if x.ndim == dims else x[np.newaxis]


def unbatched(y: Array, like: Array) -> Array:
    """Return ``y`` without its batch dimension, if ``like`` has none; it has no other shape."""
    return y if y.ndim == like.ndim else y.reshape(y.shape[1:])
