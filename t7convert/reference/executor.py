"""Runs a Lua module tree in NumPy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from t7convert.errors import ConversionError, Problem
from t7convert.format.objects import Array, LuaTensor
from t7convert.lua.aliasing import RESTORING, VIEWS, is_in_place
from t7convert.lua.backward import writes_seen
from t7convert.lua.overwriting import overwrites
from t7convert.lua.reuse import reused, reused_in_place
from t7convert.lua.sharing import Geometry
from t7convert.lua.tree import LuaModule
from t7convert.reference.nested import arrays, map_arrays
from t7convert.reference.op import Op, Value, op_for
from t7convert.reference.remembered import Remembered


class Executor:
    """Interprets modules in evaluation mode; keeps every call, in order of completion.

    Attributes:
        calls: the finished calls; ``call.module.path`` and ``call.output`` are what
            parity compares.
        gradients: (id of module, field) → gradient, after ``backward``.
        failed: the innermost module whose forward raised, if any did.
    """

    def __init__(
        self,
        dtype: npt.DTypeLike = np.float64,
        *,
        keep: bool = True,
        like: Executor | None = None,
        listener: Callable[[Op], None] | None = None,
    ) -> None:
        """Make an executor; ``like`` is one of the same dtype, whose cast parameters are used.

        ``listener`` hears every call as soon as it has finished; then no calls are kept, there is
        no way back to gradients, and large networks need little memory.
        """
        self.dtype = np.dtype(dtype)
        self.calls: list[Op] = []
        self.gradients: dict[tuple[int, str], Array] = {}
        self.accumulating = True
        self.failed: LuaModule | None = None
        self._overwrites = False
        self._keep = keep and listener is None
        self._listener = listener
        self._arrays: dict[tuple[int, Geometry], Array] = {} if like is None else like._arrays
        self._states: dict[int, dict[str, Any]] = {}
        self._buffers: dict[int, list[Array]] | None = None
        self._moving: dict[int, list[Array]] = {}
        self._holders: dict[int, list[Op]] = {}  # memory → calls whose ``returned`` lies in it

    def call(self, module: LuaModule, x: Value) -> Op:
        """Run ``module`` on ``x`` and return the call.

        Raises:
            ConversionError: if the class has no implementation.
        """
        implementation = op_for(module)
        if implementation is None:
            reason = "there is no reference implementation of this class"
            raise ConversionError([Problem(module.typename, module.path, reason)])
        outermost, start = self._buffers is None, len(self.calls)
        if outermost:
            x = map_arrays(np.copy, x)  # an in-place module may write into it
        if self._buffers is None:
            self._buffers = {id(again): [] for again in reused(module)}
            self._overwrites = bool(
                reused(module) or reused_in_place(module) or overwrites(module).visible
            )
            self._moving = {id(again): [] for again in reused_in_place(module)}
        call = implementation(module, self)
        call.input = x
        self._write_first(call, self._buffers)
        try:
            call.output = call.returned = call.forward(x)
            self._settle(call)
            self._overwrite(call, self._buffers)
        except Exception:
            self.failed = self.failed or module
            raise
        finally:
            if outermost:
                self._buffers = None
        if self._keep:
            self.calls.append(call)
        if self._listener is not None:
            self._listener(call)
            vars(call).pop("calls", None)  # a container's children, kept for the way back
        if outermost and self._keep and writes_seen(module):
            return Remembered(call, self.calls[start:])
        return call

    def _settle(self, call: Op) -> None:
        """Put the output where Lua has it: over the input, in the input, or in its own memory."""
        module = call.module
        if is_in_place(module):
            target = call.input[0] if isinstance(call.input, list) else call.input
            if target.flags.writeable:
                self._before_overwriting(target)
                if module.spec.typename in RESTORING:
                    call.before = target.copy()
                target[...] = call.output
                call.output = self._moved(module, target)
        elif module.spec.typename not in VIEWS and not any(True for _ in module.children()):
            given = list(arrays(call.input))
            call.output = map_arrays(lambda a: _owned(a, given), call.output)
        call.returned = call.output
        if self._keep:
            for array in arrays(call.output):
                self._holders.setdefault(id(_memory(array)), []).append(call)

    def _before_overwriting(self, target: Array) -> None:
        """Keep what earlier calls returned in this memory."""
        for call in self._holders.pop(id(_memory(target)), []):
            call.returned = map_arrays(np.copy, call.returned)

    def _moved(self, module: LuaModule, target: Array) -> Array:
        """Return the output object of an in-place call: one for all calls of a module object.

        Whoever holds it sees where the last call pointed it: copies of what it is pointed at,
        but in a reused module's buffer, which is the same memory for all calls.
        """
        earlier = self._moving.get(id(module))
        if earlier is None or self._is_buffer(target):
            return target
        output: Array = target.copy()
        for before in earlier:
            if before.shape == output.shape:
                before[...] = output
        earlier.append(output)
        return output

    def _is_buffer(self, array: Array) -> bool:
        held = (self._buffers or {}).values()
        return any(np.may_share_memory(array, one) for arrays in held for one in arrays)

    def next_step(self) -> None:
        """Let no later call overwrite what was returned so far: a sequence copies its steps."""
        for earlier in (*(self._buffers or {}).values(), *self._moving.values()):
            earlier.clear()

    @staticmethod
    def _write_first(call: Op, buffers: dict[int, list[Array]]) -> None:
        """Let a sum over tables copy its first entry before it reads the others, one its output."""
        entries = call.input[1:] if isinstance(call.input, list) else []
        for buffer in buffers.get(id(call.module), []):
            if any(entry is buffer for entry in entries) and call.input[0].shape == buffer.shape:
                buffer[...] = call.input[0]

    @staticmethod
    def _overwrite(call: Op, buffers: dict[int, list[Array]]) -> None:
        """Let a module object that is called several times have one output buffer, as in Lua."""
        earlier = buffers.get(id(call.module))
        if earlier is None or not isinstance(call.output, np.ndarray):
            return
        call.returned = call.output.copy()  # what this call returned, before a later one
        for buffer in earlier:
            if buffer.shape == call.output.shape:
                buffer[...] = call.output
                call.output = buffer
                return
        earlier.append(call.output)

    @property
    def overwrites(self) -> bool:
        """Tell whether what a module read may have been overwritten when its backward comes."""
        return self._overwrites

    def run(self, module: LuaModule, x: Value) -> Value:
        """Return the output of ``module`` on ``x``; floating arrays are taken in ``dtype``."""
        return self.call(module, self.cast(x)).output

    def cast(self, value: Value) -> Value:
        """Return ``value`` with its floating arrays in the executor's dtype."""
        if isinstance(value, list):
            return [self.cast(item) for item in value]
        if isinstance(value, dict):
            return {key: self.cast(item) for key, item in value.items()}
        if isinstance(value, np.ndarray) and value.dtype.kind == "f":
            return value.astype(self.dtype, copy=False)
        return value

    def array(self, tensor: LuaTensor) -> Array:
        """Return a tensor's values; the same memory is read and cast once."""
        if tensor.storage is None:
            return np.empty(tensor.shape, self.dtype)
        key = (id(tensor.storage), Geometry.of(tensor))
        if key not in self._arrays:
            self._arrays[key] = self.cast(np.array(tensor.numpy()))
        return self._arrays[key]

    def provide(self, tensor: LuaTensor, values: Array) -> None:
        """Let ``tensor``, which is in no file, have these values."""
        self._arrays[(id(tensor.storage), Geometry.of(tensor))] = values

    def accumulate(self, module: LuaModule, name: str, gradient: Array) -> None:
        """Add to the gradient of a parameter."""
        if not self.accumulating:
            return
        key = (id(module), name)
        known = self.gradients.get(key)
        self.gradients[key] = gradient if known is None else known + gradient

    def state(self, module: LuaModule) -> dict[str, Any]:
        """Return what a module remembers from call to call."""
        return self._states.setdefault(id(module), {})


def _memory(array: Array) -> Array:
    """Return the array that owns the memory."""
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array


def _owned(array: Array, given: list[Array]) -> Array:
    """Return ``array`` in memory of its own: views of the input are Lua's only in VIEWS."""
    return array.copy() if any(np.may_share_memory(array, other) for other in given) else array
