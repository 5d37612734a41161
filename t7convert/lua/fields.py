"""Reading the fields of a Lua module: numbers, flags, sizes; W, H turned into H, W in one place."""

from __future__ import annotations

from math import isfinite
from typing import Any

from t7convert.errors import ConversionError, Problem
from t7convert.format.objects import Array, LuaStorage, LuaTensor
from t7convert.lua.tree import LuaModule


class FieldReader:
    """A Lua module whose fields are asked for by kind; every refusal names the module's place."""

    def __init__(self, module: LuaModule) -> None:
        self.module = module

    @property
    def typename(self) -> str:
        """The class name in the file, e.g. ``cudnn.SpatialConvolution``."""
        return self.module.typename

    @property
    def path(self) -> str:
        """Where the module stands in the file."""
        return self.module.path

    @property
    def version(self) -> float | None:
        """The class version in the file, None in files older than versions."""
        return self.module.version

    def error(self, reason: str) -> ConversionError:
        """Return an error that names this module."""
        return ConversionError([Problem(self.typename, self.path, reason)])

    def get(self, name: str, default: Any = None) -> Any:
        """Return a field as the tree holds it, or ``default`` where it is absent."""
        value = self.module.fields.get(name)
        return default if value is None else value

    def require(self, name: str) -> Any:
        """Return a field.

        Raises:
            ConversionError: if the file lacks it.
        """
        value = self.module.fields.get(name)
        if value is None:
            raise self.error(f"the field {name} is missing")
        return value

    def number(self, name: str) -> float:
        """Return a field that is a number."""
        value = self.require(name)
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise self.error(f"the field {name} is {value!r}, expected a number")
        return float(value)

    def integer(self, name: str) -> int:
        """Return a field that is a whole number."""
        value = self.number(name)
        if not value.is_integer():
            raise self.error(f"the field {name} is {value!r}, expected a whole number")
        return int(value)

    def flag(self, name: str) -> bool:
        """Return whether a field is true as Lua sees it: everything but nil and false."""
        value = self.module.fields.get(name)
        return value is not None and value is not False

    def integers(self, name: str) -> list[int]:
        """Return a field that is a list of whole numbers (table, storage or 1-D tensor)."""
        value = self.require(name)
        if isinstance(value, (LuaStorage, LuaTensor)):
            value = value.numpy().reshape(-1).tolist()
        if not isinstance(value, list) or any(int(item) != item for item in value):
            raise self.error(f"the field {name} is {value!r}, expected a list of whole numbers")
        return [int(item) for item in value]

    def c_int(self, name: str) -> int:
        """Return a field as C takes it for an int: without what stands behind the point.

        ``padW = (kW - 1) / 2`` is 0.5 for kW = 2, and pads nothing.
        """
        value = self.number(name)
        if not isfinite(value):
            raise self.error(f"the field {name} is {value!r}, expected a whole number")
        return int(value)

    def hw(self, prefix: str) -> tuple[int, int]:
        """Return ``<prefix>H, <prefix>W``: the one place where Lua's W, H becomes H, W."""
        return self.c_int(f"{prefix}H"), self.c_int(f"{prefix}W")

    def thw(self, prefix: str) -> tuple[int, int, int]:
        """Return ``<prefix>T, <prefix>H, <prefix>W``."""
        return self.c_int(f"{prefix}T"), *self.hw(prefix)

    def has(self, name: str) -> bool:
        """Tell whether a field is a tensor with elements."""
        value = self.module.fields.get(name)
        return isinstance(value, LuaTensor) and bool(value.size)

    def tensor(self, name: str) -> LuaTensor:
        """Return a field that is a tensor."""
        value = self.require(name)
        if not isinstance(value, LuaTensor):
            raise self.error(f"the field {name} is {value!r}, expected a tensor")
        return value

    def shape(self, name: str) -> tuple[int, ...]:
        """Return the shape of a tensor field."""
        return tuple(self.tensor(name).size)

    def values(self, name: str) -> Array:
        """Return the values of a constant (a tensor or storage), read-only."""
        value = self.require(name)
        if not isinstance(value, (LuaTensor, LuaStorage)):
            raise self.error(f"the field {name} is {value!r}, expected a tensor")
        return value.numpy()

    def module_at(self, name: str) -> LuaModule:
        """Return a field that is a module."""
        value = self.require(name)
        if not isinstance(value, LuaModule):
            raise self.error(f"the field {name} is {value!r}, expected a module")
        return value

    def modules_at(self, name: str = "modules") -> list[LuaModule]:
        """Return a field that is a list of modules."""
        value = self.module.fields.get(name, [])
        if not isinstance(value, list) or not all(isinstance(item, LuaModule) for item in value):
            raise self.error(f"the field {name} is no list of modules")
        return value
