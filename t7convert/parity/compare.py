"""Comparing one array with another: how far apart, where, in which unit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from t7convert.format.objects import Array

_CHUNK = 1 << 15  # entries compared at a time: they stay in the processor's cache


@dataclass(frozen=True)
class Difference:
    """The greatest difference of two arrays.

    Attributes:
        absolute: the greatest absolute difference; infinite where one side is NaN or infinite and
            the other is not the same, or the shapes differ.
        scale: the largest finite absolute value of the expected array.
        index: where the greatest difference is.
        found: the value there.
        expected: the value there.
        ulps: that difference in units in the last place of the expected value's dtype.
        problem: why the arrays can't be compared at all, or ''.
    """

    absolute: float
    scale: float
    index: tuple[int, ...] = ()
    found: float = 0.0
    expected: float = 0.0
    ulps: float = 0.0
    problem: str = ""

    @property
    def relative(self) -> float:
        """The greatest difference, relative to the largest expected entry."""
        if self.absolute == 0:
            return 0.0
        return self.absolute / self.scale if self.scale else float("inf")


def difference(found: Array, expected: Array, eps: float = 0.0) -> Difference:
    """Compare two arrays; ``eps`` is the machine epsilon that ULPs are counted in."""
    if found.shape != expected.shape:
        problem = f"shape {found.shape}, expected {expected.shape}"
        return Difference(float("inf"), 0.0, problem=problem)
    if expected.size == 0:
        return Difference(0.0, 0.0)
    a, b = found.reshape(-1), expected.reshape(-1)
    parts = [_part(a, b, start) for start in range(0, a.size, _CHUNK)]
    absolute, place = max(((part[0], part[1]) for part in parts), key=lambda part: part[0])
    at = float(b[place])
    unit = eps * 2.0 ** np.floor(np.log2(abs(at))) if eps and at and np.isfinite(at) else 0.0
    return Difference(
        absolute,
        max(part[2] for part in parts),
        tuple(int(i) for i in np.unravel_index(place, expected.shape)),
        float(a[place]),
        at,
        absolute / unit if unit else 0.0,
    )


def _part(found: Array, expected: Array, start: int) -> tuple[float, int, float]:
    """Return the greatest difference of a stretch, its place, and the largest finite entry."""
    a, b = found[start : start + _CHUNK], expected[start : start + _CHUNK]
    b = b.astype(np.float64, copy=False)
    with np.errstate(invalid="ignore", over="ignore"):
        error = np.subtract(a, b, dtype=np.float64)
        np.abs(error, out=error)
    worst = int(error.argmax())  # a NaN, if there is one
    if np.isfinite(error[worst]):  # so are both sides
        return float(error[worst]), start + worst, float(max(b.max(), -b.min()))
    a = a.astype(np.float64)
    error[(a == b) | (np.isnan(a) & np.isnan(b))] = 0.0
    error[np.isnan(error)] = np.inf
    worst = int(error.argmax())
    finite = np.where(np.isfinite(b), np.abs(b), 0.0)
    return float(error[worst]), start + worst, float(finite.max())


def leaves(value: Any, path: str = "") -> list[tuple[str, Array]]:
    """Return the arrays of a nested value with their places in it, e.g. ``[2]``."""
    if isinstance(value, (list, tuple)):
        return [
            leaf
            for position, item in enumerate(value, start=1)
            for leaf in leaves(item, f"{path}[{position}]")
        ]
    if isinstance(value, dict):
        return [leaf for key in value for leaf in leaves(value[key], f"{path}.{key}")]
    if value is None:
        return []
    return [(path, np.asarray(value))]
