"""How a network's inputs may be read, where its modules don't tell: sizes, lists, ranks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from itertools import product
from typing import Any

from t7convert.inputs.geometry import ANY, Leaf, Repeated, Spec
from t7convert.lua.fields import FieldReader
from t7convert.lua.tree import LuaModule, walk

#: (T, H, W) that are tried in turn. Not square first, so that a swap of H and W can't hide.
SIZES = (
    *((6, 40, 56), (8, 64, 96), (16, 224, 288), (5, 224, 224), (6, 32, 32), (6, 64, 64)),
    *((6, 28, 28), (6, 96, 96), (6, 128, 128), (6, 227, 227), (6, 231, 231), (6, 299, 299)),
    *((6, 48, 48), (6, 16, 16), (6, 36, 36), (6, 46, 46), (6, 50, 50), (6, 256, 256)),
    *((6, 20, 20), (6, 24, 24), (6, 80, 80), (6, 112, 112), (6, 8, 8), (16, 112, 112)),
    *(
        (6, 66, 200),
        (6, 320, 320),
        (6, 512, 512),
        (20, 12, 12),
        (40, 100, 100),
        (100, 60, 60),
        (6, 331, 331),
    ),
)
#: Where none of them will do: every length, every square, every small rectangle.
_LENGTHS = tuple((length, 32, 32) for length in range(1, 301))
_SQUARES = tuple((6, side, side) for side in range(1, 129))
_RECTANGLES = tuple((6, high, wide) for high, wide in product(range(1, 29), repeat=2))
#: With several inputs of unknown size, so many sizes are tried for each.
_MANY, _FEW = 20, 12


def every_size(spec: Spec) -> tuple[tuple[tuple[int, int, int], ...], ...]:
    """Return all sizes for the free dimensions of ``spec``: the likely ones, and the others."""
    free = {d for leaf in leaves(spec) for d in leaf.dims if isinstance(d, str)}
    if free == {"T"}:
        return _LENGTHS[:40], _LENGTHS[40:]
    return (_SQUARES[:40], (*_SQUARES[40:], *_RECTANGLES)) if {"H", "W"} & free else ((), ())


def readings(spec: Spec, tree: LuaModule) -> Iterator[Spec]:
    """Yield the spec; then with what any module takes or gives, where nothing was known."""
    yield spec
    unknown = [leaf is ANY for leaf in leaves(spec)]
    if any(unknown):
        for size in _sizes(tree)[:_MANY]:
            known = Leaf((size,))
            yield mapped(spec, partial(_replaced, known))


def further_readings(spec: Spec, tree: LuaModule) -> Iterator[Spec]:
    """Yield lists of other lengths, lone indices, and inputs of which one has a size of its own."""
    if isinstance(spec, Repeated):
        for count in range(1, 9):
            yield Repeated(spec[:1] * count)
    if any(leaf.high and leaf.dims == ("T",) for leaf in leaves(spec)):
        yield mapped(spec, _one_index)
    unknown = [leaf is ANY for leaf in leaves(spec)]
    if not isinstance(spec, list) or sum(unknown) < 2:
        return
    known = _sizes(tree)
    for whole in known:  # joined, they make what a weight takes
        if whole % sum(unknown) == 0:
            yield mapped(spec, partial(_replaced, Leaf((whole // sum(unknown),))))
    sizes = sorted({*known, *(b - a for a, b in product(known, repeat=2) if b > a)})[:_FEW]
    for odd in [i for i, free in enumerate(unknown) if free]:
        for most, other in product(sizes, repeat=2):
            if most != other:
                flat = iter(
                    Leaf((other if i == odd else most,)) if free else None
                    for i, free in enumerate(unknown)
                )
                yield mapped(spec, partial(_next_known, flat))


def _sizes(tree: LuaModule) -> list[int]:
    """Return the sizes of all weights."""
    weights = (m for m in walk(tree) if "weight" in m.fields)
    return sorted({n for m in weights for n in FieldReader(m).shape("weight")})


def _replaced(known: Leaf, leaf: Leaf) -> Leaf:
    return known if leaf is ANY else leaf


def _next_known(flat: Iterator[Leaf | None], leaf: Leaf) -> Leaf:
    return next(flat) or leaf


def _one_index(leaf: Leaf) -> Leaf:
    return replace(leaf, dims=()) if leaf.high and leaf.dims == ("T",) else leaf


def leaves(spec: Spec) -> Iterator[Leaf]:
    """Iterate over the tensors of a spec."""
    if isinstance(spec, Leaf):
        yield spec
    else:
        for item in spec:
            yield from leaves(item)


def is_batched(spec: Spec) -> bool:
    """Tell whether every tensor has a batch dimension."""
    return all(leaf.batched for leaf in leaves(spec))


def mapped(spec: Spec, change: Callable[[Leaf], Any]) -> Any:
    """Return the spec with every tensor changed."""
    if isinstance(spec, Leaf):
        return change(spec)
    return [mapped(item, change) for item in spec]


def unbatched(spec: Spec) -> Spec:
    """Return the spec without batch dimensions."""
    return mapped(spec, lambda leaf: replace(leaf, batched=False))
