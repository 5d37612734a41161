"""Rounding to C float, in arithmetic that torch.compile can follow."""

from __future__ import annotations

from math import frexp, ldexp


def single(value: float) -> float:
    """Return the IEEE single nearest to ``value`` (of those with a normal exponent)."""
    fraction, exponent = frexp(value)
    return ldexp(round(ldexp(fraction, 24)), exponent - 24)
