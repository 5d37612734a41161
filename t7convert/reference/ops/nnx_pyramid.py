"""nnx's classifier, normalisation, fovea and pyramid, from their Lua files."""

from __future__ import annotations

from math import ceil, floor
from typing import Any

import numpy as np

from t7convert.format.objects import Array
from t7convert.lua.tree import LuaModule
from t7convert.reference.nested import add
from t7convert.reference.op import Op, Value, implements
from t7convert.reference.ops.nnx_sampling import Bilinear


@implements("nn.SpatialClassifier")
class SpatialClassifier(Op):
    def forward(self, x: Array) -> Array:
        if x.ndim != 3:
            raise self.error(f"its input has {x.ndim} dimensions, expected 3")
        rows = np.ascontiguousarray(x.reshape(len(x), -1).T)
        self.inner = self.call(self.module_at("classifier"), rows)
        found = np.asarray(self.inner.output)
        return found.T.reshape(-1, *x.shape[1:]) if self.flag("spatialOutput") else found

    def backward(self, gy: Array) -> Array:
        rows = gy.reshape(len(gy), -1).T if self.flag("spatialOutput") else gy
        gradient = np.asarray(self.inner.backward(rows))
        return np.reshape(gradient.T, self.input.shape)


class _Sum:
    """Padding, a kernel per plane, the sum of the planes; then perhaps once more."""

    def __init__(self, steps: list[tuple[Array, tuple[int, int, int, int]]]) -> None:
        self.steps = steps

    def forward(self, x: Array) -> Array:
        self.shapes = []
        for weight, (left, right, top, bottom) in self.steps:
            planes = np.broadcast_to(x, (len(weight), *x.shape[1:]))
            padded = np.pad(planes, [(0, 0), (top, bottom), (left, right)])
            self.shapes.append((x.shape, padded.shape))
            windows = np.lib.stride_tricks.sliding_window_view(padded, weight.shape[1:], (1, 2))
            x = np.einsum("chwij,cij->hw", windows, weight)[np.newaxis]
        return x

    def backward(self, gy: Array) -> Array:
        for (weight, pads), (given, padded) in zip(
            reversed(self.steps), reversed(self.shapes), strict=True
        ):
            gx = np.zeros(padded, gy.dtype)
            for i, j in np.ndindex(*weight.shape[1:]):
                part = gx[:, i : i + gy.shape[1], j : j + gy.shape[2]]
                part += gy * weight[:, i, j].reshape(-1, 1, 1)
            left, _, top, _ = pads
            gx = gx[:, top : top + given[1], left : left + given[2]]
            gy = gx.sum(0, keepdims=True) if given[0] == 1 else gx
        return gy


@implements("nn.SpatialNormalization")
class SpatialNormalization(Op):
    def sums(self, name: str) -> _Sum:
        """Return the sum over neighbours that the file calls convo or convostd."""
        steps: list[Any] = self.require(name)
        if any(step["bias"].numpy().any() for step in steps):
            raise self.error("its kernel has a bias")
        return _Sum(
            [
                (
                    self.executor.array(step["weight"]),
                    (int(step["left"]), int(step["right"]), int(step["top"]), int(step["bottom"])),
                )
                for step in steps
            ]
        )

    def forward(self, x: Array) -> Array:
        image = x if x.ndim == 3 else x[np.newaxis]
        self.mean, self.square = self.sums("mean"), self.sums("square")
        ones = np.ones((self.integer("nfeatures"), *image.shape[1:]), x.dtype)
        self.coef = self.mean.forward(ones)
        self.centred = image - self.mean.forward(image) / self.coef
        self.root = np.sqrt(self.square.forward(self.centred**2))
        deviation = self.root / self.coef
        if self.get("fixedThres") is None:
            least = max(float(deviation.mean()), 1e-3)
        else:
            least = self.number("fixedThres")
        self.above = deviation > least
        self.divisor = np.where(self.above, deviation, x.dtype.type(least))
        return np.asarray(self.centred / self.divisor)

    def backward(self, gy: Array) -> Array:
        at_divisor = -(gy * self.centred / self.divisor**2).sum(0, keepdims=True)
        at_root = np.where(self.above, at_divisor, gy.dtype.type(0)) / self.coef
        with np.errstate(divide="ignore", invalid="ignore"):
            at_square = np.where(self.root == 0, gy.dtype.type(0), at_root / (2 * self.root))
        at_centred = gy / self.divisor + 2 * self.centred * self.square.backward(at_square)
        at_mean = -at_centred.sum(0, keepdims=True) / self.coef
        gradient = at_centred + self.mean.backward(at_mean)
        return np.reshape(gradient, self.input.shape)


