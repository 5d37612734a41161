"""The fields of a Lua module as attributes, what they mean, and the modules they hold."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from t7convert.compat.indices import python_name
from t7convert.errors import ConversionError, Problem
from t7convert.lua import schema
from t7convert.lua.schema import ClassSpec

_COMMON = ("output", "gradInput", "gradWeight", "gradBias", "bias", "_type")


@dataclass
class Origin:
    """What a module was in its file."""

    typename: str
    version: int | float | None


class ModuleFields:
    """The fields of a Lua module; one that the class has and the module lacks is None."""

    __slots__ = ("__dict__", "__weakref__", "lua")
    lua: Origin

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("__") and name not in ("lua", "live"):
            spec, kind = self.spec, type(self).__name__
            known = (*spec.tensors, *spec.children, *spec.constants, *spec.buffers)
            if name in _COMMON or name in {python_name(kind, field) for field in known}:
                return None  # as nil in Lua
        raise AttributeError(f"{type(self).__name__} has no field or method {name!r}")

    @property
    def spec(self) -> ClassSpec:
        """What the fields of the class mean."""
        found = schema.find(self.lua.typename, self.__dict__)
        if found is None:
            reason = "no known class of this name has these fields"
            raise ConversionError([Problem(self.lua.typename, "", reason)])
        return found


Module = TypeVar("Module", bound=ModuleFields)


def inside(module: ModuleFields, kind: type[Module]) -> Iterator[Module]:
    """Iterate over the modules that the fields of a module hold."""
    for name in module.spec.children:
        yield from _modules_in(module.__dict__.get(name), kind)


def every(module: Module, kind: type[Module]) -> list[Module]:
    """Return a module and all inside, each as often as it stands there."""
    return [module] + [found for child in inside(module, kind) for found in every(child, kind)]


def _modules_in(value: Any, kind: type[Module]) -> Iterator[Module]:
    if isinstance(value, kind):
        yield value
    elif isinstance(value, (list, dict)):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _modules_in(item, kind)
