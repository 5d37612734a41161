"""The inputs of a parity check: drawn from a seed, or taken from a file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from t7convert.errors import SelectionError
from t7convert.inputs.fitting import draw_value, fitting
from t7convert.inputs.geometry import Leaf
from t7convert.inputs.geometry_packages import spec_of
from t7convert.inputs.given import read_given
from t7convert.inputs.readings import is_batched, unbatched
from t7convert.lua.tree import LuaModule


@dataclass(frozen=True)
class Trial:
    """One input: its name in the report, and its value (arrays, lists, dicts)."""

    name: str
    value: Any


def from_file(path: Path) -> Trial:
    """Return the input that a file holds: .t7, .npy, .pt, .png or .jpg; see ``read_given``."""
    return Trial(path.name, read_given(path))


def draw(
    tree: LuaModule,
    network: nn.Module,
    seed: int,
    *,
    shape: Sequence[int] | None = None,
    batch: int = 2,
) -> list[Trial]:
    """Return inputs of the network's own geometry: a batch, one sample, one without batch.

    Raises:
        SelectionError: if the geometry can't be told; ``--input`` or ``--input-shape`` help.
    """
    rng = np.random.default_rng(seed)
    if shape is not None:
        spec = spec_of(tree)
        high = spec.high if isinstance(spec, Leaf) else 0
        leaf = Leaf(tuple(shape), high=high, batched=False)
        return [Trial("given shape", draw_value(leaf, (1, 1, 1), 0, rng))]
    spec, size = fitting(spec_of(tree) or Leaf((3, 4, 5)), tree, network, batch)
    if size is None:
        raise SelectionError(
            "the geometry of the network's input can't be told from its modules; give an input "
            "with --input FILE, or its shape with --input-shape"
        )
    trials = [Trial(f"batch of {batch}", draw_value(spec, size, batch, rng))]
    if is_batched(spec):
        trials.append(Trial("one sample", draw_value(spec, size, 1, rng)))
        # Lua gives numbers without a meaning where a definition of models refuses a lone image.
        if getattr(network, "takes_single", True):
            trials.append(Trial("without batch", draw_value(unbatched(spec), size, 0, rng)))
    return trials
