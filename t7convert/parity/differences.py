"""Comparing two files: structure, parameters, ties, numbers, data."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from t7convert.errors import CheckpointError
from t7convert.lua.data import Item
from t7convert.opening import TOLD, Reading
from t7convert.parity.compare import difference
from t7convert.parity.contents import Contents, contents_of

_SHOWN = 60  # characters of a value


@dataclass(frozen=True)
class Change:
    """One difference.

    ``kind`` is ``structure``, ``tensors`` (which there are, of which type and shape), ``ties``,
    ``numbers`` (of a tensor) or ``values`` (plain ones).
    """

    kind: str
    name: str
    detail: str


@dataclass(frozen=True)
class FileDifference:
    """What differs between two files; ``same`` if nothing does.

    ``compared`` counts the tensors that both have, ``values`` the plain values.
    """

    first: str
    second: str
    compared: int
    changes: tuple[Change, ...] = field(default=())
    values: int = 0

    @property
    def same(self) -> bool:
        """Whether both files hold the same."""
        return not self.changes

    def to_json(self) -> dict[str, Any]:
        """Return the difference as plain data."""
        return {"schema": 1, "same": self.same, **asdict(self)}


def compare_files(
    first: str | os.PathLike[str],
    second: str | os.PathLike[str],
    *,
    select: str | None = None,
    reading: Reading = TOLD,
) -> FileDifference:
    """Compare what two files hold; each is .t7, .pt, .safetensors or .npz.

    Two .t7 files are compared by Lua paths: their modules, and whatever else they hold.
    Otherwise the networks are: tensors and ties go by state_dict keys, for which a .t7 file is
    converted as the other file was; modules go by Lua paths, where both files tell them.

    Args:
        first, second: the files.
        select: of .t7 files, the part to compare; beside a file that has no such place, whose
            whole is meant.
        reading: how .t7 files are read.

    Raises:
        T7Error: if a file can't be read or converted, or there is nothing to compare.
    """
    first, second = Path(first), Path(second)
    a, b = contents_of((first, second), select, reading)
    if not (a.tensors or b.tensors or a.modules or b.modules or a.items or b.items):
        raise CheckpointError(f"{first} and {second}: hold neither modules nor tensors to compare")
    changes = [
        *_structure(a.modules, b.modules),
        *_items(a.items, b.items),
        *_tensors(a, b),
        *_ties(a.ties, b.ties),
    ]
    both = a.items.keys() & b.items
    values = sum(a.items[path].kind == b.items[path].kind == "values" for path in both)
    compared = len(a.tensors.keys() & b.tensors)
    return FileDifference(str(first), str(second), compared, (*changes,), values)


def _structure(a: Mapping[str, str], b: Mapping[str, str]) -> Iterable[Change]:
    if not a or not b:
        return  # a bare state_dict tells no structure
    for path in dict.fromkeys((*a, *b)):
        if a.get(path) != b.get(path):
            detail = f"{a.get(path, 'absent')} -> {b.get(path, 'absent')}"
            yield Change("structure", path or "<root>", detail)


def _items(a: Mapping[str, Item], b: Mapping[str, Item]) -> Iterable[Change]:
    """Compare what stands outside of modules; of what one file lacks, the outermost is told."""
    for path in dict.fromkeys((*a, *b)) if a and b else ():
        one, two = a.get(path), b.get(path)
        if one is None or two is None:
            there = one or two
            assert there is not None
            if there.parent is not None and _sort(a, there.parent) != _sort(b, there.parent):
                continue  # what holds it was told
        if _sort(a, path) != _sort(b, path):
            plain = all(item is None or item.kind == "values" for item in (one, two))
            texts = _apart(_sort(a, path), _sort(b, path))
            yield Change("values" if plain else "structure", path or "<root>", " -> ".join(texts))


def _sort(items: Mapping[str, Item], path: str) -> str:
    return items[path].text if path in items else "absent"


def _apart(one: str, two: str) -> tuple[str, str]:
    """Shorten two long texts to where they differ."""
    if max(len(one), len(two)) <= _SHOWN:
        return one, two
    pairs = enumerate(zip(one, two, strict=False))
    start = next((i for i, (x, y) in pairs if x != y), min(len(one), len(two)))
    start = max(0, start - _SHOWN // 3)

    def cut(text: str) -> str:
        end = start + _SHOWN
        return "..." * (start > 0) + text[start:end] + "..." * (len(text) > end)

    return cut(one), cut(two)


def _tensors(a: Contents, b: Contents) -> Iterable[Change]:
    for name in dict.fromkeys((*a.tensors, *b.tensors)):
        if name not in a.tensors or name not in b.tensors:
            there, told = ("second", b) if name not in a.tensors else ("first", a)
            if name not in told.items:  # what is missing outside of modules was told
                yield Change("tensors", name or "<root>", f"only in the {there} file")
            continue
        yield from _numbers(name or "<root>", a.tensors[name], b.tensors[name])


def _numbers(name: str, one: Tensor, two: Tensor) -> Iterable[Change]:
    if one.shape != two.shape:
        yield Change("tensors", name, f"shape {list(one.shape)} -> {list(two.shape)}")
    elif one.dtype != two.dtype:
        yield Change("tensors", name, f"type {one.dtype} -> {two.dtype}")
    elif not _same_bits(one, two):
        gap = difference(_plain(two), _plain(one))
        changed = int((_plain(one) != _plain(two)).sum())
        detail = (
            f"{changed} of {one.numel()} values differ, by {gap.absolute:.3g} at most, at "
            f"{'x'.join(map(str, gap.index))}: {gap.expected:.9g} -> {gap.found:.9g}"
        )
        yield Change("numbers", name, detail)


def _ties(a: frozenset[frozenset[str]], b: frozenset[frozenset[str]]) -> Iterable[Change]:
    for there, groups in (("first", a - b), ("second", b - a)):
        for group in sorted(map(sorted, groups)):
            yield Change("ties", " = ".join(group), f"only in the {there} file")


def _same_bits(a: Tensor, b: Tensor) -> bool:
    if a.numel() == 0:
        return True
    raw = [t.contiguous().reshape(-1).view(torch.uint8) for t in (a, b)]
    return torch.equal(raw[0], raw[1])


def _plain(tensor: Tensor) -> Any:
    return tensor.to(torch.float64).numpy()
