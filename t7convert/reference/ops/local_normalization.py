"""Subtractive, divisive and contrastive normalisation of neighbourhoods."""

from __future__ import annotations

import numpy as np

from t7convert.format.objects import Array, LuaTensor
from t7convert.lua.fields import FieldReader
from t7convert.reference.op import Op, implements
from t7convert.reference.ops._unfold import (
    Windows,
    batched,
    convolve,
    convolve_back,
    unbatched,
)


class _Estimator:
    """A convolution (or two) of the padded image with one plane as the result."""

    def __init__(self, kernels: list[Array]) -> None:
        if len(kernels) == 1:
            weights = [(kernels[0], 1)]
        else:  # a row per plane, then a column over the planes
            weights = [(kernels[0][:, np.newaxis], len(kernels[0])), (kernels[1], 1)]
        self._steps = []
        for weight, groups in weights:
            kh, kw = weight.shape[2:]
            pad = kh // 2, kw // 2
            self._steps.append((weight, Windows.of((kh, kw), (1, 1), pad), groups))

    def forward(self, x: Array) -> Array:
        for weight, windows, groups in self._steps:
            x = convolve(x, weight, windows, groups)
        return x

    def backward(self, gy: Array) -> Array:
        for weight, windows, groups in reversed(self._steps):
            gy = convolve_back(gy, weight, gy.shape[2:], windows, groups)
        return gy


def _estimator(op: Op, name: str) -> _Estimator:
    reader: FieldReader = op
    for bias in reader.require(f"{name}Biases"):
        if bias is not None and bias.numpy().any():
            raise op.error(f"its {name} estimator has a bias")
    return _Estimator([op.executor.array(kernel) for kernel in op.require(f"{name}Kernels")])


@implements("nn.SpatialSubtractiveNormalization")
class SpatialSubtractiveNormalization(Op):
    def forward(self, x: Array) -> Array:
        images = batched(x, 4)
        self.mean = _estimator(self, "mean")
        coef = self.get("coefficients")
        if isinstance(coef, LuaTensor) and tuple(self.get("coefficientsFor") or ()) == x.shape:
            self.coef = self.executor.array(coef)  # computed once, in the type that it was then
        else:
            self.coef = self.mean.forward(np.ones_like(images[:1]))
        return unbatched(images - self.mean.forward(images) / self.coef, x)

    def backward(self, gy: Array) -> Array:
        grads = batched(gy, 4)
        # Replicate sums over the planes that it made
        sums = -grads.sum(1, keepdims=True) / self.coef
        return unbatched(grads + self.mean.backward(sums), gy)


@implements("nn.SpatialDivisiveNormalization")
class SpatialDivisiveNormalization(Op):
    def forward(self, x: Array) -> Array:
        images = batched(x, 4)
        self.square = _estimator(self, "std")
        self.coef = _estimator(self, "mean").forward(np.ones_like(images[:1]))
        self.roots = np.sqrt(self.square.forward(images * images))
        self.adjusted = self.roots / self.coef
        self.above = self.adjusted > self.number("threshold")
        value = x.dtype.type(self.number("thresval"))
        self.divisor = np.where(self.above, self.adjusted, value)
        return unbatched(images / self.divisor, x)

    def backward(self, gy: Array) -> Array:
        images, grads = batched(self.input, 4), batched(gy, 4)
        sums = -(grads * images / self.divisor**2).sum(1, keepdims=True)
        sums = np.where(self.above, sums, 0) / self.coef
        with np.errstate(divide="ignore", invalid="ignore"):
            sums = np.where(self.roots == 0, 0, sums / (2 * self.roots))
        squares = self.square.backward(sums.astype(gy.dtype))
        return unbatched(grads / self.divisor + 2 * images * squares, gy)


@implements("nn.SpatialContrastiveNormalization")
class SpatialContrastiveNormalization(Op):
    def forward(self, x: Array) -> Array:
        self.inner = self.call(self.module_at("normalizer"), x)
        return np.asarray(self.inner.output)

    def backward(self, gy: Array) -> Array:
        return np.asarray(self.inner.backward(gy))


@implements("cudnn.SpatialDivisiveNormalization")
class CudnnSpatialDivisiveNormalization(Op):
    def forward(self, x: Array) -> Array:
        raise self.error("its updateOutput calls a method that the class doesn't have")
