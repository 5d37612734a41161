"""Distances between the pixels of feature maps (lua---nnx)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd import Function

from t7convert.nn.autograd import apply
from t7convert.nn.nnx_modules import check_planes

Distance = Literal["euclid", "cosine"]


def _neighbours(image: Tensor) -> tuple[tuple[Tensor, Tensor], ...]:
    """Return every pixel that has one with its right neighbour, and with the one below."""
    return (image[..., :-1], image[..., 1:]), (image[..., :-1, :], image[..., 1:, :])


def _edges(across: Tensor, down: Tensor) -> Tensor:
    return torch.stack([F.pad(across, (0, 1)), F.pad(down, (0, 0, 0, 1))])


class _Graph(Function):
    @staticmethod
    def forward(input: Tensor, dist: Distance, normalize: bool) -> Tensor:
        planes = len(input)
        if dist == "euclid":
            factor = planes**-0.5 if normalize else 1.0
            pairs = _neighbours(input)
            return _edges(*((a - b).square().sum(0).sqrt() * factor for a, b in pairs))
        found = []
        for a, b in _neighbours(input + 1e-12):
            product = (a * b).sum(0)
            lengths = a.square().sum(0).sqrt() * b.square().sum(0).sqrt()
            found.append(1 - product / lengths if normalize else planes - product)
        return _edges(*found)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Distance, bool], output: Tensor) -> None:
        input, ctx.dist, ctx.normalize = inputs
        ctx.save_for_backward(input, output)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        input, output = ctx.saved_tensors
        result = torch.zeros_like(input)
        edges = (output[0, :, :-1], output[1, :-1])
        slopes = (grad[0, :, :-1], grad[1, :-1])
        for (a, b), to, edge, slope in zip(
            _neighbours(input), _neighbours(result), edges, slopes, strict=True
        ):
            first, second = _partial(a, b, edge, ctx.dist, ctx.normalize)
            to[0].add_(first * slope)
            to[1].add_(second * slope)
        return result, None, None


def _partial(
    a: Tensor, b: Tensor, edge: Tensor, dist: Distance, normalize: bool
) -> tuple[Tensor, Tensor]:
    """Return the derivatives of an edge at its two pixels, as C has them."""
    if dist == "euclid":
        difference = a - b
        slope = torch.where(difference == 0, 0.0, difference / edge)
        slope = slope / len(a) if normalize else slope
        return slope, -slope
    if not normalize:
        return -b, -a
    # pow(x, 1/2) and pow(x, 3/2) in C: the exponents are whole numbers, 0 and 1
    product, eps = (a * b).sum(0), 1e-12
    both = 1 / (1 + eps)
    first = product / (a.square().sum(0) + eps) * a - both * b
    return first, product / (b.square().sum(0) + eps) * b - both * a


class SpatialGraph(nn.Module):
    """The distances of every pixel of (C, H, W) to its right and lower neighbours, (2, H, W).

    0 where there is no neighbour. The Euclidean distance may be divided by the root of C; the
    cosine is C less the product, or 1 less the normalised product. The gradient is C's; for the
    normalised cosine it isn't the derivative. Source: nnx generic/SpatialGraph.c.
    """

    def __init__(self, dist: Distance = "euclid", normalize: bool = True) -> None:
        super().__init__()
        self.dist, self.normalize = dist, normalize

    def forward(self, input: Tensor) -> Tensor:
        check_planes(input)
        return apply(_Graph, input, self.dist, self.normalize)

    def extra_repr(self) -> str:
        return f"dist={self.dist}, normalize={self.normalize}"


class SpatialMatching(nn.Module):
    """Squared distances of every pixel to those in a window of another image, a pair of (C, H, W).

    The output is (H, W, *window), H and W the first image's. Its pixel (y, x) is compared with the
    second image's from (y, x) on; with ``full``, both are of one size and the window stands around
    the pixel, 1e30 where it leaves the image. Source: nnx generic/SpatialMatching.c.
    """

    def __init__(self, window: tuple[int, int] = (11, 11), full: bool = False) -> None:
        super().__init__()
        self.window, self.full = window, full

    def forward(self, input: Sequence[Tensor]) -> Tensor:
        first, second = input
        check_planes(first)
        check_planes(second)
        high, wide = self.window
        height, width = first.shape[1:]
        needs = (height, width) if self.full else (height + high - 1, width + wide - 1)
        if second.shape[1] < needs[0] or second.shape[2] < needs[1]:
            raise ValueError(f"the second image is {tuple(second.shape[1:])}, expected {needs}")
        second = second[:, : needs[0], : needs[1]]
        if not self.full:
            return self._distances(first, second)
        top, left = (high + 1) // 2 - 1, (wide + 1) // 2 - 1
        pads = (left, wide - 1 - left, top, high - 1 - top)
        inside = F.pad(torch.ones_like(second[:1]), pads)
        distances = self._distances(first, F.pad(second, pads))
        return torch.where(self._windows(inside)[0] > 0, distances, 1e30)

    def _windows(self, image: Tensor) -> Tensor:
        return image.unfold(1, self.window[0], 1).unfold(2, self.window[1], 1)

    def _distances(self, first: Tensor, second: Tensor) -> Tensor:
        return (first[..., None, None] - self._windows(second)).square().sum(0)

    def extra_repr(self) -> str:
        return f"window={self.window}, full={self.full}"
