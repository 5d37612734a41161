"""Convolutions with a table of connections, and subsampling."""

from __future__ import annotations

import numpy as np

from t7convert.format.objects import Array
from t7convert.reference.op import Op, implements
from t7convert.reference.ops._pool import Pool, average_back, average_pool
from t7convert.reference.ops._unfold import (
    Windows,
    batched,
    convolve,
    convolve_back,
    convolve_weight,
    over_channels,
    unbatched,
)


class ConnectedConvolution(Op):
    """One kernel per row (source, target) of the table, 1-based."""

    def windows(self) -> Windows:
        """Return the windows."""
        return Windows.of(self.hw("k"), self.hw("d"))

    def connections(self) -> tuple[Array, Array]:
        """Return the 0-based sources and targets."""
        table = np.asarray(self.values("connTable")).astype(np.int64) - 1
        return table[:, 0], table[:, 1]

    def dense(self, rows: Array, columns: Array, size: tuple[int, int]) -> Array:
        """Return the kernels as a full weight."""
        kernels = self.array("weight")
        weight = np.zeros((*size, *kernels.shape[1:]), kernels.dtype)
        np.add.at(weight, (rows, columns), kernels)
        return weight

    @property
    def planes(self) -> tuple[int, int]:
        """The numbers of input and output planes."""
        return self.integer("nInputPlane"), self.integer("nOutputPlane")


@implements("nn.SpatialConvolutionMap")
class SpatialConvolutionMap(ConnectedConvolution):
    def forward(self, x: Array) -> Array:
        inputs, outputs = self.planes
        sources, targets = self.connections()
        self.weight = self.dense(targets, sources, (outputs, inputs))
        self.images = batched(x, 4)[:, :inputs]
        y = convolve(self.images, self.weight, self.windows())
        y += over_channels(self.array("bias"), 4)
        return unbatched(y, x)

    def backward(self, gy: Array) -> Array:
        grads = batched(gy, 4)
        self.accumulate("weight", self._kernels(grads))
        self.accumulate("bias", grads.sum((0, 2, 3)))
        # fullConv2Dptr: the rows are those of a full convolution, shorter than the input's where
        # the stride leaves a remainder
        windows, (h, w) = self.windows(), gy.shape[-2:]
        dh, dw = windows.stride
        size = (h - 1) * dh + windows.kernel[0], (w - 1) * dw + windows.kernel[1]
        full = convolve_back(grads, self.weight, size, windows)
        gx = np.zeros(batched(self.input, 4).shape, gy.dtype)  # in C order, whatever the input's
        for image, part in zip(gx, full, strict=True):
            for plane, values in zip(image, part, strict=False):
                plane.reshape(-1)[: values.size] = values.reshape(-1)
        return unbatched(gx, self.input)

    def _kernels(self, grads: Array) -> Array:
        """Return the kernels' gradient.

        validXCorr2DRevptr writes a block of the input's size less the strides', which is larger
        than the kernel where there is a remainder, and then runs on into the next kernel.
        """
        sources, targets = self.connections()
        stride = self.windows().stride
        block = tuple(
            n - (c - 1) * s
            for n, c, s in zip(self.images.shape[2:], grads.shape[2:], stride, strict=True)
        )
        sums = convolve_weight(self.images, grads, Windows.of(block, stride))[targets, sources]
        kernels = self.array("weight")
        area = kernels[0].size
        flat = np.zeros(kernels.size + sums[0].size, sums.dtype)
        for number, values in enumerate(sums):
            flat[number * area : number * area + values.size] += values.reshape(-1)
        return flat[: kernels.size].reshape(kernels.shape)


@implements("nn.SpatialFullConvolutionMap")
class SpatialFullConvolutionMap(ConnectedConvolution):
    def forward(self, x: Array) -> Array:
        sources, targets = self.connections()
        self.weight = self.dense(sources, targets, self.planes)
        self.images = batched(x, 4)[:, : self.planes[0]]
        windows = self.windows()
        size = tuple(
            (n - 1) * s + k
            for n, s, k in zip(x.shape[-2:], windows.stride, windows.kernel, strict=True)
        )
        y = convolve_back(self.images, self.weight, size, windows)
        y += over_channels(self.array("bias"), 4)
        return unbatched(y, x)

    def backward(self, gy: Array) -> Array:
        grads = batched(gy, 4)
        sources, targets = self.connections()
        self.accumulate(
            "weight", convolve_weight(grads, self.images, self.windows())[sources, targets]
        )
        self.accumulate("bias", grads.sum((0, 2, 3)))
        gx = np.zeros_like(batched(self.input, 4))
        gx[:, : self.planes[0]] = convolve(grads, self.weight, self.windows())
        return unbatched(gx, self.input)


@implements("nn.SpatialSubSampling")
class SpatialSubSampling(Op):
    """The sum of every window, times a weight and plus a bias per plane."""

    def pool(self) -> Pool:
        """Return the windows."""
        return Pool(self.hw("k"), self.hw("d"), (0, 0), (1, 1), ceil=False)

    def weight(self) -> Array:
        """Return the first numbers of the weight, which is all that C looks at."""
        return self.array("weight").reshape(-1)[: self.integer("nInputPlane"), None, None]

    def forward(self, x: Array) -> Array:
        if x.shape[-3] != self.integer("nInputPlane"):
            raise self.error(f"its input has {x.shape[-3]} planes")
        self.sums = average_pool(x, self.pool(), np.ones((), np.int64))
        return self.sums * self.weight() + self.array("bias")[:, None, None]

    def backward(self, gy: Array) -> Array:
        grads, sums = batched(gy, 4), batched(self.sums, 4)
        gradient = np.zeros(self.shape("weight"), grads.dtype)
        gradient.reshape(-1)[: grads.shape[1]] = (grads * sums).sum((0, 2, 3))
        self.accumulate("weight", gradient)
        self.accumulate("bias", grads.sum((0, 2, 3)))
        scaled = gy * self.weight()
        return average_back(scaled, self.input.shape[-2:], self.pool(), np.ones((), np.int64))
