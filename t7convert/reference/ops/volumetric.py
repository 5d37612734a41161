"""Convolutions and poolings of volumes."""

from __future__ import annotations

from t7convert.format.objects import Array
from t7convert.reference.op import implements
from t7convert.reference.ops._pool import Pool, average_divisors
from t7convert.reference.ops._unfold import Windows
from t7convert.reference.ops.convolution import Convolution
from t7convert.reference.ops.convolution_full import FullConvolution
from t7convert.reference.ops.pooling import AveragePooling, MaxPooling

_ONES = (1, 1, 1)


@implements("nn.VolumetricConvolution", "cudnn.VolumetricConvolution")
class VolumetricConvolution(Convolution):
    dims = 5

    def windows(self) -> Windows:
        return Windows.of(self.thw("k"), self.thw("d"), self.thw("pad"))


@implements("nn.VolumetricDilatedConvolution")
class VolumetricDilatedConvolution(Convolution):
    dims = 5

    def windows(self) -> Windows:
        return Windows.of(self.thw("k"), self.thw("d"), self.thw("pad"), self.thw("dilation"))


@implements("nn.VolumetricFullConvolution", "cudnn.VolumetricFullConvolution")
class VolumetricFullConvolution(FullConvolution):
    dims = 5

    def windows(self) -> Windows:
        return Windows.of(self.thw("k"), self.thw("d"), self.thw("pad"))

    def adjustment(self) -> tuple[int, ...]:
        return self.thw("adj")

    def weight(self) -> Array:
        weight = self.array("weight")  # outputs first in files without adj
        return weight.swapaxes(0, 1) if self.flag("transposed") else weight

    def accumulate(self, name: str, gradient: Array) -> None:
        if name == "weight" and self.flag("transposed"):
            inputs, outputs, *rest = self.weight().shape
            gradient = gradient.reshape(inputs, outputs, *rest).swapaxes(0, 1)
        super().accumulate(name, gradient)


@implements("nn.VolumetricMaxPooling")
class VolumetricMaxPooling(MaxPooling):
    def pool(self) -> Pool:
        ceil = self.flag("ceil_mode")
        return Pool(self.thw("k"), self.thw("d"), self.thw("pad"), _ONES, ceil)


@implements("nn.VolumetricDilatedMaxPooling")
class VolumetricDilatedMaxPooling(MaxPooling):
    def pool(self) -> Pool:
        pad, dilation, ceil = self.thw("pad"), self.thw("dilation"), self.flag("ceil_mode")
        if any(p > 1 and d > 1 for p, d in zip(pad, dilation, strict=True)):
            raise self.error("dilated and padded by 2 or more: CPU and CUDA code disagree")
        return Pool(self.thw("k"), self.thw("d"), pad, dilation, ceil)


@implements("cudnn.VolumetricMaxPooling")
class CudnnVolumetricMaxPooling(MaxPooling):
    def pool(self) -> Pool:
        ceil = self.flag("ceil_mode")
        return Pool(self.thw("k"), self.thw("d"), self.thw("pad"), _ONES, ceil, clip=False)


@implements("nn.VolumetricAveragePooling")
class VolumetricAveragePooling(AveragePooling):
    def pool(self) -> Pool:
        return Pool(self.thw("k"), self.thw("d"), (0, 0, 0), _ONES, ceil=False)

    def divisors(self, size: tuple[int, ...]) -> Array:
        return average_divisors(size, self.pool(), True)

    def factor(self) -> int:
        return 1


@implements("cudnn.VolumetricAveragePooling")
class CudnnVolumetricAveragePooling(AveragePooling):
    def pool(self) -> Pool:
        ceil = self.flag("ceil_mode")
        return Pool(self.thw("k"), self.thw("d"), self.thw("pad"), _ONES, ceil, clip=False)

    def divisors(self, size: tuple[int, ...]) -> Array:
        return average_divisors(size, self.pool(), True, whole=True)

    def factor(self) -> int:
        return 1
