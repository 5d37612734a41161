"""Recurrent modules that take one step per call.

As in Lua each step's gradient for the state before it waits, in the module's state, for the
backward of the step before; calls go backward in reverse order.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from t7convert.format.objects import Array, LuaStorage, LuaTensor
from t7convert.lua.tree import LuaModule, walk
from t7convert.reference.nested import add, zeros_like
from t7convert.reference.op import Op, Runner, Value, implements

#: Classes that give a mask to their step, row by row.
_STEPPING = (
    *("nn.Recursor", "nn.Recurrence", "nn.LinearRNN", "nn.LookupRNN", "nn.RecLSTM", "nn.RecGRU"),
    *("nn.LSTM", "nn.FastLSTM", "nn.GRU", "nn.MuFuRu"),
)
#: Classes that use a mask.
_MASKED = ("nn.MaskZero", "nn.SeqLSTM", "nn.SeqLSTMP", "nn.SeqGRU", "nn.StepLSTM", "nn.StepGRU")


def forget(executor: Runner, module: LuaModule) -> None:
    """Start a new sequence in ``module`` and every module inside.

    Masks stay, and a given state that served once ("started") serves no more.
    """
    for inner in walk(module):
        state = executor.state(inner)
        for name in set(state) - {"mask", "masks", "started"}:
            del state[name]


def hand_mask(executor: Runner, module: LuaModule, mask: Value) -> None:
    """Do torch/rnn's ``setZeroMask``: down to the modules that have a use for the mask."""
    name = module.spec.typename
    children = module.fields.get("modules", [])
    if name in _MASKED:
        executor.state(module)["mask"] = mask
    elif name in _STEPPING and children[0].spec.typename not in _STEPPING:
        executor.state(module)["masks"] = list(mask)
    elif name == "nn.ReverseUnreverse":
        hand_mask(executor, children[0], mask[::-1])
    else:
        for child in children:
            hand_mask(executor, child, mask)


class Step(Op):
    """Base: the first child computes a step from the input and the state before."""

    #: Names under which a file may hold the state before the first step.
    given: tuple[str, ...] = ("userPrevOutput",)

    def zeros(self, x: Value) -> list[Value]:
        """Return the state before the first step where the file gives none."""
        raise TypeError(f"{self.typename} has no state")

    def first(self, x: Value) -> list[Value]:
        if any(self.has(name) for name in self.given):  # each part by itself
            pairs = zip(self.given, self.zeros(x), strict=True)
            return [self.array(name) if self.has(name) else zero for name, zero in pairs]
        start = self.get("startState")
        if start is not None:
            parts = start if isinstance(start, list) else [start]
            return [self.executor.array(part) for part in parts]
        return self.zeros(x)

    def step(self, x: Value) -> Value:
        """Run the child, which first gets its row of a mask that was handed down."""
        (child,) = self.modules_at()
        if "masks" not in self.state and self.has("zeroMask"):
            self.state["masks"] = list(self.values("zeroMask")[self.integer("zeroMaskStep") :])
        masks = self.state.get("masks")
        if masks is not None:
            if not masks:
                raise self.error("updateOutput called more times than self.zeroMask:size(1)")
            hand_mask(self.executor, child, masks.pop(0))
        self.inner = self.call(child, x)
        return self.inner.output

    def forward(self, x: Value) -> Value:
        state = self.state.get("state")
        if state is None:
            state = self.first(x)
        self.count = len(state)
        output = self.step([x, *state])
        after = list(output) if self.count > 1 else [output]
        self.state["state"] = after
        self.state["waiting"] = None
        return after[0]

    def backward(self, gy: Value) -> Value:
        waiting = self.state.get("waiting")
        if waiting is None:
            waiting = [zeros_like(part) for part in self.state["state"]]
        grads = [add(waiting[0], gy), *waiting[1:]]
        gx, *rest = self.inner.backward(grads if self.count > 1 else grads[0])
        self.state["waiting"] = rest
        return gx


def rows(x: Array, size: int, dtype: Any) -> Array:
    """Return zeros of a state for this input, which may have no batch dimension."""
    return np.zeros((len(x), size) if x.ndim == 2 else size, dtype)


