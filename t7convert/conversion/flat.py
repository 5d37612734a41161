"""Flat vectors: what Lua's ``getParameters()`` returned, into and out of a converted network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from t7convert.conversion.convert import Converted
from t7convert.conversion.flat_layout import (
    Layout,
    Piece,
    Statistic,
    attach,
    layout_for,
    layout_of,
    ruled,
)
from t7convert.errors import CheckpointError, ConversionError, Problem
from t7convert.format.objects import LuaTensor

__all__ = [
    "Layout",
    "attach",
    "flat_statistics",
    "flat_vector",
    "layout_for",
    "layout_of",
    "load_flat",
]


def _network(target: Converted | nn.Module) -> nn.Module:
    return target.network if isinstance(target, Converted) else target


def load_flat(
    target: Converted | nn.Module,
    vector: Any,
    statistics: Sequence[Any] | None = None,
) -> None:
    """Put a vector that ``getParameters()`` returned into a network's parameters, in Lua's order.

    Args:
        target: a converted network, or the result of converting one.
        vector: 1-D numbers (torch, numpy or Lua tensor): each shared tensor once. Or a list of
            tensors, as ``parameters()`` returns it: each module's own every time.
        statistics: means and variances of batch normalisation: mean, variance, mean..., in the
            order of the modules, or first all of nn.BatchNormalization, then the spatial ones...

    Raises:
        CheckpointError: if there are more numbers or fewer than the network has, shapes differ, or
            tensors that are one in the network differ. The network is unchanged then.
        ConversionError: if Lua couldn't flatten the network.
    """
    network, layout = _network(target), layout_for(target)
    flat = _flattened(vector, layout) if _is_list(vector) else _tensor(vector)
    if flat.dim() != 1:
        raise CheckpointError(f"a vector was expected, got a tensor of {tuple(flat.shape)}")
    if len(flat) != layout.size:
        more = "more" if len(flat) > layout.size else "fewer"
        raise CheckpointError(
            f"the vector has {len(flat):,} numbers, {abs(len(flat) - layout.size):,} {more} than "
            f"the network's parameters, {layout.size:,}"
        )
    matched = [] if statistics is None else _matched(statistics, layout)
    state = network.state_dict(keep_vars=True)
    with torch.no_grad():
        for piece in layout.pieces:
            state[piece.key].copy_(piece.read(flat))
        for row, values in matched:
            state[row.key].copy_(ruled(values, row.transform, forward=True))


def flat_vector(target: Converted | nn.Module) -> Tensor:
    """Return the parameters of a network as ``getParameters()`` would: the inverse of load_flat.

    Raises:
        CheckpointError: if the network's order isn't known.
        ConversionError: if the network has only a part of some Lua parameter.
    """
    network, layout = _network(target), layout_for(target)
    state = network.state_dict(keep_vars=True)
    dtypes = [state[piece.key].dtype for piece in layout.pieces]
    vector = torch.empty(layout.size, dtype=dtypes[0] if dtypes else torch.float32)
    covered = torch.zeros(layout.size, dtype=torch.bool)
    for piece in layout.pieces:
        values = state[piece.key].detach().cpu()
        piece.write(vector, values)
        Piece(piece.key, piece.geometry, piece.positions).write(covered, torch.ones_like(values))
    if not bool(covered.all()):
        missing = int((~covered).sum())
        reason = f"{missing:,} of the {layout.size:,} numbers are in no parameter of the network"
        raise ConversionError([Problem("getParameters()", "", reason)])
    return vector


def flat_statistics(target: Converted | nn.Module) -> list[Tensor]:
    """Return the means and variances of batch normalisation in the order of the modules."""
    network, layout = _network(target), layout_for(target)
    state = network.state_dict()
    return [
        ruled(state[row.key].cpu(), row.transform, forward=False).clone()
        for row in layout.statistics
    ]


def _is_list(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and bool(value) and hasattr(value[0], "shape")


def _tensor(value: Any) -> Tensor:
    if isinstance(value, LuaTensor):
        value = np.array(value.numpy())
    return torch.as_tensor(value).detach().cpu().contiguous()


def _flattened(tensors: Sequence[Any], layout: Layout) -> Tensor:
    """Return the vector of a list of tensors; tied ones must agree."""
    if layout.listed is None or len(tensors) != len(layout.listed):
        known = "too many" if layout.listed is None else len(layout.listed)
        raise CheckpointError(f"the list has {len(tensors)} tensors, parameters() has {known}")
    values = [_tensor(tensor) for tensor in tensors]
    vector = torch.empty(layout.size, dtype=values[0].dtype)
    for number, (have, place) in enumerate(zip(values, layout.listed, strict=True), start=1):
        if tuple(have.shape) != place.size:
            raise CheckpointError(
                f"tensor {number} of the list is {tuple(have.shape)}, expected {place.size}"
            )
        vector[torch.from_numpy(place.elements())] = have
    for number, (have, place) in enumerate(zip(values, layout.listed, strict=True), start=1):
        kept = vector.as_strided(place.size, place.stride, place.offset)
        if not torch.equal(kept, have.to(kept.dtype)):
            raise CheckpointError(
                f"tensor {number} of the list shares memory with a later one in this network, but "
                "their values differ"
            )
    return vector


def _matched(given: Sequence[Any], layout: Layout) -> list[tuple[Statistic, Tensor]]:
    """Return which statistic each tensor is."""
    values = [_tensor(tensor) for tensor in given]
    rows = layout.statistics
    if len(values) != len(rows):
        raise CheckpointError(f"{len(values)} statistics, the network has {len(rows)}")
    kinds = ["nn.BatchNormalization", "nn.SpatialBatchNormalization"]
    kinds += sorted({row.typename for row in rows} - set(kinds))
    grouped = tuple(sorted(rows, key=lambda row: kinds.index(row.typename)))
    fitting = [
        order
        for order in dict.fromkeys((rows, grouped))
        if all(tuple(v.shape) == r.shape for v, r in zip(values, order, strict=True))
    ]
    if not fitting:
        wanted = ", ".join(str(row.shape) for row in rows)
        found = ", ".join(str(tuple(v.shape)) for v in values)
        raise CheckpointError(f"the statistics are {found}, expected {wanted}")
    if len(fitting) > 1:
        raise CheckpointError(
            "the statistics fit in the order of the modules and in that of their classes; put them "
            "into the modules by name"
        )
    return list(zip(fitting[0], values, strict=True))
