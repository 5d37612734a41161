"""The one table of tolerances, and how a bound is measured.

The reference runs twice, in float64 and in float32. Per module, the greatest difference between
the two says how much rounding in float32 moves its output. A correct network in a dtype of machine
epsilon ``eps`` may differ from the float64 reference by ``FACTOR`` times that, scaled by
``eps / eps(float32)``, because it rounds in another order than the reference, not more precisely.

``floor`` (in units of ``eps`` times the largest entry) is what always is allowed: the last bits,
where the two reference runs happen to agree exactly. ``cap`` (relative to the largest entry) never
is exceeded: where a rounding error flips a decision (a maximum, a threshold), or a result is
smaller than the rounding of its terms, the measured difference tells nothing about the network.
A float32 output between the two is judged in float64 instead, where rounding is that much smaller.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

FACTOR = 16.0
_EPS32 = float(np.finfo(np.float32).eps)


@dataclass(frozen=True)
class Tolerance:
    """What a dtype is allowed; see the module docstring."""

    dtype: str
    eps: float
    floor: float
    cap: float

    @property
    def largest(self) -> float:
        """The largest number of the dtype."""
        return float(torch.finfo(getattr(torch, self.dtype)).max)

    def bound(self, measured: float, scale: float) -> float:
        """Return the allowed absolute difference of a module's output.

        Args:
            measured: the greatest difference of the float32 from the float64 reference.
            scale: the largest finite absolute value of the float64 reference's output.
        """
        allowed = max(self.rounding(measured), self.floor * self.eps * scale)
        return max(min(allowed, self.cap * scale), self.denormal)

    def rounding(self, measured: float) -> float:
        """Return what rounding may do where it does ``measured`` in float32, whatever the cap."""
        return FACTOR * measured * self.eps / _EPS32

    @property
    def denormal(self) -> float:
        """Numbers so small that processors may round them to zero."""
        return float(torch.finfo(getattr(torch, self.dtype)).tiny) if self.eps <= _EPS32 else 0.0


TOLERANCES = {
    row.dtype: row
    for row in (
        Tolerance("float64", float(np.finfo(np.float64).eps), 64.0, 1e-9),
        Tolerance("float32", _EPS32, 16.0, 1e-3),
        Tolerance("float16", 2.0**-10, 16.0, 0.25),
        Tolerance("bfloat16", 2.0**-7, 8.0, 0.5),
    )
}
