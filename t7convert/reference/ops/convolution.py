"""Spatial convolutions (SpatialConvolution.lua, SpatialConvolutionMM.lua and the cudnn twin)."""

from __future__ import annotations

from t7convert.format.objects import Array
from t7convert.reference.op import Op, implements
from t7convert.reference.ops._unfold import (
    Windows,
    batched,
    convolve,
    convolve_back,
    convolve_weight,
    over_channels,
)


class Convolution(Op):
    """A convolution of any number of dimensions; subclasses say where the windows lie."""

    dims = 4

    def windows(self) -> Windows:
        """Return the windows."""
        return Windows.of(self.hw("k"), self.hw("d"), self.hw("pad"))

    def groups(self) -> int:
        """Return the number of groups of planes."""
        return 1

    def weight(self) -> Array:
        """Return the weight as (outputs, inputs / groups, *kernel), whatever the file's shape."""
        inputs = self.integer("nInputPlane") // self.groups()
        return self.array("weight").reshape(
            self.integer("nOutputPlane"), inputs, *self.windows().kernel
        )

    def forward(self, x: Array) -> Array:
        images = batched(x, self.dims)
        y = convolve(images, self.weight(), self.windows(), self.groups())
        if self.has("bias"):
            y += over_channels(self.array("bias"), self.dims)
        return y.reshape(y.shape[-x.ndim :])

    def backward(self, gy: Array) -> Array:
        images, grads = batched(self.input, self.dims), batched(gy, self.dims)
        windows, groups = self.windows(), self.groups()
        gradient = convolve_weight(images, grads, windows, groups)
        self.accumulate("weight", gradient.reshape(self.shape("weight")))
        if self.has("bias"):
            self.accumulate("bias", grads.sum((0, *range(2, self.dims))))
        gx = convolve_back(grads, self.weight(), images.shape[2:], windows, groups)
        return gx.reshape(self.input.shape)


@implements("nn.SpatialConvolution", "nn.SpatialConvolutionMM")
class SpatialConvolution(Convolution):
    pass


@implements("cudnn.SpatialConvolution")
class CudnnSpatialConvolution(Convolution):
    def groups(self) -> int:
        return self.integer("groups")


@implements("nn.SpatialDilatedConvolution")
class SpatialDilatedConvolution(Convolution):
    def windows(self) -> Windows:
        return Windows.of(self.hw("k"), self.hw("d"), self.hw("pad"), self.hw("dilation"))
