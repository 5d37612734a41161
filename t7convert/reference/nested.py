"""Nested tables of arrays: adding them, zeros of their shape."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from t7convert.format.objects import Array

#: An array, or a list or dict of nested values.
Nested = Any


def map_arrays(function: Callable[[Array], Array], value: Nested) -> Nested:
    """Return ``value`` with ``function`` applied to every array; other leaves stay."""
    if isinstance(value, list):
        return [map_arrays(function, item) for item in value]
    if isinstance(value, dict):
        return {key: map_arrays(function, item) for key, item in value.items()}
    return function(value) if isinstance(value, np.ndarray) else value


def arrays(value: Nested) -> Iterator[Array]:
    """Iterate over the arrays inside ``value``."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from arrays(item)
    elif isinstance(value, np.ndarray):
        yield value


def zeros_like(value: Nested) -> Nested:
    """Return zeros of the same nesting, shapes and dtypes."""
    return map_arrays(np.zeros_like, value)


def add(a: Nested, b: Nested) -> Nested:
    """Return the sum, entry by entry; a missing side (None) counts as nothing."""
    if a is None or b is None:
        return b if a is None else a
    if isinstance(a, list):
        longer, shorter = (a, b) if len(a) >= len(b) else (b, a)
        padded = [*shorter, *[None] * (len(longer) - len(shorter))]
        return [add(x, y) for x, y in zip(longer, padded, strict=True)]
    if isinstance(a, dict):
        return {key: add(a.get(key), b.get(key)) for key in {**a, **b}}
    return a + np.reshape(b, np.shape(a))
