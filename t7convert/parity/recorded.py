"""Comparing with outputs that somebody recorded: Torch7 itself, at best."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from t7convert.format import load
from t7convert.format.objects import LuaTable
from t7convert.inputs.drawing import Trial
from t7convert.inputs.values import to_arrays, to_tensors
from t7convert.lua.tree import LuaModule
from t7convert.parity.compare import difference, leaves
from t7convert.parity.report import Row
from t7convert.parity.running import compare_output, copy_of, rounded
from t7convert.parity.side import Side


def read_expected(path: Path, dtype: torch.dtype) -> tuple[Any, list[float]]:
    """Return the recorded output, and how far Torch7's own float32 was from it, where known.

    A .t7 table may hold ``output`` and ``output64``: the latter is the truth, their difference
    what rounding does.
    """
    if path.suffix == ".npy":
        return np.load(path), []
    root = load(path)
    if not isinstance(root, LuaTable) or "output" not in root:
        return to_arrays(root), []
    output = to_arrays(root["output"])
    if "output64" not in root:
        return output, []
    truth = to_arrays(root["output64"])
    pairs = zip(leaves(output), leaves(truth), strict=True)
    return truth, [difference(a, b).absolute for (_, a), (_, b) in pairs]


def compare_recorded(path: Path, tree: LuaModule, side: Side, trial: Trial) -> list[Row]:
    """Compare the network's output on ``trial`` with the recorded one."""
    expected, measured = read_expected(path, side.dtype)
    value = rounded(trial.value, side.dtype)
    with torch.no_grad():
        found = copy_of(side.network(to_tensors(value, dtype=side.dtype, device=side.device)))
    return compare_output("recorded", tree, trial, found, expected, measured, side.tolerance)
