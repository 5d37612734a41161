"""Comparing two files: structure, parameters, ties, numbers."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from t7convert import paths
from t7convert.conversion.network import convert_object
from t7convert.errors import CheckpointError
from t7convert.export.reading import read_output
from t7convert.format import load
from t7convert.format.objects import LuaTensor
from t7convert.lua import arch, find
from t7convert.lua.counting import parameter_regions
from t7convert.lua.summary import geometry
from t7convert.lua.tree import LuaModule, build, walk
from t7convert.options import Arch
from t7convert.parity.compare import difference


@dataclass(frozen=True)
class Contents:
    """What a file holds.

    Attributes:
        modules: Lua path → class and constants; empty for a bare state_dict.
        tensors: Lua path or state_dict key → tensor.
        ties: groups of these names that are one tensor.
    """

    modules: Mapping[str, str]
    tensors: Mapping[str, Tensor]
    ties: frozenset[frozenset[str]]


@dataclass(frozen=True)
class Change:
    """One difference: in ``structure``, ``tensors`` (which there are), ``ties`` or ``numbers``."""

    kind: str
    name: str
    detail: str


@dataclass(frozen=True)
class FileDifference:
    """What differs between two files; ``same`` if nothing does."""

    first: str
    second: str
    compared: int
    changes: tuple[Change, ...] = field(default=())

    @property
    def same(self) -> bool:
        """Whether both files hold the same."""
        return not self.changes

    def to_json(self) -> dict[str, Any]:
        """Return the difference as plain data."""
        return {"schema": 1, "same": self.same, **asdict(self)}


def compare_files(first: Path, second: Path) -> FileDifference:
    """Compare what two files hold; each is .t7, .pt or .safetensors.

    Two .t7 files are compared by Lua paths. Otherwise tensors and ties go by state_dict keys, for
    which a .t7 file is converted as the other file was; modules go by Lua paths, where both files
    tell them.

    Raises:
        T7Error: if a file can't be read or converted, or there is nothing to compare.
    """
    saved = [_saved(path) for path in (first, second)]
    kinds = [content.get("kind") for content in saved if content is not None]
    kind: Arch = "generic" if "generic" in kinds else "auto"
    a, b = (
        _of_trees(path)
        if kinds == []
        else _of_lua(path, kind)
        if content is None
        else content["it"]
        for path, content in zip((first, second), saved, strict=True)
    )
    if not (a.tensors or b.tensors or a.modules or b.modules):
        raise CheckpointError(f"{first} and {second}: hold neither modules nor tensors to compare")
    changes = [
        *_structure(a.modules, b.modules),
        *_tensors(a.tensors, b.tensors),
        *_ties(a.ties, b.ties),
    ]
    return FileDifference(str(first), str(second), len(a.tensors.keys() & b.tensors), (*changes,))


def _structure(a: Mapping[str, str], b: Mapping[str, str]) -> Iterable[Change]:
    if not a or not b:
        return  # a bare state_dict tells no structure
    for path in dict.fromkeys((*a, *b)):
        if a.get(path) != b.get(path):
            detail = f"{a.get(path, 'absent')} -> {b.get(path, 'absent')}"
            yield Change("structure", path or "<root>", detail)


def _tensors(a: Mapping[str, Tensor], b: Mapping[str, Tensor]) -> Iterable[Change]:
    for name in dict.fromkeys((*a, *b)):
        if name not in a or name not in b:
            there = "second" if name not in a else "first"
            yield Change("tensors", name, f"only in the {there} file")
            continue
        one, two = a[name], b[name]
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


def _saved(path: Path) -> dict[str, Any] | None:
    """Return what a PyTorch file holds, with the kind of its architecture; None for a .t7."""
    if path.suffix.lower() not in (".pt", ".pth", ".safetensors"):
        return None
    try:
        content = read_output(path)
    except CheckpointError:
        state = _bare_state(path)
        if state is None:
            raise
        return {"it": _of_state({}, state)}
    described = json.loads(content["architecture"])
    modules = {m.path: _describe(m) for m in walk(arch.decode(described["nodes"]))}
    return {"it": _of_state(modules, content["state_dict"]), "kind": described["kind"]}


def _bare_state(path: Path) -> dict[str, Tensor] | None:
    """Return a state_dict that nobody wrapped; None if it is none."""
    if path.suffix.lower() == ".safetensors":
        try:
            from safetensors.torch import load_file  # noqa: PLC0415  an optional extra

            return dict(load_file(path))
        except Exception:  # as below: the caller says what is wrong with the file
            return None
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception:  # read_output told already what is wrong with the file
        return None
    known = isinstance(state, dict) and all(isinstance(t, Tensor) for t in state.values())
    return state if known else None


def _of_lua(path: Path, kind: Arch) -> Contents:
    own, obj = find.model(load(path), None)
    converted = convert_object(obj, own, arch=kind)
    modules = {m.path: _describe(m) for m in walk(converted.tree)}
    return _of_state(modules, converted.network.state_dict(keep_vars=True))


def _of_trees(path: Path) -> Contents:
    modules: dict[str, str] = {}
    tensors: dict[str, Tensor] = {}
    tied: set[frozenset[str]] = set()
    for own, obj in find.models(load(path)):
        tree = build(obj, own)
        for module in walk(tree):
            modules[module.path] = _describe(module)
            for name, tensor in module.tensors(module.spec.tensors):
                if tensor.storage is not None:
                    place = paths.join(module.path, *paths.parse(name))
                    tensors[place] = _tensor(tensor)
        tied |= _tied(tree)
    return Contents(modules, tensors, frozenset(tied))


def _tensor(tensor: LuaTensor) -> Tensor:
    return torch.from_numpy(np.array(tensor.numpy()))


def _tied(tree: LuaModule) -> frozenset[frozenset[str]]:
    groups = (frozenset(path for _, path in r.members) for r in parameter_regions(tree))
    return frozenset(group for group in groups if len(group) > 1)


def _of_state(modules: Mapping[str, str], state: Mapping[str, Tensor]) -> Contents:
    groups: dict[tuple[int, int], set[str]] = {}
    for key, tensor in state.items():
        if tensor.numel():
            groups.setdefault((tensor.data_ptr(), tensor.numel()), set()).add(key)
    tied = frozenset(frozenset(keys) for keys in groups.values() if len(keys) > 1)
    return Contents(modules, {key: tensor.detach() for key, tensor in state.items()}, tied)


def _describe(module: LuaModule) -> str:
    return " ".join((module.typename, geometry(module))).strip()
