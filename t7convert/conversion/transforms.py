"""Numeric rules between a Lua tensor and the PyTorch tensor that stands for it.

Rare: nearly every tensor goes over unchanged. A rule has a name and numbers, so that it can be
written into a file, and an inverse for the way back.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Transform:
    """A named numeric rule with its arguments."""

    name: str
    args: tuple[float, ...] = ()

    def forward(self, values: Array) -> Array:
        """Return PyTorch's values for Lua's, in Lua's dtype."""
        return _RULES[self.name][0](values, *self.args)

    def inverse(self, values: Array) -> Array:
        """Return Lua's values for PyTorch's."""
        return _RULES[self.name][1](values, *self.args)

    def to_json(self) -> list[Any]:
        """Return the rule as a plain list."""
        return [self.name, *self.args]


def variance_from_inverse_std(eps: float) -> Transform:
    """Batch normalisation "V 1" keeps running_std = 1 / sqrt(variance + eps).

    Source: torch/nn BatchNormalization.lua, ``read``.
    """
    return Transform("variance_from_inverse_std", (eps,))


def _variance(values: Array, eps: float) -> Array:
    variance: Array = (np.float64(values) ** -2 - eps).astype(values.dtype)
    return variance


def _inverse_std(values: Array, eps: float) -> Array:
    inverse: Array = ((np.float64(values) + eps) ** -0.5).astype(values.dtype)
    return inverse


_RULES = {"variance_from_inverse_std": (_variance, _inverse_std)}