@implements("nn.LSTM@rnn", "nn.LSTM@torch/rnn", "nn.FastLSTM")
class LSTM(Step):
    given = ("userPrevOutput", "userPrevCell")

    def zeros(self, x: Array) -> list[Value]:
        zero = rows(x, self.integer("outputSize"), self.executor.dtype)
        return [zero, zero]


@implements("nn.RecLSTM")
class RecLSTM(Step):
    def zeros(self, x: Array) -> list[Value]:
        dtype = self.executor.dtype
        return [rows(x, self.integer(name), dtype) for name in ("outputsize", "hiddensize")]


@implements("nn.GRU", "nn.MuFuRu")
class GRU(Step):
    def zeros(self, x: Array) -> list[Value]:
        return [rows(x, self.integer("outputSize"), self.executor.dtype)]


@implements("nn.RecGRU")
class RecGRU(Step):
    def zeros(self, x: Array) -> list[Value]:
        return [rows(x, self.integer("outputsize"), self.executor.dtype)]


@implements("nn.Recurrence", "nn.LinearRNN", "nn.LookupRNN")
class Recurrence(Step):
    """Its one state is the output, which may be a table."""

    def zeros(self, x: Value) -> list[Value]:
        dims = self.integer("nInputDim")
        while isinstance(x, list):
            x = x[0]
        if x.ndim not in (dims, dims + 1):
            raise self.error(f"an input of {dims} dimensions (and perhaps a batch) expected")
        batch = (len(x),) if x.ndim == dims + 1 else ()
        return [self.nested(self.require("outputSize"), batch)]

    def nested(self, size: Value, batch: tuple[int, ...]) -> Value:
        if isinstance(size, LuaStorage):
            size = size.numpy().tolist()
        if size and isinstance(size[0], (list, LuaStorage)):
            return [self.nested(item, batch) for item in size]
        return np.zeros((*batch, *(int(n) for n in size)), self.executor.dtype)

    def first(self, x: Value) -> list[Value]:
        start = self.get("startState")
        return super().first(x) if start is None else [self.stored(start)]

    def stored(self, value: Value) -> Value:
        if isinstance(value, LuaTensor):
            return self.executor.array(value)
        return [self.stored(item) for item in value]


@implements("nn.Recurrent")
class Recurrent(Op):
    """transfer(start(input)) at first, then transfer(merge{input, feedback(output before)})."""

    def forward(self, x: Value) -> Value:
        start, read, feedback, transfer, merge = self.modules_at()
        before = self.state.get("output")
        self.start: list[Op] = []
        self.later: Op | None = None
        if before is None and self.get("firstModule") is not None:
            self.start = [self.call(self.module_at("firstModule"), x)]
            output = self.start[0].output
        elif before is None:
            output = x
            for module in (read, start, transfer):
                self.start.append(self.call(module, output))
                output = self.start[-1].output
        else:
            self.read, self.fed = self.call(read, x), self.call(feedback, before)
            self.merge = self.call(merge, [self.read.output, self.fed.output])
            self.later = self.call(transfer, self.merge.output)
            output = self.later.output
        self.state["output"], self.state["waiting"] = output, None
        return output

    def backward(self, gy: Value) -> Value:
        grad = add(self.state.get("waiting"), gy)
        if self.later is not None:
            gx, gh = self.merge.backward(self.later.backward(grad))
            self.state["waiting"] = self.fed.backward(gh)
            return self.read.backward(gx)
        for call in reversed(self.start):
            grad = call.backward(grad)
        return grad


@implements("nn.Recursor")
class Recursor(Step):
    def forward(self, x: Value) -> Value:
        return self.step(x)

    def backward(self, gy: Value) -> Value:
        return self.inner.backward(gy)


@implements("nn.NormStabilizer")
class NormStabilizer(Op):
    """The identity in evaluation; its penalty belongs to training."""

    def forward(self, x: Array) -> Array:
        if x.ndim != 2:
            raise self.error(f"batch x features expected, got {x.shape}")
        return x

    def backward(self, gy: Array) -> Array:
        return gy
