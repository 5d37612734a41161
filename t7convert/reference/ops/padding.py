"""Paddings of images and volumes."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np

from t7convert.format.objects import Array
from t7convert.reference.op import Op, implements

#: For every dimension: how much before, how much after.
Sides = list[tuple[int, int]]


class Padding(Op, ABC):
    """Every output element is an input element, or zero (source -1)."""

    def sides(self) -> Sides:
        """Return the padding of the last dimensions, in their order."""
        return [
            (self.integer("pad_t"), self.integer("pad_b")),
            (self.integer("pad_l"), self.integer("pad_r")),
        ]

    @abstractmethod
    def source(self, place: Array, size: int, before: int) -> Array:
        """Return which input element stands at each place of the output, -1 for none."""

    def lines(self, shape: tuple[int, ...]) -> list[Array]:
        """Return the sources per dimension."""
        lines = []
        for n, (before, after) in zip(shape[-len(self.sides()) :], self.sides(), strict=True):
            if n + before + after < 1:
                raise ValueError(f"an image of {shape} is too small for its padding")
            line = self.source(np.arange(n + before + after), n, before)
            if line.max() >= n or ((line < 0).any() and not self.zero):
                raise ValueError(f"an image of {shape} is too small for its padding")
            lines.append(line)
        return lines

    #: Whether places without a source hold zeros.
    zero = False

    def forward(self, x: Array) -> Array:
        lines = self.lines(x.shape)
        y = x
        for axis, line in zip(range(-len(lines), 0), lines, strict=True):
            shape = [1] * y.ndim
            shape[axis] = line.size
            inside = (line >= 0).reshape(shape)
            y = np.where(inside, np.take(y, np.maximum(line, 0), axis), x.dtype.type(0))
        return y

    def backward(self, gy: Array) -> Array:
        lines = self.lines(self.input.shape)
        gx = gy
        for axis, line in zip(range(-len(lines), 0), lines, strict=True):
            moved = np.moveaxis(gx, axis, 0)
            sums = np.zeros((self.input.shape[axis], *moved.shape[1:]), gy.dtype)
            np.add.at(sums, line[line >= 0], moved[line >= 0])
            gx = np.moveaxis(sums, 0, axis)
        return gx


@implements("nn.SpatialZeroPadding")
class SpatialZeroPadding(Padding):
    zero = True

    def source(self, place: Array, size: int, before: int) -> Array:
        line = place - before
        return np.where((line >= 0) & (line < size), line, -1)


@implements("nn.SpatialReflectionPadding")
class SpatialReflectionPadding(Padding):
    """THNN generic/SpatialReflectionPadding.c: the border's own element is not repeated."""

    def source(self, place: Array, size: int, before: int) -> Array:
        left, right = before * 2 - place, (size + before - 1) * 2 - place
        line = np.where(place < before, left, np.where(place < size + before, place, right))
        return line - max(0, before) + max(0, -before)


class ReplicationPadding(Padding):
    """THNN generic/SpatialReplicationPadding.c: the border's element is repeated."""

    def source(self, place: Array, size: int, before: int) -> Array:
        line = np.clip(place, before, size + before - 1)
        return line - max(0, before) + max(0, -before)


@implements("nn.SpatialReplicationPadding")
class SpatialReplicationPadding(ReplicationPadding):
    pass


@implements("nn.VolumetricReplicationPadding")
class VolumetricReplicationPadding(ReplicationPadding):
    def sides(self) -> Sides:
        return [
            (self.integer("pfront"), self.integer("pback")),
            (self.integer("ptop"), self.integer("pbottom")),
            (self.integer("pleft"), self.integer("pright")),
        ]
