"""Spatial transformers (stnbhwd), from their Lua and C files."""

from __future__ import annotations

import numpy as np

from t7convert.format.objects import Array
from t7convert.reference.op import Op, implements


def _eyes(count: int, dtype: np.dtype[np.floating]) -> Array:
    return np.tile(np.eye(3, dtype=dtype), (count, 1, 1))


@implements("nn.AffineTransformMatrixGenerator")
class AffineTransformMatrixGenerator(Op):
    """A product of 3 x 3 matrices, one per kind of parameter, without its last row."""

    def factors(self, rows: Array) -> list[tuple[Array, list[Array]]]:
        """Return every factor with its derivatives by its parameters."""
        columns, found = list(rows.T), []
        if self.flag("useRotation"):
            angle = columns.pop(0)
            turn, slope = _eyes(len(rows), rows.dtype), np.zeros((len(rows), 3, 3), rows.dtype)
            turn[:, 0, 0] = turn[:, 1, 1] = slope[:, 1, 0] = np.cos(angle)
            turn[:, 1, 0] = np.sin(angle)
            turn[:, 0, 1] = slope[:, 0, 0] = slope[:, 1, 1] = -np.sin(angle)
            slope[:, 0, 1] = -np.cos(angle)
            found.append((turn, [slope]))
        if self.flag("useScale"):
            scale, slope = _eyes(len(rows), rows.dtype), np.zeros((len(rows), 3, 3), rows.dtype)
            scale[:, 0, 0] = scale[:, 1, 1] = columns.pop(0)
            slope[:, 0, 0] = slope[:, 1, 1] = 1
            found.append((scale, [slope]))
        if self.flag("useTranslation"):
            move, slopes = _eyes(len(rows), rows.dtype), []
            for axis in (0, 1):
                move[:, axis, 2] = columns.pop(0)
                slopes.append(np.zeros((len(rows), 3, 3), rows.dtype))
                slopes[-1][:, axis, 2] = 1
            found.append((move, slopes))
        if columns:
            raise self.error(f"its input has {rows.shape[1]} parameters")
        return found

    def forward(self, x: Array) -> Array:
        rows = np.atleast_2d(x)
        if self.flag("fullMode"):
            return rows.reshape(*x.shape[:-1], 2, 3)
        whole = _eyes(len(rows), x.dtype)
        for factor, _ in self.factors(rows):
            whole = whole @ factor
        return np.reshape(whole[:, :2], (*x.shape[:-1], 2, 3))

    def backward(self, gy: Array) -> Array:
        x = self.input
        if self.flag("fullMode"):
            return np.reshape(gy, x.shape)
        rows, grads = np.atleast_2d(x), gy.reshape(-1, 2, 3)
        factors, columns = self.factors(rows), []
        for position, (_, slopes) in enumerate(factors):
            for slope in slopes:
                whole = _eyes(len(rows), x.dtype)
                for other, (factor, _) in enumerate(factors):
                    whole = whole @ (slope if other == position else factor)
                columns.append((whole[:, :2] * grads).sum((1, 2)))
        return np.reshape(np.stack(columns, 1), x.shape)


@implements("nn.AffineGridGeneratorBHWD")
class AffineGridGeneratorBHWD(Op):
    def forward(self, x: Array) -> Array:
        if x.ndim not in (2, 3) or x.shape[-2:] != (2, 3):
            raise self.error(f"its input has the shape {x.shape}")
        y = np.einsum("hwk,...ik->...hwi", self.array("baseGrid"), x)
        return np.asarray(y)

    def backward(self, gy: Array) -> Array:
        gx = np.einsum("...hwi,hwk->...ik", gy, self.array("baseGrid"))
        return np.asarray(gx)


@implements("nn.BilinearSamplerBHWD")
class BilinearSamplerBHWD(Op):
    def forward(self, x: list[Array]) -> Array:
        self.images, self.grids = (item if x[0].ndim == 4 else item[np.newaxis] for item in x)
        images, grids = self.images, self.grids
        if len(images) != len(grids) or grids.ndim != 4 or grids.shape[3] != 2:
            raise self.error(f"its inputs have the shapes {[item.shape for item in x]}")
        _, height, width, _ = images.shape
        half = grids.dtype.type(2)
        places = [(grids[..., i] + 1) * (n - 1) / half for i, n in ((0, height), (1, width))]
        tops, lefts = (np.floor(place) for place in places)
        down, across = places[0] - tops, places[1] - lefts
        # per corner: pixels, rows, columns, and what weighs them down and across
        self.corners = []
        for dy, weight_y, slope_y in ((0, 1 - down, -1), (1, down, 1)):
            for dx, weight_x, slope_x in ((0, 1 - across, -1), (1, across, 1)):
                rows, columns = tops + dy, lefts + dx
                inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
                rows = np.where(inside, rows, 0).astype(np.int64)
                columns = np.where(inside, columns, 0).astype(np.int64)
                place = (np.arange(len(images)).reshape(-1, 1, 1), rows, columns)
                self.corners.append((place, inside, weight_y, weight_x, slope_y, slope_x))
        y = np.zeros((*grids.shape[:3], images.shape[3]), images.dtype)
        for place, inside, weight_y, weight_x, _, _ in self.corners:
            pixels = np.where(inside[..., np.newaxis], images[place], 0)
            y += (weight_y * weight_x)[..., np.newaxis] * pixels
        return y if x[0].ndim == 4 else np.asarray(y[0])

    def backward(self, gy: Array) -> list[Array]:
        given: Array = self.input[0]
        grads = gy if given.ndim == 4 else gy[np.newaxis]
        at_images, at_grids = np.zeros_like(self.images), np.zeros_like(self.grids)
        for place, inside, weight_y, weight_x, slope_y, slope_x in self.corners:
            passed = np.where(inside[..., np.newaxis], grads, 0)
            np.add.at(at_images, place, (weight_y * weight_x)[..., np.newaxis] * passed)
            product = (self.images[place] * passed).sum(-1)
            at_grids[..., 0] += slope_y * weight_x * product
            at_grids[..., 1] += slope_x * weight_y * product
        half = gy.dtype.type(2)
        at_grids[..., 0] *= (self.images.shape[1] - 1) / half
        at_grids[..., 1] *= (self.images.shape[2] - 1) / half
        if given.ndim == 4:
            return [at_images, at_grids]
        return [at_images[0], at_grids[0]]
