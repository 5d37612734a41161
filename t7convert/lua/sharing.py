"""Which parameters share memory: facts about (storage, offset, size, stride), not about objects.

``getParameters()`` moves all parameters into one storage, so the same storage alone is no sharing.
Two tensors are tied where they cover common elements of a storage.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np

from t7convert.format.objects import LuaTensor

Owner = TypeVar("Owner")


@dataclass(frozen=True)
class Geometry:
    """A view of a storage: sizes and strides in elements, offset from 0."""

    size: tuple[int, ...]
    stride: tuple[int, ...]
    offset: int

    @classmethod
    def of(cls, tensor: LuaTensor) -> Geometry:
        """Return the geometry of ``tensor``."""
        return cls(tuple(tensor.size), tuple(tensor.stride), tensor.offset)

    @property
    def numel(self) -> int:
        """The number of elements."""
        return int(np.prod(self.size, dtype=object)) if self.size else 0

    @property
    def stop(self) -> int:
        """One past the last storage element that the view covers."""
        span = sum((n - 1) * s for n, s in zip(self.size, self.stride, strict=True))
        return self.offset + span + 1 if self.numel else self.offset

    def normal(self) -> Geometry:
        """Return the same geometry with strides of single-element dimensions made canonical."""
        stride = list(self.stride)
        step = 1
        for axis in reversed(range(len(self.size))):
            if self.size[axis] == 1:
                stride[axis] = step
            step = max(step, stride[axis] * self.size[axis])
        return Geometry(self.size, tuple(stride), self.offset)

    @property
    def is_contiguous(self) -> bool:
        """Whether the elements lie one after another in C order."""
        step = 1
        for n, s in zip(reversed(self.size), reversed(self.stride), strict=True):
            if n != 1 and s != step:
                return False
            step *= n
        return True

    def flat(self) -> Geometry:
        """Return the contiguous memory as one dimension; itself where it is not contiguous."""
        if self.is_contiguous:
            return Geometry((self.numel,), (1,), self.offset)
        return self.normal()

    def elements(self) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
        """Return the storage positions of all elements, int64, of shape ``size``."""
        positions = np.full(self.size, self.offset, np.int64)
        for axis, (n, s) in enumerate(zip(self.size, self.stride, strict=True)):
            shape = [1] * len(self.size)
            shape[axis] = n
            positions = positions + (np.arange(n, dtype=np.int64) * s).reshape(shape)
        return positions

    def covered(self) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """Return which of the storage elements ``offset`` to ``stop`` the view covers.

        The memory is that of the storage elements: an expanded view may have far more of its own.
        """
        marks = np.zeros(self.stop - self.offset, np.bool_)
        marks[:1] = True
        for n, s in zip(self.size, self.stride, strict=True):
            reach = 1 if s else n
            while reach < n:
                more = min(reach, n - reach)
                marks[more * s :] |= marks[: -more * s]
                reach += more
        return marks


def overlap(a: Geometry, b: Geometry) -> bool:
    """Tell whether two views of one storage have an element in common."""
    if a.offset >= b.stop or b.offset >= a.stop or not a.numel or not b.numel:
        return False
    if a.is_contiguous and b.is_contiguous:
        return True
    low, high = max(a.offset, b.offset), min(a.stop, b.stop)
    seen = a.covered()[low - a.offset : high - a.offset]
    return bool((seen & b.covered()[low - b.offset : high - b.offset]).any())


@dataclass(frozen=True)
class Region(Generic[Owner]):
    """Members whose views overlap, directly or through others.

    ``uniform`` says whether all views are one: the same elements in the same order.
    """

    storage: int
    members: tuple[tuple[Geometry, Owner], ...]

    @property
    def numel(self) -> int:
        """The number of distinct storage elements that the members cover."""
        distinct = {geometry for geometry, _ in self.members}
        if len(distinct) == 1:
            (only,) = distinct
            if only.is_contiguous:
                return only.numel
        low = min(geometry.offset for geometry in distinct)
        marks = np.zeros(max(geometry.stop for geometry in distinct) - low, np.bool_)
        for geometry in distinct:
            marks[geometry.offset - low : geometry.stop - low] |= geometry.covered()
        return int(np.count_nonzero(marks))

    @property
    def uniform(self) -> bool:
        """Whether all members see the same elements in the same order."""
        first = self.members[0][0].flat()
        return all(geometry.flat() == first for geometry, _ in self.members[1:])


def regions(views: Iterable[tuple[int, Geometry, Owner]]) -> list[Region[Owner]]:
    """Group views, given as (storage, geometry, owner), into regions in order of first member."""
    by_storage: dict[int, list[tuple[Geometry, int, Owner]]] = {}
    for rank, (storage, geometry, owner) in enumerate(views):
        by_storage.setdefault(storage, []).append((geometry, rank, owner))
    found: list[tuple[int, Region[Owner]]] = []
    for storage, members in by_storage.items():
        for group in _sweep(members):
            group.sort(key=lambda member: member[1])
            found.append((group[0][1], Region(storage, tuple((g, o) for g, _, o in group))))
    found.sort(key=lambda pair: pair[0])
    return [region for _, region in found]


def _sweep(
    members: Sequence[tuple[Geometry, int, Owner]],
) -> list[list[tuple[Geometry, int, Owner]]]:
    """Split the views of one storage into connected groups."""
    ordered = sorted(members, key=lambda member: (member[0].offset, member[1]))
    groups: list[list[tuple[Geometry, int, Owner]]] = []
    run: list[list[tuple[Geometry, int, Owner]]] = []
    reach = -1
    for member in ordered:
        geometry = member[0]
        if geometry.offset >= reach:
            groups.extend(run)
            run = []
        touching = [g for g in run if _touches(g, geometry)]
        merged = [m for g in touching for m in g] + [member]
        run = [g for g in run if not any(g is t for t in touching)] + [merged]
        reach = max(reach, geometry.stop)
    return groups + run


def _touches(group: list[tuple[Geometry, int, Owner]], geometry: Geometry) -> bool:
    seen: set[Geometry] = set()
    for other, _, _ in group:
        if other not in seen:
            seen.add(other)
            if other == geometry or overlap(other, geometry):
                return True
    return False
