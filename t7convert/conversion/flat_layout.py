"""Where each parameter of a converted network stands in Lua's flat vector, as plain data.

A network carries its own layout (:func:`attach`), through copies and pickles.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from t7convert.conversion.bindings import Record
from t7convert.conversion.convert import Converted
from t7convert.conversion.transforms import Transform
from t7convert.errors import CheckpointError, ConversionError
from t7convert.format.objects import Array
from t7convert.lua.flat_order import flat_order
from t7convert.lua.sharing import Geometry
from t7convert.lua.tree import walk

#: The attribute of a network under which :func:`attach` puts its layout.
ATTRIBUTE = "flat_layout"
Positions = np.ndarray[tuple[int, ...], np.dtype[np.int64]]


def ruled(values: Tensor, transform: Transform | None, *, forward: bool) -> Tensor:
    """Return values under a numeric rule (or none), or the rule undone."""
    if transform is None:
        return values
    rule = transform.forward if forward else transform.inverse
    array: Array = rule(values.detach().numpy())
    return torch.from_numpy(array)


@dataclass(frozen=True)
class Piece:
    """One parameter: its state_dict key and which elements of the vector it is."""

    key: str
    geometry: Geometry | None
    positions: Positions | None = None
    transform: Transform | None = None

    def read(self, vector: Tensor) -> Tensor:
        """Return the parameter's values."""
        if self.geometry is None:
            values = vector[torch.from_numpy(self.positions)]
        else:
            g = self.geometry
            values = vector.as_strided(g.size, g.stride, vector.storage_offset() + g.offset)
        return ruled(values, self.transform, forward=True)

    def write(self, vector: Tensor, values: Tensor) -> None:
        """Put the parameter's values into the vector."""
        values = ruled(values, self.transform, forward=False).to(vector.dtype)
        if self.geometry is None:
            vector[torch.from_numpy(self.positions).reshape(-1)] = values.reshape(-1)
        else:
            g = self.geometry
            vector.as_strided(g.size, g.stride, g.offset).copy_(values)


@dataclass(frozen=True)
class Statistic:
    """A mean or variance of batch normalisation: the module's class, its state_dict key."""

    typename: str
    key: str
    shape: tuple[int, ...]
    transform: Transform | None = None


@dataclass(frozen=True)
class Layout:
    """The vector of a network, and its statistics in the order of its modules.

    ``listed`` is the vector tensor by tensor, as ``parameters()`` lists them; None for too many.
    """

    size: int
    pieces: tuple[Piece, ...]
    statistics: tuple[Statistic, ...] = ()
    listed: tuple[Geometry, ...] | None = None


def layout_of(converted: Converted) -> Layout:
    """Return where the parameters of a converted network stand in its vector.

    Raises:
        ConversionError: if Lua couldn't flatten the network.
    """
    order = flat_order(converted.tree)
    keys = {id(binding.record): binding.key for binding in converted.bindings}
    state = converted.network.state_dict(keep_vars=True)
    pieces: dict[int, Piece] = {}
    for record in converted.records:
        key = keys.get(id(record))
        if key is None or (record.path, record.field) not in order.places:
            continue
        place = order.place(id(record.storage), record.geometry)
        parameter = state[key]
        if "parametrizations" not in key.split("."):
            pieces[id(parameter)] = Piece(key, place, transform=record.transform)
        elif id(parameter) not in pieces:
            pieces[id(parameter)] = _base(key, record, place, tuple(parameter.shape))
        else:
            pieces[id(parameter)] = _joined(pieces[id(parameter)], record, place)
    return Layout(order.size, tuple(pieces.values()), tuple(_statistics(converted)), order.listed)


def _seen(record: Record, shape: tuple[int, ...]) -> Positions:
    """Return which elements of its base a parametrised parameter shows, in its own shape."""
    base = torch.arange(prod(shape)).view(shape)
    parametrization: Any = record.module.parametrizations
    shown: Tensor = parametrization[record.name][0](base)
    return shown.numpy()


def _base(key: str, record: Record, place: Geometry, shape: tuple[int, ...]) -> Piece:
    positions = np.full(prod(shape), -1, np.int64)
    positions[_seen(record, shape)] = place.elements()
    return Piece(key, None, positions.reshape(shape), record.transform)


def _joined(piece: Piece, record: Record, place: Geometry) -> Piece:
    """Return the base's piece with what another member shows of it."""
    if piece.positions is None:  # the base is a parameter of its own
        return piece
    positions = piece.positions.reshape(-1).copy()
    positions[_seen(record, piece.positions.shape)] = place.elements()
    return Piece(piece.key, None, positions.reshape(piece.positions.shape), piece.transform)


def _statistics(converted: Converted) -> Iterator[Statistic]:
    rows = {(b.path, b.record.field): b for b in converted.bindings}
    for module in walk(converted.tree):
        if "running_mean" not in module.spec.statistics:
            continue
        for name in ("running_mean", "running_var", "running_std"):
            row = rows.get((module.path, name))
            if row is not None:
                shape = row.record.geometry.size
                yield Statistic(module.typename, row.key, shape, row.record.transform)


def attach(converted: Converted) -> nn.Module:
    """Let the network carry its layout, if Lua could flatten it; return the network."""
    with suppress(ConversionError):
        setattr(converted.network, ATTRIBUTE, layout_of(converted))
    return converted.network


def layout_for(target: Converted | nn.Module) -> Layout:
    """Return the layout of a converted network, or the one that a network carries.

    Raises:
        CheckpointError: if the network carries none.
        ConversionError: if Lua couldn't flatten the network.
    """
    if isinstance(target, Converted):
        return layout_of(target)
    layout = getattr(target, ATTRIBUTE, None)
    if not isinstance(layout, Layout):
        raise CheckpointError(
            "it isn't known how Lua ordered the parameters of this module: it is no network that "
            "t7convert made from a .t7 file, or Lua couldn't flatten it"
        )
    return layout
