"""Transposed convolutions (SpatialFullConvolution.lua and the volumetric and cudnn relatives)."""

from __future__ import annotations

import numpy as np

from t7convert.format.objects import Array
from t7convert.reference.op import Op, Value, implements
from t7convert.reference.ops._unfold import (
    Windows,
    batched,
    convolve,
    convolve_back,
    convolve_weight,
    over_channels,
    unbatched,
)


class FullConvolution(Op):
    """The adjoint of a convolution; its weight is (inputs, outputs, *kernel).

    The input may be a list ``[x, target]``: the output then gets the target's size.
    """

    dims = 4

    def windows(self) -> Windows:
        """Return the windows, which lie in the output."""
        return Windows.of(self.hw("k"), self.hw("d"), self.hw("pad"))

    def adjustment(self) -> tuple[int, ...]:
        """Return the module's own adj fields."""
        return self.hw("adj")

    def weight(self) -> Array:
        """Return the weight as (inputs, outputs, *kernel)."""
        planes = self.integer("nInputPlane"), self.integer("nOutputPlane")
        return self.array("weight").reshape(*planes, *self.windows().kernel)

    def size(self, x: Array, target: Array | None) -> tuple[int, ...]:
        """Return the output's spatial size."""
        windows = self.windows()
        adj = self.adjustment()
        if target is not None:
            wanted = target.shape[-len(adj) :]
            adj = tuple(
                (n + 2 * p - k) % s
                for n, p, k, s in zip(
                    wanted, windows.pad, windows.kernel, windows.stride, strict=True
                )
            )
        rows = zip(x.shape[-len(adj) :], windows.stride, windows.pad, windows.kernel, strict=True)
        return tuple((n - 1) * s - 2 * p + k + a for (n, s, p, k), a in zip(rows, adj, strict=True))

    def forward(self, x: Value) -> Array:
        first, target = (x[0], x[1]) if isinstance(x, list) else (x, None)
        self.images = batched(first, self.dims)
        y = convolve_back(self.images, self.weight(), self.size(first, target), self.windows())
        if self.has("bias"):
            y += over_channels(self.array("bias"), self.dims)
        return unbatched(y, first)

    def backward(self, gy: Array) -> Value:
        grads = batched(gy, self.dims)
        gradient = convolve_weight(grads, self.images, self.windows())
        self.accumulate("weight", gradient.reshape(self.shape("weight")))
        if self.has("bias"):
            self.accumulate("bias", grads.sum((0, *range(2, self.dims))))
        gx = convolve(grads, self.weight(), self.windows())
        if isinstance(self.input, list):
            return [unbatched(gx, self.input[0]), np.zeros_like(self.input[1])]
        return unbatched(gx, self.input)


@implements("nn.SpatialFullConvolution", "cudnn.SpatialFullConvolution")
class SpatialFullConvolution(FullConvolution):
    pass
