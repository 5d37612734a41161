"""fbnn's filters, scales, normalisations and dropout, from their Lua files."""

from __future__ import annotations

import numpy as np

from t7convert.format.objects import Array
from t7convert.reference.op import Op, Value, implements
from t7convert.reference.ops._unfold import Windows, convolve


@implements("nn.Upsample")
class Upsample(Op):
    def forward(self, x: Array) -> Value:
        factor = self.integer("factor")
        return x.repeat(factor, -2).repeat(factor, -1)

    def backward(self, gy: Array) -> Value:
        factor = self.integer("factor")
        *lead, height, width = self.input.shape
        return gy.reshape(*lead, height, factor, width, factor).sum((-3, -1))


@implements("nn.DifferenceOfGaussian")
class DifferenceOfGaussian(Op):
    def forward(self, x: Array) -> Value:
        filters = self.array("filter")[:, None]
        windows = Windows.of(filters.shape[2:], (1, 1), self.hw("pad"))
        batch = x if x.ndim == 4 else x[None]
        outputs = []
        for _ in range(self.integer("nOctaves")):
            # per plane one image of all blurs
            blurs = [convolve(batch[:, c : c + 1], filters, windows) for c in range(batch.shape[1])]
            each = [blur[:, :-1] - blur[:, 1:] for blur in blurs]
            output = np.concatenate(each, 1)
            outputs.append(output if x.ndim == 4 else output[0])
            batch = np.stack([blur[:, -1, 1::2, 1::2] for blur in blurs], 1)
        return outputs

    def backward(self, gy: Value) -> Value:
        raise self.error("Torch7 has no backward of this class")


@implements("fbnn.LeakyReLU")
class LeakyReLU(Op):
    def forward(self, x: Array) -> Value:
        return np.where(x > 0, x, self.array("weight")[0] * x)

    def backward(self, gy: Array) -> Value:
        self.accumulate("weight", np.zeros_like(self.array("weight")))
        return np.where(self.input > 0, gy, self.array("weight")[0] * gy)


@implements("fbnn.Constant")
class Constant(Op):
    def forward(self, x: Array) -> Value:
        return np.stack([self.array("value")] * len(x))

    def backward(self, gy: Array) -> Value:
        return np.zeros_like(self.input)


@implements("fbnn.L2Normalize")
class L2Normalize(Op):
    def forward(self, x: Array) -> Value:
        if x.ndim > 2:
            raise self.error(f"an input of {x.ndim} dimensions, expected 1 or 2")
        self.norms = np.sqrt(np.square(x).sum(-1, keepdims=True))
        return x / self.norms

    def backward(self, gy: Array) -> Value:
        return (gy - self.output * (gy * self.output).sum(-1, keepdims=True)) / self.norms


@implements("fbnn.ProjectiveGradientNormalization")
class ProjectiveGradientNormalization(Op):
    def forward(self, x: Array) -> Value:
        return x.copy()

    def backward(self, gy: Array) -> Value:
        norm = np.sqrt(np.square(self.input).sum())
        if norm == 0:
            return gy
        unit = self.input / norm
        return gy - unit * (unit * gy).sum()


@implements("fbnn.NestedDropout")
class NestedDropout(Op):
    """In evaluation the identity; Torch7's backward refuses evaluation, here it is the identity."""

    def forward(self, x: Array) -> Value:
        return x.copy()

    def backward(self, gy: Array) -> Value:
        return gy
