"""Fields of an object as its file has them, for what the module tree leaves out.

Lua code also needs fields that have no meaning to the tree: clones of a module for each step of a
sequence, counters, buffers that a constructor sized. :mod:`t7convert.lua.remembering` records them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from t7convert.format.objects import LuaFunction, LuaObject, LuaTable, LuaTensor


@dataclass(frozen=True)
class GradientOf:
    """Stands for the tensor that holds the gradient of a parameter of the tree."""

    parameter: LuaTensor


@dataclass
class Record:
    """Fields of one object as the file has them.

    Attributes:
        whole: whether these are all fields of the object, not only some.
        fields: values; modules are those of the tree, tables are LuaTables.
        header: what the class writes before its fields.
    """

    whole: bool
    fields: dict[Any, Any] = field(default_factory=dict)
    header: tuple[Any, ...] = ()


def gradient_name(parameter: str) -> str:
    """Return the name of the field with the gradient of a parameter."""
    return "grad" + parameter[0].upper() + parameter[1:]


def inside(value: LuaTable | LuaObject | LuaFunction) -> list[Any]:
    """Return what a table (keys too), an object or a function holds."""
    if isinstance(value, LuaFunction):
        return [value.upvalues]
    if isinstance(value, LuaObject):
        return [*value.header, value.payload]
    return [item for pair in value.items() for item in pair]


def tensors_of(record: Record) -> Iterator[LuaTensor]:
    """Iterate over the tensors of a record, and the parameters whose gradients it has."""
    stack, seen = [*record.header, *record.fields.values()], set[int]()
    while stack:
        value = stack.pop()
        if isinstance(value, LuaTensor):
            yield value
        elif isinstance(value, GradientOf):
            yield value.parameter
        elif isinstance(value, (LuaTable, LuaObject, LuaFunction)) and id(value) not in seen:
            seen.add(id(value))
            stack.extend(inside(value))
