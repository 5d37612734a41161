"""Local response normalisation across feature maps (SpatialCrossMapLRN.lua)."""

from __future__ import annotations

import numpy as np

from t7convert.format.objects import Array
from t7convert.reference.op import Op, implements
from t7convert.reference.ops._unfold import batched, unbatched


def _band_sum(x: Array, before: int, after: int) -> Array:
    """Sum the channels from ``before`` below to ``after`` above each one, (N, C, H, W)."""
    padded = np.pad(x, [(0, 0), (before, after), (0, 0), (0, 0)])
    channels = x.shape[1]
    total = np.zeros_like(x)
    for shift in range(before + after + 1):
        total += padded[:, shift : shift + channels]
    return total


@implements("nn.SpatialCrossMapLRN", "cudnn.SpatialCrossMapLRN")
class SpatialCrossMapLRN(Op):
    """x * (k + alpha / size * sum of squares of the neighbouring maps) ** -beta.

    An even size looks one map further up than down, as THCUNN SpatialCrossMapLRN.cu and cuDNN have
    it (the Lua code for the CPU fails there).
    """

    def forward(self, x: Array) -> Array:
        images = batched(x, 4)
        size = self.integer("size")
        before = (size - 1) // 2
        alpha, k = x.dtype.type(self.number("alpha") / size), x.dtype.type(self.number("k"))
        self.scale = _band_sum(images * images, before, size - 1 - before) * alpha + k
        self.power = self.scale ** x.dtype.type(-self.number("beta"))
        return unbatched(images * self.power, x)

    def backward(self, gy: Array) -> Array:
        images, grads = batched(self.input, 4), batched(gy, 4)
        size = self.integer("size")
        before = (size - 1) // 2
        ratio = grads * images * self.power / self.scale
        # map c is seen by the maps that have c among their neighbours: the band is mirrored
        seen = _band_sum(ratio, size - 1 - before, before)
        factor = gy.dtype.type(2 * self.number("alpha") * self.number("beta") / size)
        return unbatched(self.power * grads - factor * images * seen, gy)
