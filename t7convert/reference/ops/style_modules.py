"""fast-neural-style and AdaIN-style, from their Lua files."""

from __future__ import annotations

from typing import Any

import numpy as np

from t7convert.format.objects import Array
from t7convert.reference.op import Op, Value, implements
from t7convert.reference.ops.criterion_elementwise import Criterion


class InstanceOp(Op):
    """Batch normalisation of one sample that has every plane of every image as a feature."""

    centred: Array
    inverse: Array

    def scale(self, x: Array) -> tuple[Array, Array]:
        """Return x less the mean, and 1 / deviation, per plane."""
        eps = x.dtype.type(self.number("eps"))
        if not self.flag("instanceStatistics"):  # the running ones, which never change
            return x, np.ones((*x.shape[:-2], 1, 1), x.dtype) / np.sqrt(1 + eps)
        centred = x - x.mean((-2, -1), keepdims=True)
        return centred, 1 / np.sqrt((centred**2).mean((-2, -1), keepdims=True) + eps)

    def through(self, grads: Array) -> Array:
        """Return the gradient of the input for that of the normalised values."""
        if not self.flag("instanceStatistics"):
            return np.asarray(grads * self.inverse)
        y = self.centred * self.inverse
        mean = grads.mean((-2, -1), keepdims=True)
        slope = (grads * y).mean((-2, -1), keepdims=True)
        return np.asarray((grads - mean - y * slope) * self.inverse)


@implements("nn.InstanceNormalization@fast-neural-style", "nn.InstanceNormalization@AdaIN-style")
class InstanceNormalization(InstanceOp):
    def forward(self, x: Array) -> Array:
        if self.flag("disabled"):
            return np.array(x)
        if x.ndim not in (3, 4) or x.shape[-3] != self.integer("nOutput"):
            raise self.error(f"its input has the shape {x.shape}")
        self.centred, self.inverse = self.scale(x)
        y = self.centred * self.inverse
        if self.has("weight"):
            y = y * self.array("weight").reshape(-1, 1, 1) + self.array("bias").reshape(-1, 1, 1)
        return np.asarray(y)

    def backward(self, gy: Array) -> Array:
        if self.flag("disabled"):
            raise self.error("Torch7 has no backward of a disabled one")
        grads = gy
        if self.has("weight"):
            rest = (-2, -1) if gy.ndim == 3 else (0, -2, -1)
            self.accumulate("weight", (gy * self.centred * self.inverse).sum(rest))
            self.accumulate("bias", gy.sum(rest))
            grads = gy * self.array("weight").reshape(-1, 1, 1)
        return self.through(grads)


@implements("nn.AdaptiveInstanceNormalization")
class AdaptiveInstanceNormalization(InstanceOp):
    def forward(self, x: list[Array]) -> Array:
        content, style = x
        if self.flag("disabled"):
            return content
        if content.ndim == 3:
            content, style = content[np.newaxis], style[np.newaxis]
        wanted = (len(content), self.integer("nOutput"))
        if content.shape[:2] != wanted or style.shape[:2] != wanted:
            raise self.error(f"its inputs have the shapes {[item.shape for item in x]}")
        centred, inverse = self.scale(content)
        spread = style.std((2, 3), keepdims=True)
        return np.asarray(centred * inverse * spread + style.mean((2, 3), keepdims=True))

    def backward(self, gy: Array) -> Array:
        raise self.error("Torch7 has no backward of this class")


@implements("nn.ShaveImage")
class ShaveImage(Op):
    def inner(self, x: Array) -> Array:
        s = self.integer("size")
        return x[:, :, s : x.shape[2] - s, s : x.shape[3] - s]

    def forward(self, x: Array) -> Array:
        if x.ndim != 4 or min(x.shape[2:]) <= 2 * self.integer("size"):
            raise self.error(f"its input has the shape {x.shape}")
        return self.inner(x)

    def backward(self, gy: Array) -> Array:
        gx: Array = np.zeros_like(self.input)
        self.inner(gx)[...] = gy
        return gx


@implements("nn.GramMatrix")
class GramMatrix(Op):
    def forward(self, x: Array) -> Array:
        if x.ndim not in (3, 4):
            raise self.error(f"its input has {x.ndim} dimensions, expected 3 or 4")
        self.flat = x.reshape(*x.shape[:-2], -1)
        self.count = x.dtype.type(np.prod(x.shape[-3:]) if self.flag("normalize") else 1)
        return np.asarray(np.einsum("...ip,...jp->...ij", self.flat, self.flat) / self.count)

    def backward(self, gy: Array) -> Array:
        both = gy + gy.swapaxes(-1, -2)
        return np.reshape(both @ self.flat / self.count, self.input.shape)


class Passing(Op):
    """The identity, whose gradient gains something."""

    def forward(self, x: Array) -> Array:
        return x

    def extra(self) -> Array | None:
        """Return what the gradient gains; None for nothing."""
        raise TypeError(f"{self.typename} has no backward")

    def backward(self, gy: Array) -> Array:
        extra = self.extra()
        if extra is None:
            return gy
        if self.flag("normalize"):
            extra = extra / (np.abs(extra).sum() + extra.dtype.type(1e-8))
        strength = gy.dtype.type(self.number("strength"))
        return np.asarray(gy + strength * extra.reshape(gy.shape))


