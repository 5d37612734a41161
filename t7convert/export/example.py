"""An input that a network runs with, for outputs that are made by running it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from t7convert.conversion.convert import Converted
from t7convert.inputs.drawing import draw, from_file
from t7convert.inputs.values import to_tensors


def example_input(
    converted: Converted, *, file: Path | None = None, shape: Sequence[int] | None = None
) -> Any:
    """Return a batch of two samples: from a file, of a shape, or of the network's own geometry.

    Raises:
        SelectionError: if the geometry can't be told.
    """
    parameter = next(converted.network.parameters(), None)
    dtype = parameter.dtype if parameter is not None else torch.float32
    if file is not None:
        value = from_file(file).value
    else:
        value = draw(converted.tree, converted.network, 0, shape=shape)[0].value
    return to_tensors(value, dtype=dtype)


def batch_dims(value: Any, batch: Any) -> Any:
    """Return the specification of dynamic shapes: the first dimension of every tensor."""
    if isinstance(value, Tensor):
        return {0: batch} if value.dim() else None
    if isinstance(value, dict):
        return {key: batch_dims(item, batch) for key, item in value.items()}
    return [batch_dims(item, batch) for item in value]


def resized(value: Any, batch: int) -> Any:
    """Return the value with its first dimension repeated or cut to ``batch``."""
    if isinstance(value, Tensor):
        repeats = -(-batch // value.shape[0])
        return torch.cat([value] * repeats)[:batch] if value.dim() else value
    if isinstance(value, dict):
        return {key: resized(item, batch) for key, item in value.items()}
    return [resized(item, batch) for item in value]
