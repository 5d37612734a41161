"""Finding a flat vector, and the statistics beside it, in a file that holds no network."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from torch import nn

from t7convert import paths
from t7convert.conversion.convert import Converted
from t7convert.conversion.flat import Layout, layout_for, load_flat
from t7convert.errors import SelectionError
from t7convert.format.objects import LuaTable, LuaTensor
from t7convert.lua import find


@dataclass(frozen=True)
class FlatFile:
    """What a file holds for a network: a vector or list of tensors, and statistics or None.

    ``path`` and ``statistics_path`` say where they stand in the file.
    """

    path: str
    vector: Any
    statistics_path: str | None = None
    statistics: list[LuaTensor] | None = None


def load_flat_file(target: Converted | nn.Module, root: Any, select: str | None = None) -> FlatFile:
    """Put the vector that a loaded file holds into a network; return where it stood.

    Args:
        target: a converted network, or the result of converting one.
        root: what ``t7convert.load`` returned.
        select: where the vector stands, if that can't be told.

    Raises:
        SelectionError: if no vector of the file fits, or several do; the message lists them.
        PathError: if ``select`` leads nowhere.
        CheckpointError: if the vector at ``select`` doesn't fit.
    """
    found = find_flat(root, layout_for(target), select)
    load_flat(target, found.vector, found.statistics)
    return found


def find_flat(root: Any, layout: Layout, select: str | None = None) -> FlatFile:
    """Return the vector (or list of parameters) of a file that fits a layout, and statistics.

    Gradients, whose names begin with ``grad``, aren't taken for parameters. Statistics are a list
    of tensors that fit as such.

    Raises:
        SelectionError: if no vector of the file fits, or several do; the message lists them.
    """
    tensors = list(_tensors(root, ()))
    if select is not None:
        chosen = find.follow(root, select)
        vectors = [(select, _as_list(chosen) or chosen)]
    else:
        fitting = [(path, value) for path, value in tensors if _fits(value, layout)]
        vectors = [pair for pair in fitting if isinstance(pair[1], LuaTensor)] or fitting
    if len(vectors) != 1:
        listed = "\n".join(f"  {path or '<root>'}: {_shown(value)}" for path, value in tensors)
        count = "no vector of the file fits" if not vectors else f"{len(vectors)} vectors fit"
        raise SelectionError(
            f"{count} the network, which has {layout.size:,} parameters; the file holds\n"
            f"{listed or '  no tensors'}"
        )
    path, vector = vectors[0]
    shapes = sorted(row.shape for row in layout.statistics)
    rest = [
        (where, value)
        for where, value in tensors
        if shapes and where != path and isinstance(value, list) and _shapes(value) == shapes
    ]
    if len(rest) > 1:
        raise SelectionError(f"several lists fit as statistics: {', '.join(w for w, _ in rest)}")
    return FlatFile(path, vector, *(rest[0] if rest else (None, None)))


def _tensors(value: Any, keys: tuple[object, ...]) -> Iterator[tuple[str, Any]]:
    """Iterate over the tensors and lists of tensors in nested tables, with their paths."""
    stack = [(keys, value)]
    while stack:
        keys, value = stack.pop()
        listed = _as_list(value)
        if isinstance(value, LuaTensor) or listed is not None:
            yield paths.join("", *keys), value if listed is None else listed
        elif isinstance(value, LuaTable):
            inner = [((*keys, key), value[key]) for key in value]
            stack.extend(reversed([pair for pair in inner if not _is_gradient(pair[0][-1])]))


def _is_gradient(key: object) -> bool:
    return isinstance(key, str) and key.lower().startswith("grad")


def _as_list(value: Any) -> list[LuaTensor] | None:
    if isinstance(value, LuaTable) and len(value) and value.is_list():
        items = value.list()
        if all(isinstance(item, LuaTensor) for item in items):
            return items
    return None


def _fits(value: Any, layout: Layout) -> bool:
    if isinstance(value, LuaTensor):
        return tuple(value.size) == (layout.size,)
    sizes = None if layout.listed is None else [place.size for place in layout.listed]
    return [tuple(item.size) for item in value] == sizes


def _shapes(value: list[LuaTensor]) -> list[tuple[int, ...]]:
    return sorted(tuple(item.size) for item in value)


def _shown(value: Any) -> str:
    if isinstance(value, LuaTensor):
        return f"{value.typename} of {' x '.join(map(str, value.size)) or 'nothing'}"
    return f"a list of {len(value)} tensors"
