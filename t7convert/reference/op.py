"""One call of a Lua module, interpreted in NumPy: forward, then Lua's own backward.

Written apart from the converters, straight from the Lua and C sources, so that the parity check
compares two readings of Torch7. Clear code before fast code.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeVar

import numpy as np

from t7convert.format.objects import Array, LuaTensor
from t7convert.lua.fields import FieldReader
from t7convert.lua.tree import LuaModule

#: A Lua value: an array, or a list or dict of values.
Value = Any


class Runner(Protocol):
    """What a call needs of the :class:`~t7convert.reference.executor.Executor` that runs it."""

    dtype: np.dtype[Any]
    gradients: dict[tuple[int, str], Array]
    accumulating: bool

    @property
    def overwrites(self) -> bool:
        """Tell whether what a module read may have been overwritten when its backward comes."""

    def call(self, module: LuaModule, x: Value) -> Op:
        """Run a module and return the call."""

    def array(self, tensor: LuaTensor) -> Array:
        """Return a tensor's values."""

    def provide(self, tensor: LuaTensor, values: Array) -> None:
        """Let a tensor that is in no file have these values."""

    def accumulate(self, module: LuaModule, name: str, gradient: Array) -> None:
        """Add to the gradient of a parameter."""

    def state(self, module: LuaModule) -> dict[str, Any]:
        """Return what a module remembers from call to call."""

    def next_step(self) -> None:
        """Let no later call overwrite what was returned so far."""


class Op(FieldReader):
    """One call of one module. Subclasses keep on ``self`` what their backward needs.

    Arrays have the executor's dtype (float64, or float32 to measure rounding); integers stay so.

    Attributes:
        input: what the call got (set before ``forward``).
        output: what it gave (set after ``forward``); a later call of the same module object may
            have overwritten it, as Lua does.
        returned: what it gave, before any such overwriting.
        before: what the input held before an in-place module overwrote it that will restore it.
    """

    input: Value
    output: Value
    returned: Value
    before: Array | None = None

    def __init__(self, module: LuaModule, executor: Runner) -> None:
        super().__init__(module)
        self.executor = executor

    def forward(self, x: Value) -> Value:
        """Return ``updateOutput(x)`` in evaluation mode."""
        raise TypeError(f"{self.typename} has no forward")

    def backward(self, gy: Value) -> Value:
        """Return ``updateGradInput`` and do ``accGradParameters``, as Lua computes them."""
        raise TypeError(f"{self.typename} has no backward")

    def restore(self) -> None:
        """Put back what an in-place module overwrote; AddConstant and MulConstant do so."""
        if self.before is not None:
            self.input[...] = self.before

    def array(self, name: str) -> Array:
        """Return a tensor field in the executor's dtype (integer tensors unchanged)."""
        return self.executor.array(self.tensor(name))

    def accumulate(self, name: str, gradient: Array) -> None:
        """Add to the gradient of a parameter field."""
        self.executor.accumulate(self.module, name, gradient)

    def call(self, child: LuaModule, x: Value) -> Op:
        """Call a child and return the call; its ``output`` is the result."""
        return self.executor.call(child, x)

    @property
    def state(self) -> dict[str, Any]:
        """What the module remembers from call to call (recurrent classes)."""
        return self.executor.state(self.module)


_Class = TypeVar("_Class", bound=type[Op])
_OPS: dict[str, type[Op]] = {}


def implements(*names: str) -> Callable[[_Class], _Class]:
    """Register the decorated class for these Lua classes (keys of schema rows, or typenames).

    Raises:
        ValueError: if one of them is implemented already.
    """

    def register(op: _Class) -> _Class:
        for name in names:
            if name in _OPS:
                raise ValueError(f"{name} is already implemented by {_OPS[name].__qualname__}")
            _OPS[name] = op
        return op

    return register


def op_for(module: LuaModule) -> type[Op] | None:
    """Return the implementation of a module's class, or None."""
    return _OPS.get(module.spec.name) or _OPS.get(module.typename)


def implemented() -> Mapping[str, type[Op]]:
    """Return the whole table, read-only by convention."""
    return _OPS
