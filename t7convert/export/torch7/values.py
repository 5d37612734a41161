"""The values of a network, laid out in the storages that its Lua tree speaks of."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from torch import Tensor, nn

from t7convert.conversion.convert import Converted
from t7convert.errors import CheckpointError, ConversionError, Problem
from t7convert.format.objects import Array, LuaStorage
from t7convert.lua.sharing import Geometry


class Values:
    """What each storage holds: the network's own numbers first, else those of the storage."""

    def __init__(self) -> None:
        self._filled: dict[int, tuple[Array, Array, LuaStorage]] = {}

    def fill(self, storage: LuaStorage, places: Array, values: Array) -> None:
        """Put values at positions of a storage."""
        if id(storage) not in self._filled:
            # zeros are not touched before they are written, whatever the storage's size
            array = np.zeros(storage.size, values.dtype)
            self._filled[id(storage)] = array, np.zeros(storage.size, bool), storage
        array, known, _ = self._filled[id(storage)]
        array[places], known[places] = values, True

    def span(self, storage: LuaStorage, views: list[Geometry], low: int, high: int) -> Array:
        """Return the elements ``low`` to ``high`` of a storage, of which ``views`` are needed.

        Raises:
            CheckpointError: if nobody knows them.
        """
        if id(storage) not in self._filled:
            return storage.copy(low, high)
        array, known, _ = self._filled[id(storage)]
        if not all(bool(known[view.elements()].all()) for view in views):
            raise CheckpointError("the network holds only a part of its values")
        return array[low:high]


def values_of(converted: Converted) -> Values:
    """Return the values of a converted network where its Lua tensors had them.

    Raises:
        ConversionError: if a tensor that came from the file was replaced by another object.
    """
    values = Values()
    found: set[int] = set()
    for tensor in tensors(converted.network):
        origin = converted.origins.get(id(tensor))
        if origin is None:
            continue
        found.add(id(tensor))
        places = origin.geometry.elements().reshape(-1)
        if origin.kept is not None:
            places = places[origin.kept]
        values.fill(origin.storage, places, as_array(tensor).reshape(-1))
    if found != set(converted.origins):
        reason = "tensors of the network are not those that its conversion made"
        raise ConversionError([Problem("conversion", "", reason)])
    return values


def tensors(network: nn.Module) -> Iterator[Tensor]:
    """Iterate over the distinct parameters and buffers of a network, unsaved buffers too."""
    seen: set[int] = set()
    for module in network.modules():
        for tensor in (*module._parameters.values(), *module._buffers.values()):
            if tensor is not None and id(tensor) not in seen:
                seen.add(id(tensor))
                yield tensor


def as_array(tensor: Tensor) -> Any:
    """Return a tensor's values; those of half precision as float32, which Torch7 can run."""
    plain = tensor.detach().cpu()
    if plain.is_floating_point() and plain.element_size() == 2:  # float16, bfloat16
        plain = plain.float()
    return plain.numpy()
