"""Convolutions that torch.nn doesn't have."""

from __future__ import annotations

from math import prod

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from t7convert.nn.initial import uniform


class DepthWiseConv2d(nn.Module):
    """Every input plane by itself, giving ``outputs`` planes each; the planes of one input adjoin.

    An image of H rows and W columns is taken for one of W rows and H columns, without moving an
    element: Torch7 on the CPU mixed the two up, which only shows where they differ.
    Input: (C, H, W) or (N, C, H, W). Source: torch/nn SpatialDepthWiseConvolution.lua,
    lib/THNN/generic/SpatialDepthWiseConvolution.c.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel_size: tuple[int, int],
        stride: tuple[int, int],
        padding: tuple[int, int],
        *,
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.inputs = inputs
        self.kernel_size = kernel_size
        self.stride = stride
        self.padding = padding
        fan = inputs * prod(kernel_size)
        self.weight = uniform(fan, outputs, inputs, *kernel_size)
        self.bias = uniform(fan, outputs, inputs) if bias else None

    def forward(self, input: Tensor) -> Tensor:
        h, w = input.shape[-2:]
        image = input.reshape(*input.shape[:-2], w, h)
        weight = self.weight.transpose(0, 1).reshape(-1, 1, *self.kernel_size)
        bias = None if self.bias is None else self.bias.transpose(0, 1).reshape(-1)
        return F.conv2d(image, weight, bias, self.stride, self.padding, groups=self.inputs)

    def extra_repr(self) -> str:
        outputs, inputs = self.weight.shape[:2]
        return (
            f"{inputs}, {outputs}, kernel_size={self.kernel_size}, stride={self.stride}, "
            f"padding={self.padding}, bias={self.bias is not None}"
        )


class LocalConv2d(nn.Module):
    """A convolution with weights of its own at every place of an image of fixed size.

    Input: (C, H, W) or (N, C, H, W) with H, W as in ``size``; ``weight`` is
    (oH, oW, outputs, inputs, kH, kW), ``bias`` is (outputs, oH, oW).
    Source: torch/nn SpatialConvolutionLocal.lua.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        size: tuple[int, int],
        kernel_size: tuple[int, int],
        stride: tuple[int, int],
        padding: tuple[int, int],
    ) -> None:
        super().__init__()
        self.size = size
        self.kernel_size = kernel_size
        self.stride = stride
        self.padding = padding
        places = [
            (n + 2 * p - k) // s + 1
            for n, p, k, s in zip(size, padding, kernel_size, stride, strict=True)
        ]
        fan = inputs * prod(kernel_size)
        self.weight = uniform(fan, *places, outputs, inputs, *kernel_size)
        self.bias = uniform(fan, outputs, *places)

    def forward(self, input: Tensor) -> Tensor:
        if tuple(input.shape[-2:]) != self.size:
            raise ValueError(f"an image of {tuple(input.shape[-2:])}, expected {self.size}")
        images = input if input.dim() == 4 else input.unsqueeze(0)
        columns = F.unfold(images, self.kernel_size, padding=self.padding, stride=self.stride)
        oh, ow, outputs = self.weight.shape[:3]
        weight = self.weight.reshape(oh * ow, outputs, -1)
        output = torch.einsum("lok,nkl->nol", weight, columns)
        output = output.reshape(-1, outputs, oh, ow) + self.bias
        return output if input.dim() == 4 else output.squeeze(0)

    def extra_repr(self) -> str:
        outputs, inputs = self.weight.shape[2:4]
        return (
            f"{inputs}, {outputs}, size={self.size}, kernel_size={self.kernel_size}, "
            f"stride={self.stride}, padding={self.padding}"
        )
