"""Inputs that a traced graph takes: its ranks, its fixed dimensions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from torch import nn

from t7convert.errors import SelectionError
from t7convert.inputs.drawing import Trial, draw
from t7convert.lua.tree import LuaModule
from t7convert.parity.compare import leaves

Shape = Sequence["int | None"]


def draw_for(
    shapes: Sequence[Shape],
    tree: LuaModule,
    network: nn.Module,
    seed: int,
    *,
    shape: Sequence[int] | None = None,
) -> list[Trial]:
    """Return drawn inputs of these shapes, None being free: batches of two and three, one sample.

    Raises:
        SelectionError: if none can be drawn.
    """
    trials = []
    try:
        for trial in _candidates(tree, network, seed, shape):
            if _takes(shapes, trial.value):
                trials.append(trial)
    except SelectionError:
        trials = []  # the graph may tell what the modules don't
    if not trials:
        trials = list(_of_shapes(shapes, tree, network, seed))
    if not trials:
        told = ", ".join("x".join("?" if d is None else str(d) for d in s) for s in shapes)
        raise SelectionError(
            f"no input could be drawn that the graph takes ({told}); give one with --input FILE"
        )
    return trials


def _candidates(
    tree: LuaModule, network: nn.Module, seed: int, shape: Sequence[int] | None
) -> Iterator[Trial]:
    for batch in (2, 3) if shape is None else (2,):
        for trial in draw(tree, network, seed + batch - 2, shape=shape, batch=batch):
            if batch == 2 or trial.name == f"batch of {batch}":
                yield trial


def _takes(shapes: Sequence[Shape], value: Any) -> bool:
    found = [array.shape for _, array in leaves(value)]
    return len(found) == len(shapes) and all(
        len(a) == len(b) and all(d is None or d == n for n, d in zip(a, b, strict=True))
        for a, b in zip(found, shapes, strict=True)
    )


def _of_shapes(
    shapes: Sequence[Shape], tree: LuaModule, network: nn.Module, seed: int
) -> Iterator[Trial]:
    """Draw what the graph's own shapes say, where the network takes numbers that are no indices."""
    rng = np.random.default_rng(seed)
    try:
        drawn = [array for _, array in leaves(draw(tree, network, seed)[0].value)]
    except SelectionError:
        drawn = []
    if any(array.dtype.kind != "f" for array in drawn):
        return
    values = [rng.standard_normal(tuple(2 if d is None else d for d in s)) for s in shapes]
    yield Trial("the graph's shape", values[0] if len(values) == 1 else values)
