"""dpnn's retina, from SpatialGlimpse.lua: patch by patch, each for all samples at once."""

from __future__ import annotations

import math

import numpy as np

from t7convert.format.objects import Array
from t7convert.reference.op import Op, Value, implements


@implements("nn.SpatialGlimpse")
class SpatialGlimpse(Op):
    def forward(self, x: list[Array]) -> Value:
        single = x[0].ndim == 3
        self.images, self.places = (x[0][None], x[1][None]) if single else (x[0], x[1])
        self.resampled: dict[int, Op] = {}
        patches = []
        for depth, size in enumerate(self._sizes()):
            cut = [
                self._window(self._padded(image, size), place, size)
                for image, place in zip(self.images, self.places, strict=True)
            ]
            patches.append(self._reduced(np.stack(cut), depth))
        y = np.concatenate(patches, 1)
        return y[0] if single else y

    def backward(self, gy: Array) -> Value:
        gx = np.zeros_like(self.images)
        count, channels, rows, columns = gx.shape
        grads = gy.reshape(count, -1, channels, *gy.shape[-2:])
        for depth, size in enumerate(self._sizes()):
            pad = (size[0] - 1) // 2, (size[1] - 1) // 2
            spread = self._spread(grads[:, depth], depth, size)
            for n, place in enumerate(self.places):
                padded = self._padded(np.zeros_like(gx[n]), size)
                self._window(padded, place, size)[...] = spread[n]
                gx[n] += padded[:, pad[0] : pad[0] + rows, pad[1] : pad[1] + columns]
        return [gx.reshape(self.input[0].shape), np.zeros_like(self.input[1])]

    def _sizes(self) -> list[tuple[int, int]]:
        """Return height and width of the patch at each depth."""
        sizes = [(self.integer("height"), self.integer("width"))]
        scale = self.number("scale")
        while len(sizes) < self.integer("depth"):
            height, width = sizes[-1]
            sizes.append((math.floor(height * scale), math.floor(width * scale)))
        return sizes

    @staticmethod
    def _padded(image: Array, size: tuple[int, int]) -> Array:
        return np.pad(image, [(0, 0), *(((n - 1) // 2,) * 2 for n in size)])

    @staticmethod
    def _window(padded: Array, place: Array, size: tuple[int, int]) -> Array:
        """Return the view of ``size`` at a place (y, x) from -1 to 1."""
        start = []
        for have, want, at in zip(padded.shape[1:], size, place.tolist(), strict=True):
            room = have - want
            start.append(math.floor(min(room, max(0.0, (at + 1) / 2 * room))))
        return padded[:, start[0] : start[0] + size[0], start[1] : start[1] + size[1]]

    def _reduced(self, patch: Array, depth: int) -> Array:
        height, width = self.integer("height"), self.integer("width")
        if depth == 0:
            return patch
        module = self.module_at("module")
        if module.typename != "nn.SpatialAveragePooling":
            self.resampled[depth] = self.call(module, patch)
            resampled = np.array(self.resampled[depth].output)  # the next call writes over it
            return resampled.reshape(*patch.shape[:2], height, width)
        ky, kx = patch.shape[2] / height, patch.shape[3] / width
        if ky % 2 or kx % 2:
            raise self.error(f"a patch of {patch.shape[2:]} can't be halved")
        blocks = patch.reshape(*patch.shape[:2], height, int(ky), width, int(kx))
        return np.asarray(blocks.mean((3, 5)))

    def _spread(self, grad: Array, depth: int, size: tuple[int, int]) -> Value:
        if depth == 0:
            return grad
        if depth in self.resampled:
            return np.reshape(self.resampled[depth].backward(grad), (*grad.shape[:2], *size))
        ky, kx = size[0] // grad.shape[2], size[1] // grad.shape[3]
        return grad.repeat(ky, 2).repeat(kx, 3) / (ky * kx)
