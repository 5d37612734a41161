"""Spatial convolutions (SpatialConvolution.lua, SpatialConvolutionMM.lua and the cudnn twin)."""

from __future__ import annotations

import numpy as np

from t7convert.format.objects import Array
from t7convert.lua.reuse import UNFOLDING
from t7convert.reference.op import Op, implements
from t7convert.reference.ops._unfold import (
    Windows,
    batched,
    convolve,
    convolve_back,
    convolve_weight,
    over_channels,
    unbatched,
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
        if self.module.spec.typename in UNFOLDING and self.executor.overwrites:
            self.executor.state(self.module)["unfolded"] = images.copy()
        y = convolve(images, self.weight(), self.windows(), self.groups())
        if self.has("bias"):
            y += over_channels(self.array("bias"), self.dims)
        return unbatched(y, x)

    def backward(self, gy: Array) -> Array:
        images, grads = batched(self.input, self.dims), batched(gy, self.dims)
        windows, groups = self.windows(), self.groups()
        last = self.executor.state(self.module).get("unfolded", images)
        unfolded = last if last.shape == images.shape else images
        gradient = convolve_weight(unfolded, grads, windows, groups)
        self.accumulate("weight", gradient.reshape(self.shape("weight")))
        if self.has("bias"):
            self.accumulate("bias", grads.sum((0, *range(2, self.dims))))
        gx = convolve_back(grads, self.weight(), images.shape[2:], windows, groups)
        return unbatched(gx, self.input)


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


@implements("nn.SpatialDepthWiseConvolution")
class SpatialDepthWiseConvolution(Op):
    """A convolution per input plane; THNN takes H rows of W for W rows of H.

    Torch7's backward refuses images that are not square; here they get the derivative.
    """

    def windows(self) -> Windows:
        """Return the windows."""
        return Windows.of(self.hw("k"), self.hw("d"), self.hw("pad"))

    def weight(self) -> Array:
        """Return the weight as (inputs * outputs, 1, kH, kW)."""
        inputs, outputs = self.integer("nInputPlane"), self.integer("nOutputPlane")
        kernels = self.array("weight").reshape(outputs, inputs, 1, *self.hw("k"))
        return np.swapaxes(kernels, 0, 1).reshape(inputs * outputs, 1, *self.hw("k"))

    def forward(self, x: Array) -> Array:
        n, c, h, w = batched(x, 4).shape
        self.images = x.reshape(n, c, w, h)
        y = convolve(self.images, self.weight(), self.windows(), c)
        if self.has("bias"):
            y += over_channels(self.array("bias").T.reshape(-1), 4)
        return unbatched(y, x)

    def backward(self, gy: Array) -> Array:
        inputs, outputs = self.integer("nInputPlane"), self.integer("nOutputPlane")
        grads = batched(gy, 4)
        gradient = convolve_weight(self.images, grads, self.windows(), inputs)
        gradient = gradient.reshape(inputs, outputs, -1).swapaxes(0, 1)
        self.accumulate("weight", gradient.reshape(self.shape("weight")))
        if self.has("bias"):
            self.accumulate("bias", grads.sum((0, 2, 3)).reshape(inputs, outputs).T)
        size = self.images.shape[2:]
        gx = convolve_back(grads, self.weight(), size, self.windows(), inputs)
        return unbatched(gx.reshape(batched(self.input, 4).shape), self.input)


@implements("nn.SpatialConvolutionLocal")
class SpatialConvolutionLocal(Op):
    """A weight of its own at every place (SpatialConvolutionLocal.lua)."""

    def windows(self) -> Windows:
        """Return the windows."""
        return Windows.of(self.hw("k"), self.hw("d"), self.hw("pad"))

    def weight(self) -> Array:
        """Return the weight as (places, outputs, inputs * kH * kW)."""
        places = self.shape("bias")[1] * self.shape("bias")[2]
        return self.array("weight").reshape(places, self.integer("nOutputPlane"), -1)

    def forward(self, x: Array) -> Array:
        if x.shape[-2:] != self.hw("i"):
            raise ValueError(f"an image of {x.shape[-2:]}, expected {self.hw('i')}")
        windows = self.windows()
        self.columns = np.stack([windows.columns(image) for image in batched(x, 4)])
        y = np.einsum("lok,nkl->nol", self.weight(), self.columns, optimize=True)
        y = y.reshape(-1, *self.shape("bias")) + self.array("bias")
        return unbatched(y, x)

    def backward(self, gy: Array) -> Array:
        grads = batched(gy, 4)
        self.accumulate("bias", grads.sum(0))
        flat = grads.reshape(*grads.shape[:2], -1)
        gradient = np.einsum("nol,nkl->lok", flat, self.columns, optimize=True)
        self.accumulate("weight", gradient.reshape(self.shape("weight")))
        columns = np.einsum("lok,nol->nkl", self.weight(), flat, optimize=True)
        size, inputs = self.input.shape[-2:], self.integer("nInputPlane")
        gx = np.stack([self.windows().fold(part, inputs, size) for part in columns])
        return unbatched(gx, self.input)
