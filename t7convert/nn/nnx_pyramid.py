"""Modules of lua---nnx that look at an image in several scales, or pixel by pixel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from t7convert.nn.elementwise import Sqrt
from t7convert.nn.nnx_modules import check_planes
from t7convert.nn.nnx_sampling import (
    SpatialPadding,
    pad_image,
    repeat_image,
    resample_bilinear,
)


class SpatialClassifier(nn.Module):
    """Give every pixel of (C, H, W), as a row, to a classifier; (N, H, W), or the rows.

    Source: nnx SpatialClassifier.lua.
    """

    def __init__(self, classifier: nn.Module, spatial: bool = True) -> None:
        super().__init__()
        self.classifier, self.spatial = classifier, spatial

    def forward(self, input: Tensor) -> Tensor:
        check_planes(input)
        rows: Tensor = self.classifier(input.flatten(1).transpose(0, 1).contiguous())
        if not self.spatial:
            return rows
        return rows.transpose(0, 1).reshape(rows.shape[1], *input.shape[1:])

    def extra_repr(self) -> str:
        return f"spatial={self.spatial}"


class NeighbourSum(nn.Module):
    """The weighted sum over every pixel's neighbourhood and all planes: (C, H, W) to (1, H, W).

    Args:
        kernels: weights (C, kH, kW); a second one goes over C copies of the first one's sum.
        pads: per kernel, how many zeros surround the image (left, right, top, bottom).
    """

    def __init__(
        self, kernels: Sequence[Tensor], pads: Sequence[tuple[int, int, int, int]]
    ) -> None:
        super().__init__()
        self.pads = list(pads)
        for number, kernel in enumerate(kernels):
            self.register_buffer(f"kernel{number}", kernel, persistent=False)

    def forward(self, input: Tensor) -> Tensor:
        for number, pad in enumerate(self.pads):
            kernel = self.get_buffer(f"kernel{number}").to(input.dtype)
            planes = input.expand(kernel.shape[0], -1, -1) if number else input
            padded = pad_image(planes, pad, 1, 2)
            input = F.conv2d(padded.unsqueeze(0), kernel.unsqueeze(0)).squeeze(0)
        return input


class SpatialNormalization(nn.Module):
    """The image less its neighbourhood's mean, over its neighbourhood's deviation.

    At the border, only the part of the neighbourhood in the image counts. Deviations up to the
    threshold are replaced by it; without one, it's the mean deviation, at least 0.001, which the
    gradient takes for a constant. Input: (C, H, W), or (H, W) for one plane; output: (C, H, W).
    Source: nnx SpatialNormalization.lua.
    """

    def __init__(
        self, planes: int, mean: NeighbourSum, square: NeighbourSum, threshold: float | None = None
    ) -> None:
        super().__init__()
        self.planes, self.threshold = planes, threshold
        self.mean, self.square, self.root = mean, square, Sqrt()

    def forward(self, input: Tensor) -> Tensor:
        image = input.unsqueeze(0) if input.dim() == 2 else input
        check_planes(image)
        share = self.mean(image.new_ones(self.planes, *image.shape[1:]))
        centred = image - self.mean(image) / share
        deviation = self.root(self.square(centred.square())) / share
        if self.threshold is None:
            least = deviation.detach().mean().clamp(min=1e-3)
        else:
            least = deviation.new_tensor(self.threshold)
        output: Tensor = centred / torch.where(deviation > least, deviation, least)
        return output

    def extra_repr(self) -> str:
        return f"{self.planes}, threshold={self.threshold}"


@dataclass(frozen=True)
class FoveaFocus:
    """The point that a fovea looks at (from 1), how much of it, and the processors' stride."""

    x: int
    y: int
    size: int
    stride: int

    def cut(self, image: Tensor, ratio: float) -> Tensor:
        """Return the part of an image that was shrunk by ``ratio``."""
        left, top = (
            floor(floor((place - 1) / ratio) / self.stride) * self.stride
            for place in (self.x, self.y)
        )
        return image.narrow(2, left, self.size).narrow(1, top, self.size)


