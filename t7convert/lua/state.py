"""The memory that the parameters and statistics of modules lie in."""

from __future__ import annotations

import sys
from bisect import bisect_right
from collections.abc import Iterable

from t7convert.format.objects import LuaStorage, LuaTensor
from t7convert.lua.sharing import Geometry
from t7convert.lua.tree import LuaModule


class State:
    """The memory of a tree's parameters and statistics.

    Args:
        views: a storage and a view of it, each.
    """

    def __init__(self, views: Iterable[tuple[LuaStorage, Geometry]]) -> None:
        found: dict[int, list[tuple[int, int]]] = {}
        self._storages: list[LuaStorage] = []  # kept, so that ids stay theirs
        for storage, view in views:
            self._storages.append(storage)
            found.setdefault(id(storage), []).append((view.offset, view.stop))
        self._spans = {key: _merged(sorted(spans)) for key, spans in found.items()}

    def holds(self, tensor: LuaTensor) -> bool:
        """Tell whether a tensor with elements lies within this memory."""
        if tensor.storage is None or not tensor.numel():
            return False
        spans = self._spans.get(id(tensor.storage), [])
        own = Geometry.of(tensor)
        place = bisect_right(spans, (own.offset, sys.maxsize)) - 1
        return place >= 0 and own.stop <= spans[place][1]


def state_of(modules: Iterable[LuaModule]) -> State:
    """Return the memory of all parameters and statistics of these modules."""
    return State(
        (tensor.storage, Geometry.of(tensor))
        for module in modules
        for _, tensor in module.tensors(module.spec.tensors)
        if tensor.storage is not None
    )


def _merged(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for low, high in spans:
        if merged and low <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(high, merged[-1][1])
        else:
            merged.append((low, high))
    return merged
