"""Which bytes of a file are parameters, statistics, gradients, buffers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from t7convert import paths
from t7convert.format.objects import LuaFunction, LuaObject, LuaStorage, LuaTable, LuaTensor
from t7convert.lua import schema
from t7convert.lua.schema import ClassSpec
from t7convert.lua.tree import derived_spec, fields_of, is_module

#: Roles in order of precedence: a storage that several look at counts for the first of them.
ROLES = ("parameters", "statistics", "constants", "data", "gradients", "buffers")


@dataclass(frozen=True)
class Bytes:
    """Payload bytes by role; ``structure`` is the rest of the file.

    ``data`` are tensors outside of modules. A storage counts whole, for its first role.
    """

    parameters: int
    statistics: int
    constants: int
    data: int
    gradients: int
    buffers: int
    structure: int


@dataclass(frozen=True)
class Roles:
    """The bytes, the role of every storage by id, and the places of Lua functions."""

    bytes: Bytes
    storages: dict[int, str]
    functions: list[str]


def role_of(spec: ClassSpec, field: str) -> str:
    """Return the role of a module's field."""
    if field in spec.parameters:
        return "parameters"
    if field in spec.statistics:
        return "statistics"
    if field in spec.constants or field in spec.children:
        return "constants"
    if field.lower().lstrip("_").startswith("grad") and field != "gradInput":
        return "gradients"
    return "buffers"


def byte_roles(root: Any, size: int) -> Roles:
    """Walk the whole object graph and tell the roles of its storages."""
    found: dict[int, tuple[int, LuaStorage]] = {}
    functions: list[str] = []
    seen: set[tuple[int, str]] = set()
    stack: list[tuple[Any, str, tuple[Any, ...] | None]] = [(root, "data", None)]
    while stack:
        value, role, keys = stack.pop()
        if isinstance(value, LuaTensor):
            value = value.storage
        if isinstance(value, LuaStorage):
            rank = ROLES.index(role)
            known = found.get(id(value))
            if known is None or rank < known[0]:
                found[id(value)] = (rank, value)
        elif isinstance(value, LuaFunction):
            if (id(value), "") not in seen:
                seen.add((id(value), ""))
                functions.append(paths.join("", *_flat(keys)))
        elif isinstance(value, (LuaTable, LuaObject)) and (id(value), role) not in seen:
            seen.add((id(value), role))
            stack.extend(_inside(value, role, keys))
    sizes = dict.fromkeys(ROLES, 0)
    for rank, storage in found.values():
        sizes[ROLES[rank]] += storage.size * storage.dtype.itemsize
    rest = max(size - sum(sizes.values()), 0)
    names = {key: ROLES[rank] for key, (rank, _) in found.items()}
    return Roles(Bytes(**sizes, structure=rest), names, functions)


def _inside(
    value: LuaTable | LuaObject, role: str, keys: tuple[Any, ...] | None
) -> list[tuple[Any, str, tuple[Any, ...] | None]]:
    table = fields_of(value) if isinstance(value, LuaObject) else value
    if table is None:
        return []
    if not is_module(value):
        return [(table[key], role, (keys, key)) for key in table]
    assert isinstance(value, LuaObject)
    spec = schema.find(value.typename, table) or derived_spec(value.typename, table)
    return [
        (table[key], role_of(spec, key) if isinstance(key, str) else "buffers", (keys, key))
        for key in table
    ]


def _flat(keys: tuple[Any, ...] | None) -> list[Any]:
    """Return the keys of a chain (parent chain, key), outermost first."""
    flat: list[Any] = []
    while keys is not None:
        keys, key = keys
        flat.append(key)
    return flat[::-1]
