"""Who is bound to what: which parameter or buffer of the network is which Lua tensor.

Converters only record; :meth:`Binder.materialise` then reads each region of memory once and makes
it one ``nn.Parameter``, whatever number of modules looks at it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from t7convert.conversion.transforms import Transform
from t7convert.conversion.view import View
from t7convert.format.objects import Array, LuaStorage, LuaTensor
from t7convert.lua.sharing import Geometry, Region, regions
from t7convert.nn.ties import IndexedView, PermutedView, SharedBuffers, SlicedView

#: Gives the values of a part of a storage; None makes uninitialised tensors (load_model).
Reader = Callable[[LuaStorage, Geometry], Array]


@dataclass(frozen=True)
class Record:
    """One call of ``bind``."""

    path: str
    field: str
    storage: LuaStorage
    geometry: Geometry
    module: nn.Module
    name: str
    view: View
    transform: Transform | None

    @property
    def is_parameter(self) -> bool:
        return self.name in self.module._parameters


@dataclass(frozen=True)
class Origin:
    """The memory that a tensor of the network holds a copy of.

    Attributes:
        storage, geometry: the view of the file that it is.
        transform: the numeric rule between the two.
        kept: positions within the view's elements, where only some of them are kept.
    """

    storage: LuaStorage
    geometry: Geometry
    transform: Transform | None = None
    kept: Array | None = None


def read_region(storage: LuaStorage, geometry: Geometry) -> Array:
    """Return the elements of a view as a fresh, writable array in C order."""
    if geometry.is_contiguous:
        return storage.copy(geometry.offset, geometry.stop).reshape(geometry.size)
    flat = storage.read(geometry.offset, geometry.stop)
    strides = tuple(s * flat.itemsize for s in geometry.stride)
    view = np.lib.stride_tricks.as_strided(flat, geometry.size, strides, writeable=False)
    return np.array(view, order="C")


def reporting(report: Callable[[str, int, int], None], total: int) -> Reader:
    """Return a reader that reports the bytes it has read, of ``total``."""
    done = 0

    def read(storage: LuaStorage, geometry: Geometry) -> Array:
        nonlocal done
        array = read_region(storage, geometry)
        done += array.nbytes
        report("reading", min(done, total), total)
        return array

    return read


@dataclass
class Binder:
    """Collects the bindings of one conversion."""

    records: list[Record] = field(default_factory=list)
    origins: dict[int, Origin] = field(default_factory=dict)  # by id of the network's tensor

    def bind(
        self,
        path: str,
        field: str,
        tensor: LuaTensor,
        module: nn.Module,
        name: str,
        view: View,
        transform: Transform | None,
    ) -> None:
        """Record a binding.

        Raises:
            ValueError: if the module has no such tensor or the shapes differ.
        """
        target = module._parameters.get(name, module._buffers.get(name))
        if target is None:
            raise ValueError(f"{type(module).__name__} has no parameter or buffer {name}")
        if tensor.storage is None:
            raise ValueError("the tensor is empty")
        geometry = view.apply(Geometry.of(tensor))
        if geometry.size != tuple(target.shape):
            raise ValueError(f"the shape is {geometry.size}, expected {tuple(target.shape)}")
        self.records.append(
            Record(path, field, tensor.storage, geometry, module, name, view, transform)
        )

    def withdraw(self, storage: LuaStorage) -> list[Record]:
        """Forget what was bound to ``storage``, and return it."""
        withdrawn = [record for record in self.records if record.storage is storage]
        self.records = [record for record in self.records if record.storage is not storage]
        return withdrawn

    def materialise(self, read: Reader | None = read_region) -> None:
        """Give every bound parameter and buffer its tensor, a tie exactly one."""
        views = [(r, (id(r.storage), r.transform)) for r in self.records if r.is_parameter]
        numbers = {key: number for number, (_, key) in enumerate(views)}
        for region in regions((numbers[key], r.geometry, r) for r, key in views):
            self.origins.update(_Tie(region, read).place())
        made: dict[tuple[int, Geometry, Transform | None], tuple[Record, Tensor]] = {}
        for record in self.records:
            if record.name in record.module._buffers:
                key = (id(record.storage), record.geometry, record.transform)
                if key not in made:
                    made[key] = (record, _tensor(record, record.geometry, read))
                    origin = Origin(record.storage, record.geometry, record.transform)
                    self.origins[id(made[key][1])] = origin
                first, tensor = made[key]
                record.module._buffers[record.name] = tensor
                if first is not record:
                    SharedBuffers.keep(record.module, record.name, first.module, first.name)


def _tensor(record: Record, geometry: Geometry, read: Reader | None) -> Tensor:
    if read is None:
        dtype = torch.from_numpy(np.empty(0, record.storage.dtype)).dtype
        return torch.empty(geometry.size, dtype=dtype)
    values = read(record.storage, geometry)
    if record.transform is not None:
        values = record.transform.forward(values)
    return torch.from_numpy(values)


class _Tie:
    """One region of memory on its way to one Parameter."""

    def __init__(self, region: Region[Record], read: Reader | None) -> None:
        self._members = region.members
        self._read = read

    def _parameter(self, geometry: Geometry) -> nn.Parameter:
        tensor = _tensor(self._members[0][1], geometry, self._read)
        trainable = tensor.is_floating_point() or tensor.is_complex()
        return nn.Parameter(tensor, requires_grad=trainable)

    def place(self) -> dict[int, Origin]:
        """Give the members their Parameter; return its origin by its id."""
        first = self._members[0][0]
        if all(g.normal() == first.normal() for g, _ in self._members) and _injective(first):
            parameter = self._parameter(first)
            for _, record in self._members:
                record.module._parameters[record.name] = parameter
            return self._origin(parameter, first)
        return self._place_views()

    def _origin(
        self, parameter: nn.Parameter, geometry: Geometry, kept: Array | None = None
    ) -> dict[int, Origin]:
        record = self._members[0][1]
        return {id(parameter): Origin(record.storage, geometry, record.transform, kept)}

    def _place_views(self) -> dict[int, Origin]:
        """Members see the memory differently: one base, the others parametrisations of it."""
        positions = {g: g.elements() for g, _ in self._members}
        covered = np.unique(np.concatenate([p.reshape(-1) for p in positions.values()]))
        low, high = int(covered[0]), int(covered[-1]) + 1
        dense = covered.size == high - low
        flat = Geometry((high - low,), (1,), low)
        whole = next(
            (g for g, _ in self._members if g.is_contiguous and g.numel == high - low), flat
        )
        base = self._parameter(whole)
        if not dense:  # keep only the elements that some member sees
            base = nn.Parameter(base.detach()[torch.from_numpy(covered - low)])
        for geometry, record in self._members:
            record.module._parameters[record.name] = base
            if dense and geometry.normal() == whole.normal():
                continue
            place = np.searchsorted(covered, positions[geometry])
            parametrize.register_parametrization(
                record.module, record.name, _view_module(place, tuple(base.shape)), unsafe=True
            )
        return self._origin(base, whole, None if dense else covered - low)


def _injective(geometry: Geometry) -> bool:
    """Tell whether no element appears twice (an expanded view has stride 0)."""
    if geometry.is_contiguous:
        return True
    if any(s == 0 and n > 1 for n, s in zip(geometry.size, geometry.stride, strict=True)):
        return False
    return np.unique(geometry.elements()).size == geometry.numel


def _view_module(
    place: np.ndarray[tuple[int, ...], np.dtype[np.int64]], base: tuple[int, ...]
) -> nn.Module:
    """Return the simplest module that shows positions ``place`` of a base of shape ``base``."""
    flat = place.reshape(-1)
    if np.array_equal(flat, np.arange(flat[0], flat[0] + flat.size)):
        return SlicedView(int(flat[0]), place.shape)
    if place.ndim == len(base) and place.size == int(np.prod(base)):
        grid = np.arange(place.size).reshape(base)
        steps = [
            int(place.take(1, axis=a).flat[0] - flat[0]) if n > 1 else -1
            for a, n in enumerate(place.shape)
        ]
        strides = [s // grid.itemsize for s in grid.strides]
        free = list(range(len(base)))
        dims: list[int] = []
        for n, step in zip(place.shape, steps, strict=True):
            match = next((d for d in free if base[d] == n and (n == 1 or strides[d] == step)), None)
            if match is None:
                break
            free.remove(match)
            dims.append(match)
        if len(dims) == len(base) and np.array_equal(grid.transpose(dims), place):
            return PermutedView(dims)
    return IndexedView(torch.from_numpy(np.ascontiguousarray(place)))