@implements("nn.TotalVariation")
class TotalVariation(Passing):
    def extra(self) -> Array:
        x = self.input
        gained: Array = np.zeros_like(x)
        first, right, below = np.s_[:, :, :-1, :-1], np.s_[:, :, :-1, 1:], np.s_[:, :, 1:, :-1]
        for other in (right, below):
            difference = x[first] - x[other]
            gained[first] += difference
            gained[other] -= difference
        return gained


@implements("nn.DeepDreamLoss")
class DeepDreamLoss(Passing):
    def extra(self) -> Array:
        most = self.number("max_grad")
        return np.asarray(-np.clip(self.input, -most, most))


@implements("nn.ContentLoss", "nn.StyleLoss")
class StyleLoss(Passing):
    """A criterion of what ``agg`` makes of the input; ContentLoss has no ``agg``."""

    def forward(self, x: Array) -> Array:
        self.agg: Op | None = None
        found, mode = x, self.require("mode")
        if mode != "none" and self.get("agg") is not None:
            self.agg = self.call(self.module_at("agg"), x)
            found = self.agg.output
        if mode == "capture":
            self.state["target"] = np.array(found)
        elif mode == "loss":
            target = self.state.get("target")
            if target is None:
                target = self.array("target")
            if self.agg is not None and len(found) > 1 and len(target) == 1:
                target = np.broadcast_to(target, found.shape)
            self.crit = self.call(self.module_at("crit"), [found, target])
        return x

    def extra(self) -> Array | None:
        if self.require("mode") != "loss":
            return None
        gradient: Array = self.crit.backward(1.0)
        return gradient if self.agg is None else np.asarray(self.agg.backward(gradient))


@implements("nn.ContentLossModule")
class ContentLossModule(Passing):
    def forward(self, x: Array) -> Array:
        if self.has("target"):
            images, target = x if x.ndim == 4 else x[np.newaxis], self.array("target")
            if images.shape != target.shape:
                raise self.error(f"a target of shape {target.shape} for {x.shape}")
            self.crit = self.call(self.module_at("crit"), [images, target])
        return x

    def extra(self) -> Array | None:
        return np.asarray(self.crit.backward(1.0)) if self.has("target") else None


@implements("nn.StyleINLossModule")
class StyleINLossModule(Passing):
    @property
    def aims(self) -> bool:
        """Whether there are targets."""
        return self.has("target_mean") and self.has("target_std")

    def target(self, name: str, count: int) -> Array:
        """Return a target of as many samples as the input has, as Lua makes it."""
        target = self.array(name)
        if len(target) > count:
            return np.asarray(target[0])
        return np.broadcast_to(target, (count, *target.shape[1:]))

    def forward(self, x: Array) -> Array:
        if self.aims:
            images = x if x.ndim == 4 else x[np.newaxis]
            n, c = images.shape[:2]
            if c != self.shape("target_mean")[1]:
                raise self.error(f"its input has {c} planes")
            flat = images.reshape(n, c, -1)
            self.mean = self.call(self.module_at("mean_net"), flat)
            centred = flat - np.reshape(self.mean.output, (n, c, 1))
            self.std = self.call(self.module_at("std_net"), centred)
            pairs: list[Any] = [
                ("mean", self.mean.output, self.target("target_mean", n)),
                ("std", self.std.output, self.target("target_std", n)),
            ]
            self.crits = [
                self.call(self.module_at(f"{name}_criterion"), [found, target])
                for name, found, target in pairs
            ]
        return x

    def extra(self) -> Array | None:
        if not self.aims:
            return None
        at_mean, at_std = (crit.backward(1.0) for crit in self.crits)
        by_mean: Array = self.mean.backward(at_mean)
        by_std: Array = self.std.backward(at_std)
        by_std = by_std - by_std.mean(2, keepdims=True)
        return np.asarray((by_mean + by_std) / by_mean.dtype.type(len(by_mean)))


@implements("nn.TVLossModule")
class TVLossModule(Passing):
    def forward(self, x: Array) -> Array:
        self.crit = self.call(self.module_at("crit"), [x, None])
        return x

    def extra(self) -> Array:
        return np.asarray(self.crit.backward(1.0))


@implements("nn.TVLossCriterion")
class TVLossCriterion(Criterion):
    def loss(self, x: Array, target: Any) -> Value:
        self.differences = self.call(self.module_at("crit"), x)
        pairs = [[found, np.zeros_like(found)] for found in self.differences.output]
        self.squares = [self.call(self.module_at("mse"), pair) for pair in pairs]
        return sum(square.output for square in self.squares)

    def gradient(self, x: Array, target: Any) -> Value:
        return self.differences.backward([square.backward(1.0) for square in self.squares])
