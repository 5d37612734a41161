"""Where each tensor of a module tree lies in the file: shares, one flat storage, gradients.

A shared weight becomes distinct tensors on one storage, as ``share`` leaves it in Lua; with
``flatten`` all parameters are views of one storage and all gradients of another, as
``getParameters`` leaves them (torch/nn: Module.lua).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from t7convert import paths
from t7convert.errors import CheckpointError, ConversionError, Problem
from t7convert.export.torch7_values import Values
from t7convert.format.objects import Array, ArrayPayload, LuaStorage, LuaTensor
from t7convert.lua.sharing import Geometry, Region, regions
from t7convert.lua.tree import LuaModule, walk

#: The kinds of tensors that ``float()``, ``double()`` and ``cuda()`` make of one another.
FLOATING = frozenset(
    f"torch.{kind}Tensor" for kind in ("Double", "Float", "Half", "Cuda", "CudaDouble", "CudaHalf")
)
_Owner = tuple[LuaModule, str, LuaTensor]


class Layout:
    """The tensors of a tree as they are written.

    Attributes:
        kind: the type of the network's tensors, e.g. ``torch.FloatTensor``.
        shared: ids of the modules that ``share`` a parameter with another one.
    """

    def __init__(self, root: LuaModule, values: Values, kind: str, *, flatten: bool) -> None:
        self.kind = kind
        self.shared: set[int] = set()
        self._values = values
        self._placed: dict[int, LuaTensor] = {}
        self._gradients: dict[int, LuaTensor] = {}
        parameters = self._regions(root, lambda module: module.spec.parameters)
        statistics = self._regions(root, lambda module: module.spec.statistics)
        for region in parameters:
            members = {id(module) for _, (module, _, _) in region.members}
            if len(members) > 1 and region.uniform:
                self.shared |= members
        self._place(parameters, flatten=flatten, gradients=True)
        self._place(statistics, flatten=False, gradients=False)

    def tensor(self, tensor: LuaTensor) -> LuaTensor:
        """Return a tensor of the tree as it is written, a new object each time."""
        placed = self._placed.get(id(tensor))
        if placed is None:
            return tensor if tensor.storage is None else self.own(np.array(tensor.numpy()), tensor)
        again = _again(placed)  # a rule may put it into a module that it makes
        self._placed[id(again)] = again
        if id(tensor) in self._gradients:
            self._gradients[id(again)] = self._gradients[id(tensor)]
        return again

    def gradient(self, tensor: LuaTensor) -> LuaTensor | None:
        """Return the gradient of a parameter, zero; None if it has none."""
        found = self._gradients.get(id(tensor))
        if found is None:
            return self.zeros(tensor.size) if tensor.typename in FLOATING else None
        return _again(found)

    def own(self, array: Array, like: LuaTensor | None = None) -> LuaTensor:
        """Return a tensor with a storage of its own, of the network's type if it is floating."""
        integer = like is not None and like.typename not in FLOATING
        kind = like.typename if like is not None and integer else self.kind
        return _view(_storage(array, kind), Geometry(array.shape, _steps(array.shape), 0), kind)

    def empty(self, kind: str | None = None) -> LuaTensor:
        """Return an empty tensor."""
        return LuaTensor(kind or self.kind, (), (), 0, None)

    def zeros(self, size: Sequence[int]) -> LuaTensor:
        """Return a tensor of zeros; of no dimensions, an empty one."""
        return self.own(np.zeros(tuple(size))) if size else self.empty()

    def _regions(
        self, root: LuaModule, names: Callable[[LuaModule], tuple[str, ...]]
    ) -> list[Region[_Owner]]:
        views = []
        for module in walk(root):
            for name, tensor in module.tensors(names(module)):
                if tensor.storage is not None:
                    views.append((id(tensor.storage), Geometry.of(tensor), (module, name, tensor)))
        return regions(views)

    def _place(self, found: list[Region[_Owner]], *, flatten: bool, gradients: bool) -> None:
        """Give the members of each region a storage, or all floating ones one together."""
        pieces: list[tuple[Region[_Owner], Array, int]] = []
        for region in found:
            low = min(g.offset for g, _ in region.members)
            high = max(g.stop for g, _ in region.members)
            pieces.append((region, self._span(region, low, high), low))
        flat = [piece for piece in pieces if flatten and self._floating(piece[0])]
        alone = [[piece] for piece in pieces if not (flatten and self._floating(piece[0]))]
        for group in ([flat] if flat else []) + alone:
            kind = self._kind(group[0][0])
            joined = _storage(np.concatenate([array for _, array, _ in group]), kind)
            slopes = _storage(np.zeros(joined.size), kind) if gradients else None
            start = 0
            for region, array, low in group:
                for geometry, (_, _, tensor) in region.members:
                    moved = Geometry(geometry.size, geometry.stride, geometry.offset - low + start)
                    self._placed[id(tensor)] = _view(joined, moved, kind)
                    if slopes is not None and kind in FLOATING:
                        self._gradients[id(tensor)] = _view(slopes, moved, kind)
                start += array.size

    def _span(self, region: Region[_Owner], low: int, high: int) -> Array:
        module, name, tensor = region.members[0][1]
        assert tensor.storage is not None
        views = list({geometry for geometry, _ in region.members})
        try:
            return self._values.span(tensor.storage, views, low, high)
        except CheckpointError as error:
            where = paths.join(module.path, *paths.parse(name))
            raise ConversionError([Problem(module.typename, where, str(error))]) from error

    def _floating(self, region: Region[_Owner]) -> bool:
        return region.members[0][1][2].typename in FLOATING

    def _kind(self, region: Region[_Owner]) -> str:
        typename = region.members[0][1][2].typename
        return self.kind if typename in FLOATING else typename


def _steps(size: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(int(np.prod(size[axis + 1 :], dtype=np.int64)) for axis in range(len(size)))


def _storage(array: Any, kind: str) -> LuaStorage:
    typename = kind.removesuffix("Tensor") + "Storage"
    flat = np.ascontiguousarray(array).reshape(-1)
    dtype = LuaStorage(typename, 0, ArrayPayload(flat[:0])).dtype
    return LuaStorage(typename, flat.size, ArrayPayload(flat.astype(dtype)))


def _view(storage: LuaStorage, geometry: Geometry, kind: str) -> LuaTensor:
    return LuaTensor(kind, geometry.size, geometry.stride, geometry.offset, storage)


def _again(tensor: LuaTensor) -> LuaTensor:
    return LuaTensor(tensor.typename, tensor.size, tensor.stride, tensor.offset, tensor.storage)
