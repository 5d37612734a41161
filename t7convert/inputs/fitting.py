"""Which sizes a network runs with, found by running a copy of it that computes shapes only."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np
import torch
from torch import nn

from t7convert.inputs.geometry import Leaf, Spec
from t7convert.inputs.readings import (
    SIZES,
    every_size,
    further_readings,
    is_batched,
    leaves,
    mapped,
    readings,
    unbatched,
)
from t7convert.inputs.shadows import shadow_of
from t7convert.inputs.values import to_tensors
from t7convert.lua.tree import LuaModule
from t7convert.nn.memory import forget

Size = tuple[int, int, int]
_SMALL = tuple(size for size in SIZES if size[1] * size[2] <= 64 * 64)


def fitting(
    spec: Spec, tree: LuaModule, network: nn.Module, batch: int
) -> tuple[Spec, Size | None]:
    """Return the first reading of ``spec`` that the network runs with, and the free sizes.

    The common sizes come first; every size is tried only where none of them will do.
    """
    fit = _Fit(network, batch)
    found = list(readings(spec, tree))
    for reading in found:
        for way in _ways(reading):  # some modules take three dimensions only
            size = fit.first(way, SIZES)
            if size is not None:
                return way, size
    further = list(further_readings(spec, tree)) if fit.small else []
    for reading in further:
        size = fit.first(reading, _SMALL)
        if size is not None:
            return reading, size
    found = [*found, *further[:8]] if fit.small else found[:1]
    for likely, few in ((0, found), (1, found[:1])):
        for reading in few:
            size = fit.first(reading, every_size(reading)[likely])
            if size is not None:
                return reading, size
    return fit.lucky or (spec, None)


def _ways(spec: Spec) -> list[Spec]:
    return [spec, unbatched(spec)] if is_batched(spec) else [spec]


def draw_value(spec: Spec, size: Size, batch: int, rng: np.random.Generator) -> Any:
    """Return random arrays for a spec: numbers, or indices from 1."""

    def one(leaf: Leaf) -> Any:
        shape = _shape(leaf, size, batch)
        if leaf.high:
            return rng.integers(1, leaf.high + 1, shape)
        return rng.standard_normal(shape)

    return mapped(spec, one)


def _shape(leaf: Leaf, size: Size, batch: int) -> tuple[int, ...]:
    free = dict(zip("THW", size, strict=True))
    dims = tuple(free[d] if isinstance(d, str) else d for d in leaf.dims)
    return (batch, *dims) if leaf.batched else dims


class _Fit:
    """Tries sizes on a network and on its shadow."""

    def __init__(self, network: nn.Module, batch: int) -> None:
        self._network = network
        self._shadow = shadow_of(network)
        self._batch = batch
        self.small = sum(p.numel() for p in network.parameters()) < 2_000_000
        #: What runs with this batch alone: a Reshape may take all of it for one sample.
        self.lucky: tuple[Spec, Size] | None = None

    def first(self, spec: Spec, sizes: Sequence[Size]) -> Size | None:
        """Return the first size that fits batches of any size, best with an answer per sample."""
        second: Size | None = None
        if not any(isinstance(d, str) for leaf in leaves(spec) for d in leaf.dims):
            sizes = sizes[:1]
        for size in sizes:
            rows = self._rows(spec, size, self._batch)
            if rows == self._batch or (rows is not None and not is_batched(spec)):
                return size
            if rows is None or second is not None:
                continue
            if self._rows(spec, size, self._batch + 1) is not None:
                second = size
            else:
                self.lucky = self.lucky or (spec, size)
        return second

    def _rows(self, spec: Spec, size: Size, batch: int) -> int | None:
        rows = self._answers(spec, size, self._shadow, batch)
        if rows is None and self._shadow is not self._network and size[1] * size[2] <= 64512:
            return self._answers(spec, size, self._network, batch) if self.small else None
        return rows

    def _answers(self, spec: Spec, size: Size, network: nn.Module, batch: int) -> int | None:
        """Return how many answers the network gives, None if it can't take this size."""
        try:
            value = draw_value(spec, size, batch, np.random.default_rng(0))
            output = run_shadow(network, value)
        except (RuntimeError, ValueError, IndexError, TypeError, AssertionError, AttributeError):
            return None  # NotImplementedError is a RuntimeError
        while isinstance(output, (list, tuple)) and output:
            output = output[0]
        if not isinstance(output, torch.Tensor) or 0 in output.shape:
            return None
        return int(output.shape[0]) if output.dim() else 1


def run_shadow(network: nn.Module, value: Any) -> Any:
    """Return the network's output on arrays, in the dtype and on the device of its weights."""
    weights = chain(network.parameters(), network.buffers())
    parameter = next((w for w in weights if w.is_floating_point()), None)
    with torch.no_grad():
        return forget(network)(_like(to_tensors(value), parameter))


def _like(value: Any, parameter: torch.Tensor | None) -> Any:
    if isinstance(value, list):
        return [_like(item, parameter) for item in value]
    if parameter is None:
        return value
    if value.is_floating_point():
        return value.to(device=parameter.device, dtype=parameter.dtype)
    return value.to(parameter.device)
