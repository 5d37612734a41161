"""What a converter sees of one Lua module: its fields, its children, and ``bind``."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import numpy as np
import torch
from torch import nn

from t7convert import paths
from t7convert.conversion.transforms import Transform
from t7convert.conversion.view import View
from t7convert.format.objects import ArrayPayload, LuaStorage, LuaTensor
from t7convert.lua.fields import FieldReader
from t7convert.lua.tree import LuaModule

if TYPE_CHECKING:
    from t7convert.conversion.bindings import Binder, Record

_Made = TypeVar("_Made", bound=nn.Module)


class Converting(Protocol):
    """The running conversion, as far as a layer needs it."""

    binder: Binder

    def convert(self, module: LuaModule) -> nn.Module: ...

    def adopt(self, module: LuaModule, made: nn.Module) -> None: ...

    def overwrites(self, module: LuaModule) -> bool: ...

    def records(self, module: LuaModule) -> bool: ...

    def reads_overwritten(self, module: LuaModule) -> bool: ...


class Layer(FieldReader):
    """A Lua module under conversion.

    A converter never looks at the values of a parameter; it reads constants, builds the PyTorch
    module (on the meta device, so nothing is allocated or initialised) and binds the tensors.
    """

    def __init__(self, module: LuaModule, conversion: Converting) -> None:
        super().__init__(module)
        self._conversion = conversion

    @property
    def inplace(self) -> bool:
        """Whether the module overwrites its input and somebody else can see that.

        Where nobody can, the out-of-place form computes the same and is kinder to autograd.
        """
        return self.flag("inplace") and self._conversion.overwrites(self.module)

    @property
    def recorded(self) -> bool:
        """Whether an unpooling elsewhere asks this pooling where its maxima were."""
        return self._conversion.records(self.module)

    @property
    def reuses(self) -> bool:
        """Whether memory that backward reads may be overwritten before (``lua.reuse``, in-place).

        Then it matters what backward reads: Lua's reads the input where PyTorch keeps the output.
        """
        return self._conversion.reads_overwritten(self.module)

    def constant(self, name: str) -> torch.Tensor:
        """Return a constant tensor (connTable, a kernel) with its values, as a fresh CPU tensor."""
        return torch.from_numpy(np.array(self.values(name)))

    def bind(
        self,
        field: str,
        module: nn.Module,
        name: str | None = None,
        view: View | None = None,
        transform: Transform | None = None,
    ) -> None:
        """Let ``module.<name>`` be the Lua tensor ``field``, seen through ``view``.

        ``name`` defaults to ``field``; it must be a parameter or a buffer of ``module``, of the
        view's shape (a meta tensor's shape counts). ``field`` may be ``weights[3]`` for an element
        of a list.

        Raises:
            ConversionError: if the field is missing or the shapes differ.
        """
        tensor = self._tensor(field)
        try:
            self._conversion.binder.bind(
                self.path, field, tensor, module, name or field, view or View(), transform
            )
        except ValueError as error:
            raise self.error(f"{field}: {error}") from error

    def bind_all(self, module: nn.Module, *fields: str) -> None:
        """Bind each of ``fields`` that the file has to the parameter or buffer of the same name."""
        for field in fields:
            if self.has(field):
                self.bind(field, module)

    def _tensor(self, field: str) -> LuaTensor:
        keys = paths.parse(field)
        value: Any = self.require(str(keys[0]))
        for key in keys[1:]:
            at = key - 1 if isinstance(value, list) and isinstance(key, int) else key
            value = value[at]
        if not isinstance(value, LuaTensor):
            raise self.error(f"the field {field} is {value!r}, expected a tensor")
        return value

    def convert(self, child: LuaModule) -> nn.Module:
        """Convert a module found inside this one; the same Lua object gives the same nn.Module."""
        return self._conversion.convert(child)

    def adopt(self, child: LuaModule, made: _Made) -> _Made:
        """Record that ``made``, which no converter made, computes ``child``; return it."""
        self._conversion.adopt(child, made)
        return made

    def convert_lacking(
        self, child: LuaModule, field: str, size: Sequence[int]
    ) -> tuple[nn.Module, list[Record]]:
        """Convert a child whose tensor ``field`` is not in the file, as this module computes it.

        Return the child and what it bound to the tensor, which is of size ``size``; those
        parameters have no values, and it is up to the caller to take them away.
        """
        stride = tuple(prod(size[position + 1 :]) for position in range(len(size)))
        nothing = LuaStorage("torch.FloatStorage", prod(size), ArrayPayload(np.empty(0, "f4")))
        child.fields[field] = LuaTensor("torch.FloatTensor", tuple(size), stride, 0, nothing)
        try:
            converted = self.convert(child)
        finally:
            del child.fields[field]
        uses = self._conversion.binder.withdraw(nothing)
        return converted, uses

    def child(self, name: str = "module") -> nn.Module:
        """Convert the module in field ``name``."""
        return self.convert(self.module_at(name))

    def children(self, name: str = "modules") -> list[nn.Module]:
        """Convert the modules in the list field ``name``."""
        return [self.convert(item) for item in self.modules_at(name)]
