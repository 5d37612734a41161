"""Rounding to C float."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from t7convert.nn.single import single


@given(st.floats(1e-30, 1e30) | st.floats(-1e30, -1e-30) | st.integers(-(10**12), 10**12))
def test_single_is_the_nearest_float32(value: float) -> None:
    assert single(value) == float(np.float32(value))


def test_halfway_goes_to_the_even_one() -> None:
    step = 2.0**-23
    assert [single(1 + step * n) for n in (0.5, 1.5, 2.5)] == [1, 1 + 2 * step, 1 + 2 * step]
