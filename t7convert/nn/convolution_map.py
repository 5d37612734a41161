"""Convolutions with a table of connections, and the learnt subsampling of that time."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd import Function

from t7convert.nn.autograd import apply
from t7convert.nn.initial import uniform


class _ConnectedConv2d(nn.Module):
    """One kernel per connection: ``sources[k]`` feeds ``targets[k]`` (0-based) by ``weight[k]``."""

    sources: Tensor
    targets: Tensor

    def __init__(
        self,
        sources: Tensor,
        targets: Tensor,
        planes: tuple[int, int],
        kernel_size: tuple[int, int],
        stride: tuple[int, int],
    ) -> None:
        super().__init__()
        self.planes = planes
        self.kernel_size = kernel_size
        self.stride = stride
        self.register_buffer("sources", sources, persistent=False)
        self.register_buffer("targets", targets, persistent=False)
        fan = prod(kernel_size) * max(1, len(sources) // planes[1])
        self.weight = uniform(fan, len(sources), *kernel_size)
        self.bias = uniform(fan, planes[1])

    def _dense(self, rows: Tensor, columns: Tensor, size: tuple[int, int]) -> Tensor:
        """Return the kernels as a full weight; connections named twice add up."""
        dense = self.weight.new_zeros(*size, *self.kernel_size)
        return dense.index_put((rows, columns), self.weight, accumulate=True)

    def _planes_of(self, input: Tensor) -> Tensor:
        """Return the input planes that connections may name; more are allowed without a batch."""
        if input.dim() == 3:
            return input[: self.planes[0]]
        return input

    def extra_repr(self) -> str:
        return (
            f"{len(self.sources)} of {self.planes[0]} x {self.planes[1]} connections, "
            f"kernel_size={self.kernel_size}, stride={self.stride}"
        )


class _StrayGradients(Function):
    """The convolution, with THNN's gradients where the stride leaves a remainder.

    THNN then takes the gradients' rows for shorter, or longer, than they are: the input's gradient
    comes out skewed, and every kernel's gradient runs on into the next kernel's.
    Source: lib/THNN/generic/SpatialConvolutionMap.c, TH generic/THTensorConv.c ``fullConv2Dptr``,
    ``validXCorr2DRevptr``.
    """

    @staticmethod
    def forward(
        ctx: Any,
        images: Tensor,
        dense: Tensor,
        weight: Tensor,
        places: tuple[Tensor, Tensor],
        stride: tuple[int, int],
    ) -> Tensor:
        ctx.save_for_backward(images, dense, weight)
        ctx.places, ctx.stride = places, stride
        return F.conv2d(images, dense, None, stride)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None, Tensor, None, None]:
        images, dense, weight = ctx.saved_tensors
        (gy,) = grads
        skewed = F.conv_transpose2d(gy, dense, None, ctx.stride).flatten(2)
        area = images.shape[2] * images.shape[3]
        gx = F.pad(skewed, (0, area - skewed.shape[2])).reshape(images.shape)
        sums = F.conv2d(  # as a convolution of the images by gy: (c, outputs, rows, columns)
            images.transpose(0, 1), gy.transpose(0, 1), dilation=ctx.stride
        )
        targets, sources = ctx.places
        blocks = sums[sources, targets].flatten(1)
        size = weight[0].numel()
        starts = torch.arange(len(blocks), device=gy.device).unsqueeze(1) * size
        places = (starts + torch.arange(blocks.shape[1], device=gy.device)).reshape(-1)
        flat = gy.new_zeros(len(blocks) * size + blocks.shape[1])
        flat = flat.index_add(0, places, blocks.reshape(-1))
        return gx, None, flat[: weight.numel()].reshape(weight.shape), None, None


class MapConv2d(_ConnectedConv2d):
    """A convolution between the planes that a table connects.

    Where the stride leaves a remainder, the gradients are what Torch7 computed, not the derivative.
    Input: (C, H, W) or (N, C, H, W). Source: torch/nn SpatialConvolutionMap.lua.
    """

    def forward(self, input: Tensor) -> Tensor:
        inputs, outputs = self.planes
        weight = self._dense(self.targets, self.sources, (outputs, inputs))
        planes = self._planes_of(input)
        rows = zip(planes.shape[-2:], self.kernel_size, self.stride, strict=True)
        if not any((n - k) % s for n, k, s in rows):
            return F.conv2d(planes, weight, self.bias, self.stride)
        images = planes if planes.dim() == 4 else planes.unsqueeze(0)
        places = (self.targets, self.sources)
        output = apply(_StrayGradients, images, weight.detach(), self.weight, places, self.stride)
        output = output + self.bias[:, None, None]
        return output if planes.dim() == 4 else output.squeeze(0)


class MapConvTranspose2d(_ConnectedConv2d):
    """A transposed convolution between the planes that a table connects.

    Input: (C, H, W) or (N, C, H, W). Source: torch/nn SpatialFullConvolutionMap.lua.
    """

    def forward(self, input: Tensor) -> Tensor:
        weight = self._dense(self.sources, self.targets, self.planes)
        return F.conv_transpose2d(self._planes_of(input), weight, self.bias, self.stride)


class SubSample2d(nn.Module):
    """The sum of every window, times a weight and plus a bias per plane.

    Input: (C, H, W) or (N, C, H, W). Source: torch/nn SpatialSubSampling.lua.
    """

    def __init__(self, planes: int, kernel_size: Sequence[int], stride: Sequence[int]) -> None:
        super().__init__()
        self.kernel_size = tuple(kernel_size)
        self.stride = tuple(stride)
        self.weight = uniform(prod(self.kernel_size), planes)
        self.bias = uniform(prod(self.kernel_size), planes)

    def forward(self, input: Tensor) -> Tensor:
        if input.shape[-3] != len(self.weight):
            raise RuntimeError(f"{len(self.weight)} planes expected, found {input.shape[-3]}")
        if torch.compiler.is_exporting():  # ONNX's average pooling knows no other divisor
            sums = F.avg_pool2d(input, self.kernel_size, self.stride) * prod(self.kernel_size)
        else:
            sums = F.avg_pool2d(input, self.kernel_size, self.stride, divisor_override=1)
        return sums * self.weight[:, None, None] + self.bias[:, None, None]

    def extra_repr(self) -> str:
        planes = len(self.weight)
        return f"{planes}, kernel_size={self.kernel_size}, stride={self.stride}"
