"""Where each parameter stands in the vector that Lua's ``getParameters()`` makes.

``Module.flatten`` (torch/nn Module.lua) takes the storages of the parameters in the order in which
``parameters()`` meets them, puts them one behind the other, and drops the elements that no
parameter sees. So a tensor shared by several modules stands there once; within a storage the order
is that of memory, not of the modules.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from t7convert.errors import ConversionError, Problem
from t7convert.format.objects import LuaTensor
from t7convert.lua.sharing import Geometry
from t7convert.lua.tree import LuaModule

#: More tensors than this in ``parameters()``, repetitions counted, are not listed one by one.
MAX_LISTED = 100_000
Run = tuple[int, int, int]


@dataclass(frozen=True)
class FlatOrder:
    """The vector of a network.

    Attributes:
        size: how many numbers it has.
        places: (path of the module, field) → where that tensor lies in the vector.
        listed: the places in the order of ``parameters()``, a module that stands in the network
            several times repeated; None where that are too many.
    """

    size: int
    places: dict[tuple[str, str], Geometry]
    listed: tuple[Geometry, ...] | None
    _runs: dict[int, list[Run]] = field(default_factory=dict, repr=False)

    def place(self, storage: int, geometry: Geometry) -> Geometry:
        """Return where a part of a parameter, ``id`` and geometry of its storage, lies."""
        start, _, base = next(
            run for run in self._runs[storage] if run[0] <= geometry.offset < run[1]
        )
        return replace(geometry, offset=base + geometry.offset - start)


def flat_order(root: LuaModule) -> FlatOrder:
    """Return the vector that ``getParameters()`` of this network would have.

    Raises:
        ConversionError: if Lua refuses to flatten it: a tensor with gaps, and elements to drop.
    """
    tensors = [
        (module, name, tensor)
        for module in _modules(root)
        for name, tensor in module.tensors(module.spec.parameters)
    ]
    storages: dict[int, list[Geometry]] = {}
    sizes: dict[int, int] = {}
    for _, _, tensor in tensors:
        if tensor.storage is not None:
            storages.setdefault(id(tensor.storage), []).append(Geometry.of(tensor))
            sizes[id(tensor.storage)] = tensor.storage.size
    runs: dict[int, list[Run]] = {}
    base = 0
    for storage, geometries in storages.items():
        runs[storage] = []
        for start, stop in _covered(geometries):
            runs[storage].append((start, stop, base))
            base += stop - start
    if base != sum(sizes.values()):
        _refuse_gaps(tensors)
    order = FlatOrder(base, {}, None, runs)
    for module, name, tensor in tensors:
        place = order.place(id(tensor.storage), Geometry.of(tensor))
        order.places[module.path, name] = place
    return replace(order, listed=_listed(root, order.places))


def _refuse_gaps(tensors: list[tuple[LuaModule, str, LuaTensor]]) -> None:
    for module, name, tensor in tensors:
        if not _is_compact(Geometry.of(tensor)):
            reason = f"getParameters() can't gather {name}, whose elements are not side by side"
            raise ConversionError([Problem(module.typename, module.path, reason)])


def _lists(module: LuaModule) -> bool:
    return module.spec.lists is None or module.spec.lists(module.fields)


def _modules(root: LuaModule) -> Iterator[LuaModule]:
    """Iterate over the modules that ``parameters()`` asks, each at its first place."""
    seen: set[int] = set()
    stack = [root]
    while stack:
        module = stack.pop()
        if id(module) in seen or not _lists(module):
            continue
        seen.add(id(module))
        yield module
        stack.extend(reversed([child for _, child in module.children()]))


def _listed(
    root: LuaModule, places: dict[tuple[str, str], Geometry]
) -> tuple[Geometry, ...] | None:
    """Return the places as ``parameters()`` lists them, repetitions included."""
    found: list[Geometry] = []
    stack = [root]
    steps = 0
    while stack:
        module = stack.pop()
        steps += 1
        if steps > MAX_LISTED:
            return None
        if _lists(module):
            found += [places[module.path, n] for n, _ in module.tensors(module.spec.parameters)]
            stack.extend(reversed([child for _, child in module.children()]))
    return tuple(found)


def _real(geometry: Geometry) -> list[tuple[int, int]]:
    """Return (stride, size) of the dimensions that move through memory, smallest stride first."""
    pairs = zip(geometry.stride, geometry.size, strict=True)
    return sorted((stride, size) for stride, size in pairs if stride and size > 1)


def _is_compact(geometry: Geometry) -> bool:
    """Tell whether the elements lie side by side, in whatever order."""
    step = 1
    for stride, size in _real(geometry):
        if stride != step:
            return False
        step *= size
    return True


def _covered(geometries: list[Geometry]) -> list[tuple[int, int]]:
    """Return the runs of storage positions that the tensors see together, in order."""
    spans: list[tuple[int, int]] = []
    for geometry in set(geometries):
        if _is_compact(geometry):
            spans.append((geometry.offset, geometry.stop))
        else:
            places = np.flatnonzero(geometry.covered()) + geometry.offset
            spans += [(place, place + 1) for place in places.tolist()]
    runs: list[tuple[int, int]] = []
    for start, stop in sorted(spans):
        if runs and start <= runs[-1][1]:
            runs[-1] = (runs[-1][0], max(runs[-1][1], stop))
        else:
            runs.append((start, stop))
    return runs
