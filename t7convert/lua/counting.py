"""Counting parameters: shared ones once, and every time they are used."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from t7convert import paths
from t7convert.format.objects import LuaTensor
from t7convert.lua.sharing import Geometry, Region, regions
from t7convert.lua.tree import LuaModule, walk


@dataclass(frozen=True)
class Counts:
    """Parameters of a network.

    Attributes:
        unique: values, memory seen by several tensors counted once.
        naive: values, counted every time a module that holds them stands in the network.
        tensors: tensors (regions of memory) counted once.
        tensors_naive: tensors counted every time.
    """

    unique: int
    naive: int
    tensors: int
    tensors_naive: int


def parameters(root: LuaModule) -> Iterator[tuple[str, LuaTensor]]:
    """Iterate over (path, tensor) of every parameter of every distinct module."""
    for module in walk(root):
        for name, tensor in module.tensors(module.spec.parameters):
            yield paths.join(module.path, *paths.parse(name)), tensor


def parameter_regions(root: LuaModule) -> list[Region[str]]:
    """Return the regions of memory that parameters lie in, members named by their paths."""
    return regions(
        (id(tensor.storage), Geometry.of(tensor), path) for path, tensor in parameters(root)
    )


def count(root: LuaModule) -> Counts:
    """Count the parameters below ``root``."""
    found = parameter_regions(root)
    values, tensors = _totals(root)
    return Counts(sum(region.numel for region in found), values, len(found), tensors)


def state_bytes(root: LuaModule) -> int:
    """Return the bytes of all parameters and statistics, common memory counted once."""
    sizes = {
        (id(tensor.storage), Geometry.of(tensor)): tensor.numel() * tensor.dtype.itemsize
        for module in walk(root)
        for _, tensor in module.tensors(module.spec.tensors)
    }
    return sum(sizes.values())


def _totals(root: LuaModule) -> tuple[int, int]:
    """Return (values, tensors) with every use counted, children before parents, no recursion."""
    done: dict[int, tuple[int, int]] = {}
    open_now: set[int] = set()
    stack = [root]
    while stack:
        module = stack[-1]
        if id(module) in done:
            stack.pop()
            continue
        children = [child for _, child in module.children() if id(child) not in open_now]
        waiting = [child for child in children if id(child) not in done and child is not module]
        if waiting and id(module) not in open_now:
            open_now.add(id(module))
            stack.extend(waiting)
            continue
        own = [t.numel() for _, t in module.tensors(module.spec.parameters)]
        below = [done.get(id(child), (0, 0)) for child in children]
        done[id(module)] = (
            sum(own) + sum(v for v, _ in below),
            len(own) + sum(t for _, t in below),
        )
        open_now.discard(id(module))
        stack.pop()
    return done[id(root)]
