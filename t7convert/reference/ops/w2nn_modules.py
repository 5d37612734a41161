"""waifu2x's modules, from their Lua files."""

from __future__ import annotations

import numpy as np

from t7convert.format.objects import Array
from t7convert.reference.op import Op, Value, implements
from t7convert.reference.ops._unfold import batched, convolve_back
from t7convert.reference.ops.convolution import Convolution


@implements("w2nn.InplaceClip01")
class InplaceClip01(Op):
    def forward(self, x: Array) -> Value:
        return np.clip(x, 0, 1)

    def backward(self, gy: Array) -> Value:
        return gy


@implements("w2nn.LeakyReLU")
class LeakyReLU(Op):
    def forward(self, x: Array) -> Value:
        self.negative = (np.abs(x) - x) * (-0.5 * self.number("negative_scale"))
        return (np.abs(x) + x) / 2 + self.negative

    def backward(self, gy: Array) -> Value:
        sign = np.sign(self.negative)
        return gy * (sign + 1) + sign * -self.number("negative_scale") * gy


@implements("w2nn.AuxiliaryLossTable")
class AuxiliaryLossTable(Op):
    """In evaluation, where Torch7's backward wants a table of gradients, the derivative."""

    def forward(self, x: list[Array]) -> Value:
        return x[self.integer("i") - 1].copy()

    def backward(self, gy: Array) -> Value:
        return [
            gy if place == self.integer("i") else np.zeros_like(entry)
            for place, entry in enumerate(self.input, start=1)
        ]


@implements("w2nn.GradWeight")
class GradWeight(Op):
    def forward(self, x: Array) -> Value:
        return x.copy()

    def backward(self, gy: Array) -> Value:
        return gy * self.number("constant_scalar")


@implements("w2nn.ScaleTable")
class ScaleTable(Op):
    def forward(self, x: list[Array]) -> Value:
        if x[0].shape[1] != x[1].shape[1]:
            raise self.error(f"{x[1].shape[1]} scales for {x[0].shape[1]} planes")
        return x[0] * np.broadcast_to(x[1], x[0].shape)

    def backward(self, gy: Array) -> Value:
        planes, scale = self.input
        return [gy * scale, (gy * planes).sum((2, 3)).reshape(scale.shape)]


@implements("w2nn.ShakeShakeTable")
class ShakeShakeTable(Op):
    """In evaluation, where Torch7's backward lacks its random factors, the derivative."""

    def forward(self, x: list[Array]) -> Value:
        return x[0] + x[1]

    def backward(self, gy: Array) -> Value:
        return [gy, gy]


@implements("w2nn.RandomBinaryConvolution", "w2nn.EdgeFilter")
class FixedConvolution(Convolution):
    def backward(self, gy: Array) -> Value:
        for name, tensor in self.module.tensors(("weight", "bias")):
            self.accumulate(name, np.zeros(tensor.size, gy.dtype))
        size = batched(self.input, 4).shape[2:]
        gx = convolve_back(batched(gy, 4), self.weight(), size, self.windows(), 1)
        return gx.reshape(self.input.shape)


@implements("w2nn.Print", "w2nn.PrintTable")
class Print(Op):
    """w2nn.Print's own backward names a variable that doesn't exist; here both pass it on."""

    def forward(self, x: Value) -> Value:
        return x

    def backward(self, gy: Value) -> Value:
        return gy
