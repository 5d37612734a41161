"""dpnn's retina, from SpatialGlimpse.lua: sample by sample, patch by patch."""

from __future__ import annotations

import math

import numpy as np

from t7convert.format.objects import Array
from t7convert.reference.op import Op, Value, implements


@implements("nn.SpatialGlimpse")
class SpatialGlimpse(Op):
    def forward(self, x: list[Array]) -> Value:
        images, places = (x[0], x[1]) if x[0].ndim == 4 else (x[0][None], x[1][None])
        self.images = images
        self.pieces: list[list[tuple[int, int, int, int, Op | None]]] = []
        samples = [self._sample(image, place) for image, place in zip(images, places, strict=True)]
        y = np.stack(samples)
        return y if x[0].ndim == 4 else y[0]

    def _sizes(self) -> list[tuple[int, int]]:
        sizes = [(self.integer("height"), self.integer("width"))]
        scale = self.number("scale")
        while len(sizes) < self.integer("depth"):
            height, width = sizes[-1]
            sizes.append((math.floor(height * scale), math.floor(width * scale)))
        return sizes

    def _sample(self, image: Array, place: Array) -> Array:
        planes: list[Array] = []
        pieces = []
        for height, width in self._sizes():
            pad = (height - 1) // 2, (width - 1) // 2
            padded = np.pad(image, [(0, 0), (pad[0], pad[0]), (pad[1], pad[1])])
            start = []
            for axis, size in enumerate((height, width)):
                room = padded.shape[axis + 1] - size
                at = (float(place[axis]) + 1) / 2 * room
                start.append(math.floor(min(room, max(0.0, at))))
            patch = padded[:, start[0] : start[0] + height, start[1] : start[1] + width]
            patch, inner = self._reduced(patch) if planes else (patch, None)
            planes.append(patch)
            pieces.append((start[0], start[1], height, width, inner))
        self.pieces.append(pieces)
        return np.concatenate(planes)

    def _reduced(self, patch: Array) -> tuple[Array, Op | None]:
        height, width = self.integer("height"), self.integer("width")
        module = self.module_at("module")
        if module.typename != "nn.SpatialAveragePooling":
            inner = self.call(module, patch)
            resampled = inner.output.copy()  # the next call writes over it
            return resampled.reshape(len(patch), height, width), inner
        ky, kx = patch.shape[1] / height, patch.shape[2] / width
        if ky % 2 or kx % 2:
            raise self.error(f"a patch of {patch.shape[1:]} can't be halved")
        return patch.reshape(len(patch), height, int(ky), width, int(kx)).mean((2, 4)), None

    def backward(self, gy: Array) -> Value:
        gx = np.zeros_like(self.images)
        channels = self.images.shape[1]
        grads = gy.reshape(len(self.images), -1, channels, *gy.shape[-2:])
        for image, gradient, parts, pieces in zip(self.images, gx, grads, self.pieces, strict=True):
            for number, (part, (y, x, height, width, inner)) in enumerate(
                zip(parts, pieces, strict=True)
            ):
                pad = (height - 1) // 2, (width - 1) // 2
                shape = (channels, image.shape[1] + 2 * pad[0], image.shape[2] + 2 * pad[1])
                padded = np.zeros(shape, gx.dtype)
                padded[:, y : y + height, x : x + width] = self._spread(
                    part, height, width, inner, first=number == 0
                )
                rows, columns = image.shape[1:]
                inside = padded[:, pad[0] : pad[0] + rows, pad[1] : pad[1] + columns]
                np.add(gradient, inside, out=gradient)
        return [gx.reshape(self.input[0].shape), np.zeros_like(self.input[1])]

    @staticmethod
    def _spread(part: Array, height: int, width: int, inner: Op | None, *, first: bool) -> Value:
        if first:
            return part
        if inner is not None:
            return np.reshape(inner.backward(part), (len(part), height, width))
        ky, kx = height // part.shape[1], width // part.shape[2]
        return part.repeat(ky, 1).repeat(kx, 2) / (ky * kx)
