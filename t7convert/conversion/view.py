"""How a PyTorch parameter lies in a Lua tensor: a chain of pure views, as data.

A view computes on sizes and strides, never on values, so that ties are decided on memory and the
way back can write through it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any

from t7convert.lua.sharing import Geometry

Op = tuple[str, tuple[int, ...]]


@dataclass(frozen=True)
class View:
    """A chain of views; each method returns the chain with one more."""

    ops: tuple[Op, ...] = ()

    def _then(self, name: str, *args: int) -> View:
        return replace(self, ops=(*self.ops, (name, tuple(int(a) for a in args))))

    def reshape(self, *shape: int) -> View:
        """See the elements under another shape; the strides must allow it."""
        return self._then("reshape", *shape)

    def permute(self, *dims: int) -> View:
        """Reorder the dimensions (0-based), as ``torch.permute``."""
        return self._then("permute", *dims)

    def transpose(self, a: int, b: int) -> View:
        """Swap two dimensions (0-based)."""
        return self._then("transpose", a, b)

    def narrow(self, dim: int, start: int, length: int) -> View:
        """Keep ``length`` entries of ``dim`` from ``start`` on (0-based)."""
        return self._then("narrow", dim, start, length)

    def select(self, dim: int, index: int) -> View:
        """Keep one entry of ``dim`` and drop the dimension (0-based)."""
        return self._then("select", dim, index)

    def apply(self, geometry: Geometry) -> Geometry:
        """Return the geometry seen through this view.

        Raises:
            ValueError: if the sizes or strides don't allow it.
        """
        for name, args in self.ops:
            geometry = _OPS[name](geometry, args)
        return geometry

    def to_json(self) -> list[list[Any]]:
        """Return the chain as plain lists."""
        return [[name, *args] for name, args in self.ops]

    @classmethod
    def from_json(cls, rows: Sequence[Sequence[Any]]) -> View:
        """Return the chain that :meth:`to_json` wrote."""
        return cls(tuple((str(row[0]), tuple(int(a) for a in row[1:])) for row in rows))


def _reshape(g: Geometry, shape: tuple[int, ...]) -> Geometry:
    if g.size == shape:
        return g
    if shape.count(-1) == 1:
        known = prod(n for n in shape if n != -1)
        shape = tuple(g.numel // known if n == -1 else n for n in shape)
    if prod(shape) != g.numel:
        raise ValueError(f"{g.numel} elements of shape {g.size} can't be seen as {shape}")
    squeezed = Geometry(
        tuple(n for n in g.size if n != 1),
        tuple(s for n, s in zip(g.size, g.stride, strict=True) if n != 1),
        g.offset,
    )
    wanted = tuple(n for n in shape if n != 1)
    if squeezed.is_contiguous:
        strides, step = [], 1
        for n in reversed(shape):
            strides.append(step)
            step *= n
        return Geometry(shape, tuple(reversed(strides)), g.offset)
    if squeezed.size == wanted:
        inner = iter(squeezed.stride)
        return Geometry(shape, tuple(1 if n == 1 else next(inner) for n in shape), g.offset)
    raise ValueError(f"strides {g.stride} of shape {g.size} don't allow a view as {shape}")


def _permute(g: Geometry, dims: tuple[int, ...]) -> Geometry:
    return Geometry(tuple(g.size[d] for d in dims), tuple(g.stride[d] for d in dims), g.offset)


def _transpose(g: Geometry, args: tuple[int, ...]) -> Geometry:
    dims = list(range(len(g.size)))
    a, b = args
    dims[a], dims[b] = dims[b], dims[a]
    return _permute(g, tuple(dims))


def _narrow(g: Geometry, args: tuple[int, ...]) -> Geometry:
    dim, start, length = args
    if not 0 <= start <= start + length <= g.size[dim]:
        raise ValueError(f"entries {start}..{start + length} of dimension {dim} of {g.size}")
    size = (*g.size[:dim], length, *g.size[dim + 1 :])
    return Geometry(size, g.stride, g.offset + start * g.stride[dim])


def _select(g: Geometry, args: tuple[int, ...]) -> Geometry:
    dim, index = args
    one = _narrow(g, (dim, index, 1))
    return Geometry(
        one.size[:dim] + one.size[dim + 1 :], one.stride[:dim] + one.stride[dim + 1 :], one.offset
    )


_OPS = {
    "reshape": _reshape,
    "permute": _permute,
    "transpose": _transpose,
    "narrow": _narrow,
    "select": _select,
}
