"""Modules for images that are (planes, rows, columns, batch), as cuda-convnet's kernels want."""

from __future__ import annotations

from math import prod

import torch.nn.functional as F
from torch import Tensor, nn

from t7convert.nn.initial import uniform


class PlanesFirst(nn.Module):
    """Run a module of (N, C, H, W) on an input that is (C, H, W, N)."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, input: Tensor) -> Tensor:
        output: Tensor = self.module(input.permute(3, 0, 1, 2))
        return output.permute(1, 2, 3, 0)


class PlanesFirstConv2d(nn.Module):
    """A convolution of (C, H, W, N), with the weight in the order of its kernels too.

    ``weight`` is (inputs / groups, kH, kW, outputs). With ``padding`` (before, after) zeros stand
    around rows and columns; with ``ceil`` as many more as the last window needs, which there is if
    any of its elements lies before that padding's end.
    Source: torch/cunn of 2013 SpatialConvolutionCUDA.cu; cuda-convnet2.torch
    SpatialConvolution.lua (``ceil``).
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel_size: tuple[int, int],
        stride: tuple[int, int],
        padding: tuple[int, int],
        *,
        groups: int = 1,
        ceil: bool = False,
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = stride
        self.padding = padding
        self.groups = groups
        self.ceil = ceil
        fan = inputs // groups * prod(kernel_size)
        self.weight = uniform(fan, inputs // groups, *kernel_size, outputs)
        self.bias = uniform(fan, outputs) if bias else None

    def forward(self, input: Tensor) -> Tensor:
        images = input.permute(3, 0, 1, 2)
        widths: list[int] = []
        rows = zip(images.shape[2:], self.kernel_size, self.stride, strict=True)
        for n, k, s in reversed(list(rows)):
            before, after = self.padding
            more = -(n + before + after - k) % s if self.ceil else 0
            widths += [before, after + more]
        kernels = self.weight.permute(3, 0, 1, 2)
        padded = F.pad(images, widths)
        output = F.conv2d(padded, kernels, self.bias, self.stride, groups=self.groups)
        return output.permute(1, 2, 3, 0)

    def extra_repr(self) -> str:
        return (
            f"{self.weight.shape[0] * self.groups}, {self.weight.shape[3]}, "
            f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}, "
            f"groups={self.groups}, ceil={self.ceil}, bias={self.bias is not None}"
        )


class PlaneMaxPool(nn.Module):
    """The maximum of neighbouring planes of (N, C, H, W); the last group may be smaller.

    Source: cuda-convnet2.torch SpatialCrossMaxPooling.lua.
    """

    def __init__(self, kernel_size: int, stride: int) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = stride

    def forward(self, input: Tensor) -> Tensor:
        n, _, h, w = input.shape
        lines = input.flatten(2)
        kernel, stride = (self.kernel_size, 1), (self.stride, 1)
        output = F.max_pool2d(lines.unsqueeze(1), kernel, stride, ceil_mode=True)
        return output.reshape(n, -1, h, w)

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}"


class LocalResponse(nn.Module):
    """``x * (k + alpha * sum of x ** 2 around it) ** -beta``, in every plane of (N, C, H, W).

    Around is ``size`` rows and columns, of which ``size // 2`` stand before.
    Source: cuda-convnet2.torch SpatialResponseNormalization.lua, conv_util.cu.
    """

    def __init__(self, size: int, alpha: float, beta: float, k: float) -> None:
        super().__init__()
        self.size = size
        self.alpha = alpha
        self.beta = beta
        self.k = k

    def forward(self, input: Tensor) -> Tensor:
        before, after = self.size // 2, (self.size - 1) // 2
        padded = F.pad(input * input, (before, after, before, after))
        sums = F.avg_pool2d(padded, self.size, stride=1, divisor_override=1)
        return input * (self.k + self.alpha * sums).pow(-self.beta)

    def extra_repr(self) -> str:
        return f"{self.size}, alpha={self.alpha}, beta={self.beta}, k={self.k}"
