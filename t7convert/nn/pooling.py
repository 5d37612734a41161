"""Poolings where torch.nn's differ for some sizes, and those that tell where the maxima were."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from t7convert.nn.windows import surround, window_counts

_MAX = {1: F.max_pool1d, 2: F.max_pool2d, 3: F.max_pool3d}
_AVERAGE = {2: F.avg_pool2d, 3: F.avg_pool3d}


class Maxima:
    """What the last call of a pooling leaves for an unpooling.

    Attributes:
        indices: flat positions of the maxima in their planes.
        size: the pooled planes' size.
    """

    indices: Tensor | None = None
    size: tuple[int, ...] = ()

    def __reduce__(self) -> tuple[type[Maxima], tuple[()]]:
        return Maxima, ()  # a copy, or a file, keeps no activations


class MaxPool(nn.Module):
    """Max pooling over the last dimensions, as many as ``kernel_size`` has.

    A window without elements gives the lowest finite number, as C's -THInf (torch.nn gives -inf,
    or drops the window). With ``record`` the positions are kept in ``maxima`` for an unpooling.
    With ``clip`` false (cuDNN) a last window that starts beyond the image is kept.
    Source: THNN generic/SpatialDilatedMaxPooling.c, cudnn.torch Pooling.lua.
    """

    def __init__(
        self,
        kernel_size: Sequence[int],
        stride: Sequence[int],
        padding: Sequence[int],
        dilation: Sequence[int] | None = None,
        *,
        ceil_mode: bool = False,
        clip: bool = True,
        record: bool = False,
    ) -> None:
        super().__init__()
        self.kernel_size = tuple(kernel_size)
        self.stride = tuple(stride)
        self.padding = tuple(padding)
        self.dilation = tuple(dilation or (1,) * len(self.kernel_size))
        self.ceil_mode = ceil_mode
        self.clip = clip
        self.record = record
        self.maxima = Maxima()

    def forward(self, input: Tensor) -> Tensor:
        dims = len(self.kernel_size)
        size = input.shape[-dims:]
        counts = window_counts(
            size,
            self.kernel_size,
            self.stride,
            self.padding,
            self.dilation,
            ceil_mode=self.ceil_mode,
            clip=self.clip,
        )
        self._check_inside(size, counts)
        widths = surround(size, counts, self.kernel_size, self.stride, self.padding, self.dilation)
        padded = F.pad(input, widths, value=torch.finfo(input.dtype).min)
        output, indices = _MAX[dims](
            padded, self.kernel_size, self.stride, 0, self.dilation, return_indices=True
        )
        if self.record:
            self.maxima.size = tuple(size)
            self.maxima.indices = self._inside(indices, size, padded.shape[-dims:])
        return output

    def _check_inside(self, size: Sequence[int], counts: Sequence[int]) -> None:
        if self.clip:
            return
        rows = zip(size, counts, self.kernel_size, self.stride, self.padding, strict=True)
        if any((c - 1) * s >= n + p or k <= p for n, c, k, s, p in rows):
            raise ValueError(
                "a window lies in the padding altogether; cuDNN doesn't say what it gives then"
            )

    def _inside(self, indices: Tensor, size: Sequence[int], padded: Sequence[int]) -> Tensor:
        """Return positions in the image for positions in the padded image."""
        flat = torch.zeros_like(indices)
        scale = 1
        for n, m, p in reversed(list(zip(size, padded, self.padding, strict=True))):
            flat = flat + (indices % m - p) * scale
            indices = indices // m
            scale *= n
        return flat

    def extra_repr(self) -> str:
        rest = "" if self.clip else ", clip=False"
        return (
            f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}, "
            f"dilation={self.dilation}, ceil_mode={self.ceil_mode}" + rest
        )


class AvgPool(nn.Module):
    """Average pooling over the last dimensions, as many as ``kernel_size`` has.

    A window's sum is divided by the number of its elements: up to the end of the right padding;
    without ``count_include_pad``, in the image only; with ``whole`` (cuDNN), all of the kernel.
    Without ``divide`` the mean is multiplied by the kernel's size.
    Source: THNN generic/SpatialAveragePooling.c, torch/nn SpatialAveragePooling.lua, cudnn.torch
    Pooling.lua.
    """

    def __init__(
        self,
        kernel_size: Sequence[int],
        stride: Sequence[int],
        padding: Sequence[int],
        *,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divide: bool = True,
        whole: bool = False,
    ) -> None:
        super().__init__()
        self.kernel_size = tuple(kernel_size)
        self.stride = tuple(stride)
        self.padding = tuple(padding)
        self.ceil_mode = ceil_mode
        self.count_include_pad = count_include_pad
        self.divide = divide
        self.whole = whole

    def forward(self, input: Tensor) -> Tensor:
        dims = len(self.kernel_size)
        size = input.shape[-dims:]
        ones = (1,) * dims
        counts = window_counts(
            size,
            self.kernel_size,
            self.stride,
            self.padding,
            ones,
            ceil_mode=self.ceil_mode,
            clip=not self.whole,
        )
        widths = surround(size, counts, self.kernel_size, self.stride, self.padding, ones)
        padded = F.pad(input, widths)
        if torch.compiler.is_exporting():  # ONNX's average pooling knows no other divisor
            sums = _AVERAGE[dims](padded, self.kernel_size, self.stride) * prod(self.kernel_size)
        else:
            sums = _AVERAGE[dims](padded, self.kernel_size, self.stride, divisor_override=1)
        output: Tensor = sums / self._divisors(size, counts, input)
        if not self.divide:
            for k in self.kernel_size:
                output = output * k
        return output

    def _divisors(self, size: Sequence[int], counts: Sequence[int], like: Tensor) -> Tensor:
        total = torch.ones((), dtype=like.dtype, device=like.device)
        rows = zip(size, counts, self.kernel_size, self.stride, self.padding, strict=True)
        for n, c, k, s, p in rows:
            start = torch.arange(c, device=like.device) * s - p
            if self.whole:
                length = torch.full_like(start, k)
            elif self.count_include_pad:
                length = (start + k).clamp(max=n + p) - start
            else:
                length = (start + k).clamp(max=n) - start.clamp(min=0)
            total = total.unsqueeze(-1) * length.to(like.dtype)
        return total

    def extra_repr(self) -> str:
        return (
            f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}, "
            f"ceil_mode={self.ceil_mode}, count_include_pad={self.count_include_pad}, "
            f"divide={self.divide}, whole={self.whole}"
        )