class SpatialFovea(nn.Module):
    """Process an image (C, H, W) in several scales and join the maps, scaled up again.

    Every scale goes through its ``pre`` module, gets ``padding`` zeros around it (half of them on
    each side, rounded down) and goes through its processor. With a focus, only what it shows is
    processed, and nothing is scaled up. Source: nnx SpatialFovea.lua.

    Args:
        processors: one per scale.
        pre: one per scale.
        ratios: by how much each scale is smaller.
        padding: rows and columns of zeros.
        bilinear: scale bilinearly; else by means and by repeating.
        focus: where to look.
        detached: whether gradients end at the processors, as where Lua caches what comes before.
    """

    def __init__(
        self,
        processors: Sequence[nn.Module],
        pre: Sequence[nn.Module],
        ratios: Sequence[float],
        padding: int = 0,
        *,
        bilinear: bool = False,
        focus: FoveaFocus | None = None,
        detached: bool = False,
    ) -> None:
        super().__init__()
        self.ratios, self.padding, self.bilinear = list(ratios), padding, bilinear
        self.focus, self.detached = focus, detached
        self.processors = nn.ModuleList(processors)
        self.preProcessors = nn.ModuleList(pre)

    def forward(self, input: Tensor) -> Tensor:
        check_planes(input)
        maps = []
        margin = (self.padding // 2,) * 4
        for ratio, pre, processor in zip(
            self.ratios, self.preProcessors, self.processors, strict=True
        ):
            image = pad_image(pre(self._shrunk(input, ratio)), margin, 1, 2)
            if self.detached:
                image = image.detach()
            if self.focus is None:
                maps.append(self._grown(processor(image), ratio))
            else:
                maps.append(processor(self.focus.cut(image, ratio)))
        return torch.cat(maps)

    def _shrunk(self, image: Tensor, ratio: float) -> Tensor:
        if not self.bilinear:
            return F.avg_pool2d(image, int(ratio))
        return self._resampled(image, 1 / ratio)

    def _grown(self, image: Tensor, ratio: float) -> Tensor:
        if not self.bilinear:
            return repeat_image(image, (int(ratio), int(ratio)), 1, 2)
        return self._resampled(image, ratio)

    @staticmethod
    def _resampled(image: Tensor, ratio: float) -> Tensor:
        return resample_bilinear(
            image, (int(ratio * image.shape[1]), int(ratio * image.shape[2])), 1
        )

    def extra_repr(self) -> str:
        return (
            f"ratios={self.ratios}, padding={self.padding}, bilinear={self.bilinear},"
            f" focus={self.focus}, detached={self.detached}"
        )


@dataclass(frozen=True)
class PyramidFocus:
    """The point that a pyramid looks at, and per scale the window's (height, width)."""

    x: int
    y: int
    windows: tuple[tuple[float, float], ...]

    def pads(self, scale: int, size: tuple[int, int]) -> tuple[int, int, int, int]:
        """Return what to add around an image of ``size`` (left, right, top, bottom) to see it."""
        high, wide = self.windows[scale]
        return (
            ceil(wide / 2) - self.x,
            self.x + floor(wide / 2) - size[1],
            ceil(high / 2) - self.y,
            self.y + floor(high / 2) - size[0],
        )


class SpatialPyramid(nn.Module):
    """Process an image in several scales; the output is the list of maps.

    Source: nnx SpatialPyramid.lua.

    Args:
        pipeline: makes the scales and processes them. With a focus, every scale begins with a
            SpatialPadding, which is done as the focus wants.
        ratios: by how much each scale is smaller; the image's sides are multiples of them.
        focus: where to look.
        prescaled: whether the input is the list of scales.
    """

    def __init__(
        self,
        pipeline: nn.Sequential,
        ratios: Sequence[float],
        focus: PyramidFocus | None = None,
        prescaled: bool = False,
    ) -> None:
        super().__init__()
        self.pipeline, self.ratios = pipeline, list(ratios)
        self.focus, self.prescaled = focus, prescaled

    def forward(self, input: Tensor) -> list[Tensor]:
        sides = () if self.prescaled else tuple(input.shape[1:3])
        if any(side % ratio for side in sides for ratio in self.ratios):
            raise ValueError(f"the sides {sides} are no multiples of the ratios {self.ratios}")
        if self.focus is None:
            maps: list[Tensor] = self.pipeline(input)
            return maps
        maps = []
        for number, scale in enumerate(self.pipeline):
            assert isinstance(scale, nn.Sequential)
            first = scale[0]
            assert isinstance(first, SpatialPadding)
            pads = self.focus.pads(number, (input.shape[1], input.shape[2]))
            image = pad_image(input, pads, first.y_dim, first.x_dim)
            for step in list(scale)[1:]:
                image = step(image)
            maps.append(image)
        return maps

    def extra_repr(self) -> str:
        return f"ratios={self.ratios}, focus={self.focus}, prescaled={self.prescaled}"
