"""Parameters, statistics, counts and ties: the file's against the network's, bit for bit."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor, nn

from t7convert import paths
from t7convert.conversion.bindings import Record, read_region
from t7convert.conversion.convert import Converted
from t7convert.format.objects import Array, LuaTensor
from t7convert.lua.counting import count, parameter_regions
from t7convert.lua.sharing import Geometry
from t7convert.lua.summary import geometry
from t7convert.lua.tree import LuaModule, walk
from t7convert.parity.compare import difference
from t7convert.parity.report import Fact, Row
from t7convert.parity.side import base_parameter

#: So many wrong modules are told.
_SHOWN = 5


def check_values(
    tree: LuaModule,
    converted: Converted,
    dtype: str | None,
    unfit: Collection[str] = (),
) -> Iterator[Row]:
    """Compare every bound tensor with the file's, bit for bit (after the cast to ``dtype``).

    ``unfit`` are the keys whose tensors have no values; they were told of already.
    """
    modules = {module.path: module for module in walk(tree)}
    bound: set[tuple[str, str]] = set()
    keys: dict[int, str] = {}
    for binding in converted.bindings:
        if binding.key in unfit:
            keys[id(binding.record)] = ""
        else:
            keys.setdefault(id(binding.record), binding.key)
    for record in converted.records:
        key = keys.get(id(record), record.name)
        if not key:
            bound.add((record.path, record.field))
            continue
        module = modules.get(record.path)
        tensor = _tensor(module, record.field) if module is not None else None
        kind = "parameter" if record.is_parameter or _is_parametrised(record) else "statistic"
        place = paths.join(record.path, *paths.parse(record.field))
        typename = module.typename if module else "?"
        if tensor is None:
            yield Row(kind, place, typename, "", "missing", note="the file has no such tensor")
            continue
        bound.add((record.path, record.field))
        row = _compare(kind, place, typename, record, tensor, dtype)
        yield replace(row, note=f"{row.note} ({key})") if row.bad else row
    for module in modules.values():
        for name, _ in module.tensors(module.spec.parameters):
            if (module.path, name) not in bound and module.path in converted.modules:
                place = paths.join(module.path, *paths.parse(name))
                note = "no tensor of the network stands for it"
                yield Row("parameter", place, module.typename, "", "missing", note=note)


def _is_parametrised(record: Record) -> bool:
    return record.name not in record.module._buffers


def _tensor(module: LuaModule, field: str) -> LuaTensor | None:
    found = dict(module.tensors(module.spec.tensors))
    return found.get(field)


def _compare(
    kind: str, place: str, typename: str, record: Record, tensor: LuaTensor, dtype: str | None
) -> Row:
    if tensor.storage is None:
        return Row(kind, place, typename, "", "missing", note="the file's tensor is empty")
    try:
        seen = record.view.apply(Geometry.of(tensor))
    except ValueError as error:  # the file's tensor has another shape: this is another network
        return Row(kind, place, typename, "", "differs", math.inf, note=str(error))
    expected = read_region(tensor.storage, seen)
    if record.transform is not None:
        expected = record.transform.forward(expected)
    found = getattr(record.module, record.name).detach().cpu()
    want = torch.from_numpy(np.ascontiguousarray(expected))
    if dtype is not None and want.is_floating_point():
        want = want.to(getattr(torch, dtype))
    if found.dtype != want.dtype:
        note = f"dtype {found.dtype}, expected {want.dtype}"
        return Row(kind, place, typename, "", "differs", note=note)
    a, b = _plain(found), _plain(want)
    if a.shape == b.shape and a.tobytes() == b.tobytes():
        return Row(kind, place, typename, "", "ok")
    gap = difference(
        _wide(found), _wide(want), torch.finfo(want.dtype).eps if want.is_floating_point() else 0
    )
    note = gap.problem or "not the same bits"
    return Row(
        *(kind, place, typename, "", "differs", gap.absolute, gap.relative, gap.ulps, 0.0, 0.0),
        *(gap.index, gap.found, gap.expected, note),
    )


def _plain(tensor: Tensor) -> Array:
    """Return the raw bits, so that NaN equals itself and -0.0 differs from 0.0."""
    whole = tensor.contiguous()
    return whole.reshape(-1).view(torch.uint8).numpy().reshape(*whole.shape, -1)


def _wide(tensor: Tensor) -> Array:
    return tensor.double().numpy()


def check_structure(tree: LuaModule, other: LuaModule) -> Fact:
    """Compare which modules there are, of which class and with which constants."""
    want, have = ({m.path: _described(m) for m in walk(t)} for t in (tree, other))
    wrong = [path for path in dict.fromkeys((*want, *have)) if want.get(path) != have.get(path)]
    if not wrong:
        return Fact("modules", True, f"{len(want)}, of the same classes and constants")
    shown = "; ".join(
        f"{path or '<root>'}: {have.get(path, 'absent')}, expected {want.get(path, 'none')}"
        for path in wrong[:_SHOWN]
    )
    rest = len(wrong) - _SHOWN
    return Fact("modules", False, shown + (f"; {rest} more" if rest > 0 else ""))


def _described(module: LuaModule) -> str:
    name = module.spec.name.removeprefix("cudnn.").removeprefix("nn.")
    return f"{name} {geometry(module)}".strip()


def check_counts(tree: LuaModule, network: nn.Module) -> Fact:
    """Compare the number of parameters, each shared one counted once."""
    counted = count(tree)
    found = sum(p.numel() for p in network.parameters())
    detail = f"{found:,} in the network, {counted.unique:,} in the file"
    return Fact("parameters counted once", found == counted.unique, detail)


def check_ties(tree: LuaModule, converted: Converted) -> Fact:
    """Compare what is one tensor in the file with what is one Parameter in the network."""
    owner: dict[str, set[int]] = {}
    for record in converted.records:
        if record.name in record.module._buffers:
            continue
        place = paths.join(record.path, *paths.parse(record.field))
        owner.setdefault(place, set()).add(id(base_parameter(record.module, record.name)))
    lost: list[str] = []
    gained: list[str] = []
    groups = 0
    first_of: dict[int, str] = {}
    for region in parameter_regions(tree):
        members = list(dict.fromkeys(path for _, path in region.members))
        bases: set[int] = set().union(*(owner.get(path, set()) for path in members))
        groups += len(members) > 1
        if len(members) > 1 and len(bases) > 1 and not _split(members, owner):
            lost.append(" = ".join(members))
        for base in bases:
            other = first_of.setdefault(base, members[0])
            if other != members[0]:
                gained.append(f"{other} = {members[0]}")
    if lost or gained:
        parts = [f"lost: {text}" for text in lost] + [f"gained: {text}" for text in gained]
        return Fact("ties", False, "; ".join(parts))
    return Fact("ties", True, f"{groups} groups of shared parameters, each one Parameter")


def _split(members: list[str], owner: dict[str, set[int]]) -> bool:
    """Tell whether each member became the same several parameters (a flat weight unpacked)."""
    return len({frozenset(owner.get(path, set())) for path in members}) == 1
