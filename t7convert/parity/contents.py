"""What a file holds, in the form in which two files are compared."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from t7convert import paths
from t7convert.conversion.network import convert_object
from t7convert.errors import CheckpointError, PathError
from t7convert.export.reading import read_output
from t7convert.format.objects import LuaStorage, LuaTensor
from t7convert.format.plain_values import array_of
from t7convert.lua import arch, find
from t7convert.lua.counting import parameter_regions
from t7convert.lua.data import Item, data_of
from t7convert.lua.summary import geometry
from t7convert.lua.tree import LuaModule, build, walk
from t7convert.opening import Opened, Reading, open_source
from t7convert.options import Arch
from t7convert.parity.openers.arrays import read_arrays

SUFFIXES = (".pt", ".pth", ".safetensors", ".npz")


@dataclass(frozen=True)
class Contents:
    """What a file holds.

    Attributes:
        modules: Lua path → class and constants; empty for a bare state_dict.
        tensors: Lua path or state_dict key → tensor.
        ties: groups of these names that are one tensor.
        items: what stands outside of modules, by Lua path; of a .t7 beside a .t7 only.
    """

    modules: Mapping[str, str]
    tensors: Mapping[str, Tensor]
    ties: frozenset[frozenset[str]]
    items: Mapping[str, Item] = field(default_factory=dict)


@dataclass(frozen=True)
class _Saved:
    """A PyTorch file: its contents, the kind of its architecture, where the .t7 had its model."""

    contents: Contents
    kind: str | None = None
    place: str = ""


class _Lazy(Mapping[str, Tensor]):
    """Tensors of a .t7 file, each read when somebody asks: two large files are compared in turn."""

    def __init__(self, found: Mapping[str, LuaTensor | LuaStorage]) -> None:
        self._found = found

    def __getitem__(self, name: str) -> Tensor:
        return torch.from_numpy(array_of(self._found[name]))

    def __iter__(self) -> Iterator[str]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)


def contents_of(files: Sequence[Path], select: str | None, reading: Reading) -> list[Contents]:
    """Return what the files hold, in the terms that all of them have.

    Raises:
        T7Error: if a file can't be read or converted.
    """
    saved = [_saved(path) for path in files]
    theirs = [each for each in saved if each is not None]
    kind: Arch = "generic" if any(each.kind == "generic" for each in theirs) else "auto"
    place = next((each.place for each in theirs), "") if select is None else select
    opened = [
        None if each else open_source(path, reading)
        for path, each in zip(files, saved, strict=True)
    ]
    if not theirs:
        return [_of_all(root) for root in _parts([each for each in opened if each], select)]
    contents = []
    for known, file in zip(saved, opened, strict=True):
        if known is not None:
            contents.append(known.contents)
        elif file is not None:
            with file.named():
                contents.append(_of_lua(file, kind, select, place))
    return contents


def _parts(files: Sequence[Opened], select: str | None) -> list[Any]:
    """Return the part of each file; the whole of one that lacks the place, if another has it.

    Raises:
        PathError: if none has it.
    """
    if select is None:
        return [file.root for file in files]
    roots, problems = [], []
    for file in files:
        try:
            with file.named():
                roots.append(find.follow(file.root, select))
        except PathError as error:
            problems.append(error)
            roots.append(file.root)
    if len(problems) == len(files):
        raise problems[0]
    return roots


def _saved(path: Path) -> _Saved | None:
    """Return what a PyTorch or NumPy file holds; None for a .t7."""
    if path.suffix.lower() not in SUFFIXES:
        return None
    if path.suffix.lower() == ".npz":
        return _Saved(_of_state({}, read_arrays(path)[0]))
    try:
        content = read_output(path)
    except CheckpointError:
        state = _bare_state(path)
        if state is None:
            raise
        return _Saved(_of_state({}, state))
    described = json.loads(content["architecture"])
    modules = {m.path: _describe(m) for m in walk(arch.decode(described["nodes"]))}
    place = str(content["provenance"].get("model", ""))
    return _Saved(_of_state(modules, content["state_dict"]), described["kind"], place)


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


def _of_lua(opened: Opened, kind: Arch, select: str | None, place: str) -> Contents:
    """Return the network, converted as the other file was."""
    if select is None:
        own, obj = find.model_like(opened.root, place)
    else:
        own, obj = find.model(opened.root, select)
    converted = convert_object(obj, own, arch=kind)
    modules = {m.path: _describe(m) for m in walk(converted.tree)}
    return _of_state(modules, converted.network.state_dict(keep_vars=True))


def _of_all(root: Any) -> Contents:
    """Return modules, tensors and values by Lua paths."""
    data = data_of(root)
    modules: dict[str, str] = {}
    tensors = dict(data.tensors)
    tied = _tied_data(data.tensors)
    for own, obj in data.modules:
        tree = build(obj, own)
        modules |= {module.path: _describe(module) for module in walk(tree)}
        tensors |= _tensors_of(tree)
        tied |= _tied(tree)
    return Contents(modules, _Lazy(tensors), frozenset(tied), data.items)


def _tensors_of(tree: LuaModule) -> dict[str, LuaTensor]:
    return {
        paths.join(module.path, *paths.parse(name)): tensor
        for module in walk(tree)
        for name, tensor in module.tensors(module.spec.tensors)
        if tensor.storage is not None
    }


def _tied(tree: LuaModule) -> set[frozenset[str]]:
    groups = (frozenset(path for _, path in r.members) for r in parameter_regions(tree))
    return {group for group in groups if len(group) > 1}


def _tied_data(tensors: Mapping[str, LuaTensor | LuaStorage]) -> set[frozenset[str]]:
    """Group the tensors outside of modules that lie in the same memory."""
    groups: dict[tuple[Any, ...], set[str]] = {}
    for path, tensor in tensors.items():
        if isinstance(tensor, LuaTensor) and tensor.storage is not None and tensor.numel():
            place = (id(tensor.storage), tensor.offset, tensor.size, tensor.stride)
            groups.setdefault(place, set()).add(path)
    return {frozenset(group) for group in groups.values() if len(group) > 1}


def _of_state(modules: Mapping[str, str], state: Mapping[str, Tensor]) -> Contents:
    groups: dict[tuple[int, int], set[str]] = {}
    for key, tensor in state.items():
        if tensor.numel():
            groups.setdefault((tensor.data_ptr(), tensor.numel()), set()).add(key)
    tied = frozenset(frozenset(keys) for keys in groups.values() if len(keys) > 1)
    return Contents(modules, {key: tensor.detach() for key, tensor in state.items()}, tied)


def _describe(module: LuaModule) -> str:
    return " ".join((module.typename, geometry(module))).strip()
