"""Where each tensor of a module tree lies in the file: shares, one flat storage, gradients.

A shared weight becomes distinct tensors on one storage, as ``share`` leaves it in Lua; with
``flatten`` all parameters are views of one storage and all gradients of another, as
``getParameters`` leaves them (torch/nn: Module.lua).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from t7convert import paths
from t7convert.errors import CheckpointError, ConversionError, Problem
from t7convert.export.torch7.values import Values
from t7convert.format.objects import Array, ArrayPayload, LuaStorage, LuaTensor
from t7convert.lua.record import tensors_of
from t7convert.lua.remembering import every_module
from t7convert.lua.sharing import Geometry, Region, regions
from t7convert.lua.state import state_of
from t7convert.lua.tree import LuaModule, walk

#: The kinds of tensors that ``float()``, ``double()`` and ``cuda()`` make of one another.
FLOATING = frozenset(
    f"torch.{kind}Tensor" for kind in ("Double", "Float", "Half", "Cuda", "CudaDouble", "CudaHalf")
)
_HALVES = {
    "torch.HalfTensor": "torch.FloatTensor",
    "torch.CudaHalfTensor": "torch.CudaTensor",
}


@dataclass(frozen=True)
class _Owner:
    """Who looks at a region of memory: a parameter, a statistic, or a recorded view of one."""

    module: LuaModule
    name: str
    tensor: LuaTensor
    role: Literal["parameter", "statistic", "view"]


class Layout:
    """The tensors of a tree as they are written.

    Attributes:
        kind: the type of the tensors of the module that is being written.
        module: that module.
        shared: ids of the modules that ``share`` a parameter with another one.
    """

    def __init__(
        self, root: LuaModule, values: Values, kind: str, *, forced: bool, flatten: bool
    ) -> None:
        self.kind = kind
        self.module: LuaModule | None = None
        self.shared: set[int] = set()
        self._forced = kind if forced else None
        self._values = values
        self._placed: dict[int, LuaTensor] = {}
        self._gradients: dict[int, LuaTensor] = {}
        self._again: dict[int, tuple[LuaTensor, LuaTensor]] = {}
        self._copied: dict[int, tuple[LuaStorage, LuaStorage]] = {}
        modules = every_module(root)
        self._uncast = _uncast(modules)
        self._state = state_of(modules)
        found = self._regions(modules)
        for region in found:
            members = {id(o.module) for _, o in region.members if o.role == "parameter"}
            if len(members) > 1 and region.uniform:
                self.shared |= members
        self._place(found, flatten=flatten)

    def kind_for(self, typename: str, module: LuaModule | None = None) -> str:
        """Return the type that a tensor of this type gets: of halves, what Torch7 can run."""
        if typename not in FLOATING:
            return typename
        forced = None if module is not None and id(module) in self._uncast else self._forced
        return forced or _HALVES.get(typename, typename)

    def tensor(self, tensor: LuaTensor) -> LuaTensor:
        """Return a tensor of the tree as it is written; the same one for the same one.

        ``getParameters`` moves tensor objects: what is one object in Lua must stay one.
        """
        placed = self._placed.get(id(tensor))
        if placed is not None:
            return placed
        return tensor if tensor.storage is None else self.own(np.array(tensor.numpy()), tensor)

    def recorded(self, tensor: LuaTensor) -> LuaTensor:
        """Return a tensor of a record as it is written; the same one for the same one."""
        if id(tensor) not in self._again:
            self._again[id(tensor)] = tensor, self._of_record(tensor)
        return self._again[id(tensor)][1]

    def _of_record(self, tensor: LuaTensor) -> LuaTensor:
        placed = self._placed.get(id(tensor))
        if placed is not None:
            return placed
        kind, storage = self.kind_for(tensor.typename, self.module), tensor.storage
        if storage is None:
            return self.empty(kind)
        if 0 in tensor.stride:  # one element that stands for all
            return self._own(np.array(tensor.numpy()), kind)
        if id(storage) not in self._copied:
            self._copied[id(storage)] = storage, _storage(storage.numpy(), kind)
        return _view(self._copied[id(storage)][1], Geometry.of(tensor), kind)

    def gradient(self, tensor: LuaTensor) -> LuaTensor | None:
        """Return the gradient of a parameter, zero; None if it has none."""
        found = self._gradients.get(id(tensor))
        if found is None:
            return self.zeros(tensor.size) if tensor.typename in FLOATING else None
        return found

    def own(self, array: Array, like: LuaTensor | None = None) -> LuaTensor:
        """Return a tensor with a storage of its own, of the network's type if it is floating."""
        integer = like is not None and like.typename not in FLOATING
        return self._own(array, like.typename if like is not None and integer else self.kind)

    def _own(self, array: Array, kind: str) -> LuaTensor:
        return _view(_storage(array, kind), Geometry(array.shape, _steps(array.shape), 0), kind)

    def empty(self, kind: str | None = None) -> LuaTensor:
        """Return an empty tensor."""
        return LuaTensor(kind or self.kind, (), (), 0, None)

    def zeros(self, size: Sequence[int]) -> LuaTensor:
        """Return a tensor of zeros; of no dimensions, an empty one."""
        return self.own(np.zeros(tuple(size))) if size else self.empty()

    def _regions(self, modules: list[LuaModule]) -> list[Region[_Owner]]:
        owners: list[_Owner] = []
        for module in modules:
            for name, tensor in module.tensors(module.spec.parameters):
                owners.append(_Owner(module, name, tensor, "parameter"))
            for name, tensor in module.tensors(module.spec.statistics):
                owners.append(_Owner(module, name, tensor, "statistic"))
        for module in modules:
            for tensor in tensors_of(module.record) if module.record is not None else ():
                if self._state.holds(tensor):
                    owners.append(_Owner(module, "", tensor, "view"))
        return regions(
            (id(owner.tensor.storage), Geometry.of(owner.tensor), owner)
            for owner in owners
            if owner.tensor.storage is not None
        )

    def _place(self, found: list[Region[_Owner]], *, flatten: bool) -> None:
        """Give the members of each region a storage, or all floating parameters one together."""
        groups: dict[str, list[tuple[Region[_Owner], Array, int]]] = {}
        for number, region in enumerate(found):
            low = min(g.offset for g, _ in region.members)
            high = max(g.stop for g, _ in region.members)
            flat = flatten and _trained(region) and self._kind(region) in FLOATING
            key = self._kind(region) if flat else f"alone {number}"
            groups.setdefault(key, []).append((region, self._span(region, low, high), low))
        for group in groups.values():
            kind = self._kind(group[0][0])
            joined = _storage(np.concatenate([array for _, array, _ in group]), kind)
            trained = _trained(group[0][0]) and kind in FLOATING
            slopes = _storage(np.zeros(joined.size), kind) if trained else None
            start = 0
            for region, array, low in group:
                for geometry, owner in region.members:
                    moved = Geometry(geometry.size, geometry.stride, geometry.offset - low + start)
                    made = self._placed[id(owner.tensor)] = _view(joined, moved, kind)
                    self._placed[id(made)] = made  # a rule may put it into a module that it makes
                    if slopes is not None:
                        slope = _view(slopes, moved, kind)
                        self._gradients[id(owner.tensor)] = self._gradients[id(made)] = slope
                start += array.size

    def _span(self, region: Region[_Owner], low: int, high: int) -> Array:
        owner = region.members[0][1]
        assert owner.tensor.storage is not None
        views = list({geometry for geometry, _ in region.members})
        try:
            return self._values.span(owner.tensor.storage, views, low, high)
        except CheckpointError as error:
            where = paths.join(owner.module.path, *paths.parse(owner.name))
            raise ConversionError([Problem(owner.module.typename, where, str(error))]) from error

    def _kind(self, region: Region[_Owner]) -> str:
        owner = region.members[0][1]
        return self.kind_for(owner.tensor.typename, owner.module)


