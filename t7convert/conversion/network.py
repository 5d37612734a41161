"""From an object of a file to the converted network: tree, truncation, recognition, converters."""

from __future__ import annotations

from typing import get_args

import torch

from t7convert.conversion.bindings import Reader, read_region
from t7convert.conversion.convert import Conversion, Converted, convert_tree
from t7convert.conversion.nesting import room_for
from t7convert.conversion.recognise import recognise
from t7convert.errors import ArchitectureError
from t7convert.format.objects import LuaObject
from t7convert.lua.tree import LuaModule, build
from t7convert.lua.until import truncate
from t7convert.options import Arch


def convert_object(
    obj: LuaObject,
    path: str = "",
    *,
    until: str | None = None,
    arch: Arch = "auto",
    allow_missing: bool = False,
    read: Reader | None = read_region,
) -> Converted:
    """Convert the module ``obj``, which stands at ``path`` of its file.

    Args:
        until: keep the network up to the module at this path.
        arch: ``auto`` recognises the ShaResNets and their originals, ``sharesnet`` demands it,
            ``generic`` keeps Lua's own structure.
        allow_missing: put a module that raises in place of what can't be converted.
        read: how values are read; None makes the network's shapes only.

    Raises:
        ConversionError: listing everything that can't be converted faithfully.
        ArchitectureError: if ``arch="sharesnet"`` and the network is none.
    """
    tree = tree_of(obj, path, until)
    return convert_as(tree, arch, allow_missing=allow_missing, read=read)


def tree_of(obj: LuaObject, path: str, until: str | None = None) -> LuaModule:
    """Return the module tree of ``obj``, up to the module at ``until``."""
    tree = build(obj, path)
    return tree if until is None else truncate(tree, until)


def convert_as(
    tree: LuaModule,
    arch: Arch,
    *,
    allow_missing: bool = False,
    read: Reader | None = read_region,
) -> Converted:
    """Convert a module tree in the way ``arch`` says; see :func:`convert_object`."""
    if arch not in get_args(Arch):
        raise ValueError(f"arch={arch!r}, expected one of {', '.join(get_args(Arch))}")
    with room_for(tree):
        return _convert_as(tree, arch, allow_missing, read)


def _convert_as(tree: LuaModule, arch: Arch, allow_missing: bool, read: Reader | None) -> Converted:
    reason = ""
    if arch != "generic":
        try:
            return _recognised(tree, read)
        except ArchitectureError as error:
            if arch == "sharesnet":
                raise
            reason = str(error)
    converted = convert_tree(tree, allow_missing=allow_missing, read=read)
    return converted.with_reason(reason)


def _recognised(tree: LuaModule, read: Reader | None) -> Converted:
    with torch.device("meta"):
        recognition = recognise(tree)
    conversion = Conversion(binder=recognition.binder)
    for source, module in recognition.sources:
        conversion.adopt(source, module)
    return conversion.finish(tree, recognition.network, read).named("sharesnet")