@implements("nn.SpatialFovea")
class SpatialFovea(Bilinear):
    def forward(self, x: Array) -> Array:
        if x.ndim != 3 or len(x) != self.integer("nInputPlane"):
            raise self.error(f"its input has the shape {x.shape}")
        given = self.get("preProcessors", [])
        pre = given if isinstance(given, dict) else dict(enumerate(given, start=1))
        self.margin, outputs = self.integer("padding") // 2, []
        self.scales: list[dict[str, Any]] = []
        ratios, processors = self.require("ratios"), self.modules_at("processors")
        for number, (ratio, processor) in enumerate(zip(ratios, processors, strict=True), start=1):
            scale: dict[str, Any] = {"ratio": ratio}
            small, scale["back"] = self._shrink(x, ratio)
            scale["pre"] = None
            if isinstance(pre.get(number), LuaModule):
                scale["pre"] = self.call(pre[number], small)
                small = scale["pre"].output
            padded = np.pad(small, [(0, 0)] + [(self.margin, self.margin)] * 2)
            scale["padded"] = padded.shape
            scale["cut"] = self._window(ratio, padded.shape)
            scale["call"] = self.call(processor, np.ascontiguousarray(padded[scale["cut"]]))
            y = scale["call"].output
            scale["grow"] = None
            if not self.flag("focused"):
                y, scale["grow"] = self._grow(y, ratio)
            self.scales.append(scale)
            outputs.append(y)
        return np.concatenate(outputs)

    def _window(self, ratio: float, shape: tuple[int, ...]) -> tuple[slice, ...]:
        if not self.flag("focused"):
            return (slice(None),)
        sub, fov = self.integer("sub"), self.integer("fov")
        left = floor(floor((self.integer("x") - 1) / ratio) / sub) * sub
        top = floor(floor((self.integer("y") - 1) / ratio) / sub) * sub
        if left + fov > shape[2] or top + fov > shape[1]:
            raise self.error("its focus leaves the image")
        return (slice(None), slice(top, top + fov), slice(left, left + fov))

    def _bilinear(self, x: Array, ratio: float) -> tuple[Array, Any]:
        size = int(ratio * x.shape[1]), int(ratio * x.shape[2])
        planes = x[..., np.newaxis]
        y = self.interpolate(planes, size)
        four = self.four

        def back(gy: Array) -> Array:
            self.four = four
            return self.interpolate_back(gy[..., np.newaxis], planes.shape)[..., 0]

        return y[..., 0], back

    def _shrink(self, x: Array, ratio: float) -> tuple[Array, Any]:
        if self.flag("bilinear"):
            return self._bilinear(x, 1 / ratio)
        r = int(ratio)
        high, wide = x.shape[1] // r, x.shape[2] // r
        blocks = x[:, : high * r, : wide * r].reshape(len(x), high, r, wide, r)

        def back(gy: Array) -> Array:
            gx = np.zeros_like(x)
            gx[:, : high * r, : wide * r] = gy.repeat(r, 1).repeat(r, 2) / gy.dtype.type(r * r)
            return gx

        return blocks.sum((2, 4)) * x.dtype.type(1 / r**2), back

    def _grow(self, y: Array, ratio: float) -> tuple[Array, Any]:
        if self.flag("bilinear"):
            return self._bilinear(y, ratio)
        r, (_, high, wide) = int(ratio), y.shape

        def back(gy: Array) -> Array:
            return np.asarray(gy.reshape(-1, high, r, wide, r).sum((2, 4)))

        return y.repeat(r, 1).repeat(r, 2), back

    def backward(self, gy: Array) -> Value:
        total, start = None, 0
        for scale in self.scales:
            count = len(scale["call"].output)
            part = gy[start : start + count]
            start += count
            if scale["grow"] is not None:
                part = scale["grow"](part)
            inner = scale["call"].backward(part)
            padded = np.zeros(scale["padded"], gy.dtype)
            padded[scale["cut"]] = inner
            m = self.margin
            small = padded[:, m : padded.shape[1] - m, m : padded.shape[2] - m]
            if scale["pre"] is not None:
                small = scale["pre"].backward(small)
            total = add(total, scale["back"](small))
        if self.flag("cachePrePreproc"):  # Lua stops at the processors
            return np.zeros_like(self.input)
        return total


@implements("nn.SpatialPyramid")
class SpatialPyramid(Op):
    def forward(self, x: Value) -> Value:
        if not self.flag("prescaled_input"):
            sides = x.shape[1:3]
            if any(n % ratio for n in sides for ratio in self.require("ratios")):
                raise self.error(f"its input's sides {sides} are no multiples of the ratios")
        if not self.flag("focused"):
            self.calls = [self.call(self.module_at("unfocused_pipeline"), x)]
            return self.calls[0].output
        self.calls = []
        x_at, y_at = self.integer("x"), self.integer("y")
        pipeline = self.module_at("focused_pipeline")
        for number, scale in enumerate(pipeline.fields["modules"]):
            wide, high = self.require("winWidth")[number], self.require("winHeight")[number]
            padder = scale.fields["modules"][0]
            padder.fields.update(
                pad_l=-x_at + ceil(wide / 2),
                pad_r=x_at + floor(wide / 2) - x.shape[2],
                pad_t=-y_at + ceil(high / 2),
                pad_b=y_at + floor(high / 2) - x.shape[1],
            )
            self.calls.append(self.call(scale, x))
        return [call.output for call in self.calls]

    def backward(self, gy: Value) -> Value:
        if not self.flag("focused"):
            return self.calls[0].backward(gy)
        total = None
        for call, part in zip(self.calls, gy, strict=True):
            total = add(total, call.backward(part))
        return total