def in_todays_layout(module: LuaModule, layout: Layout) -> LuaModule:
    """Return a module with its weight as today's nn has it, where an upgrade only noted the age.

    The first VolumetricFullConvolution had its output planes first (torch/nn:
    VolumetricFullConvolution.lua, before 2016-02).
    """
    if module.typename != "nn.VolumetricFullConvolution" or not module.fields.get("transposed"):
        return module
    if id(module) in layout.shared:
        reason = "its weight is shared in a layout of which today's nn has no equal"
        raise ConversionError([Problem(module.typename, module.path, reason)])
    weight = layout.own(np.array(layout.tensor(module.fields["weight"]).numpy()).swapaxes(0, 1))
    kept = {name: value for name, value in module.fields.items() if name != "transposed"}
    return replace(module, fields={**kept, "weight": weight})


def _uncast(modules: list[LuaModule]) -> set[int]:
    """Return the ids of the modules that ``type`` doesn't reach.

    Source: torch/nn DontCast.lua, Copy.lua.
    """
    found = {id(m) for m in modules if _keeps_type(m)}
    for module in modules:
        if module.typename == "nn.DontCast":
            found |= {id(inner) for _, child in module.children() for inner in walk(child)}
    return found


def _keeps_type(module: LuaModule) -> bool:
    record = module.record
    return (
        module.typename == "nn.Copy" and record is not None and bool(record.fields.get("dontCast"))
    )


def _trained(region: Region[_Owner]) -> bool:
    return any(owner.role == "parameter" for _, owner in region.members)


def _steps(size: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(int(np.prod(size[axis + 1 :], dtype=np.int64)) for axis in range(len(size)))


def _storage(array: Any, kind: str) -> LuaStorage:
    typename = kind.removesuffix("Tensor") + "Storage"
    flat = np.ascontiguousarray(array).reshape(-1)
    dtype = LuaStorage(typename, 0, ArrayPayload(flat[:0])).dtype
    return LuaStorage(typename, flat.size, ArrayPayload(flat.astype(dtype)))


def _view(storage: LuaStorage, geometry: Geometry, kind: str) -> LuaTensor:
    return LuaTensor(kind, geometry.size, geometry.stride, geometry.offset, storage)
