"""Containers that hand their input to children."""

from __future__ import annotations

import numpy as np

from t7convert.format.objects import Array
from t7convert.reference.nested import add, zeros_like
from t7convert.reference.op import Op, Value, implements


def from_one(op: Op, name: str) -> int:
    """Return a dimension, which Lua counts from 1 only, as an axis."""
    number = op.integer(name)
    if number < 1:
        raise op.error(f"{name} is {number}, expected 1 or more")
    return number - 1


@implements("nn.Sequential")
class Sequential(Op):
    def forward(self, x: Value) -> Value:
        self.calls: list[Op] = []
        for child in self.modules_at():
            self.calls.append(self.call(child, x))
            x = self.calls[-1].output
        return x

    def backward(self, gy: Value) -> Value:
        for call in reversed(self.calls):
            gy = call.backward(gy)
        return gy


@implements("nn.ConcatTable")
class ConcatTable(Op):
    def forward(self, x: Value) -> Value:
        self.calls = [self.call(child, x) for child in self.modules_at()]
        return [call.output for call in self.calls]

    def backward(self, gy: Value) -> Value:
        total = None
        for call, part in zip(self.calls, gy, strict=True):
            total = add(total, call.backward(part))
        return total


@implements("nn.ParallelTable")
class ParallelTable(Op):
    """Children beyond the entries of the table, or entries beyond the children, are an error."""

    def forward(self, x: list[Value]) -> Value:
        children = self.modules_at()
        if len(x) < len(children):
            raise self.error(f"got {len(x)} inputs for {len(children)} modules")
        self.calls = [self.call(child, item) for child, item in zip(children, x, strict=False)]
        return [call.output for call in self.calls]

    def backward(self, gy: list[Value]) -> Value:
        found = [call.backward(part) for call, part in zip(self.calls, gy, strict=True)]
        return found + [zeros_like(item) for item in self.input[len(found) :]]


@implements("nn.MapTable")
class MapTable(Op):
    """One module for every entry; unshared ones have clones of it, made when they were needed."""

    def forward(self, x: list[Value]) -> Value:
        children = self.modules_at()
        picked = [children[i] if i < len(children) else children[0] for i in range(len(x))]
        self.calls = [self.call(child, item) for child, item in zip(picked, x, strict=True)]
        return [call.output for call in self.calls]

    def backward(self, gy: list[Value]) -> Value:
        return [call.backward(part) for call, part in zip(self.calls, gy, strict=True)]


@implements("nn.Concat")
class Concat(Op):
    def axis(self) -> int:
        return from_one(self, "dimension")

    def forward(self, x: Value) -> Value:
        self.calls = [self.call(child, x) for child in self.modules_at()]
        outputs = [call.output for call in self.calls]
        sizes = [output.shape[self.axis()] for output in outputs]
        self.starts = np.cumsum([0, *sizes])
        return self.place(outputs)

    def place(self, outputs: list[Array]) -> Array:
        return np.concatenate(outputs, self.axis())

    def window(self, position: int, shape: tuple[int, ...]) -> tuple[slice, ...]:
        """Return where the output of child ``position``, of this shape, lies in the whole."""
        rows = slice(self.starts[position], self.starts[position + 1])
        return tuple(rows if axis == self.axis() else slice(None) for axis in range(len(shape)))

    def backward(self, gy: Array) -> Value:
        total = None
        for position, call in enumerate(self.calls):
            part = gy[self.window(position, call.output.shape)]
            total = add(total, call.backward(part))
        return total


@implements("nn.DepthConcat")
class DepthConcat(Concat):
    """Smaller outputs stand in the middle of zeros, towards the start where it's not even."""

    def place(self, outputs: list[Array]) -> Array:
        shape = np.max([output.shape for output in outputs], axis=0)
        shape[self.axis()] = self.starts[-1]
        self.whole = tuple(int(n) for n in shape)
        placed = np.zeros(self.whole, outputs[0].dtype)
        for position, output in enumerate(outputs):
            placed[self.window(position, output.shape)] = output
        return placed

    def window(self, position: int, shape: tuple[int, ...]) -> tuple[slice, ...]:
        slices = list(super().window(position, shape))
        for axis, size in enumerate(shape):
            if axis != self.axis():
                start = (self.whole[axis] - size) // 2
                slices[axis] = slice(start, start + size)
        return tuple(slices)


@implements("nn.Parallel")
class Parallel(Op):
    """Slice ``i`` of the input goes through child ``i``; the outputs are joined."""

    def forward(self, x: Array) -> Array:
        axis, joined = from_one(self, "inputDimension"), from_one(self, "outputDimension")
        children = self.modules_at()
        slices = np.moveaxis(x, axis, 0)
        if len(slices) > len(children):
            raise self.error(f"got {len(slices)} slices for {len(children)} modules")
        pairs = zip(children, slices, strict=False)
        self.calls = [self.call(child, item) for child, item in pairs]
        return np.concatenate([call.output for call in self.calls], joined)

    def backward(self, gy: Array) -> Array:
        axis, joined = from_one(self, "inputDimension"), from_one(self, "outputDimension")
        ends = np.cumsum([call.output.shape[joined] for call in self.calls])
        parts = np.split(gy, ends[:-1], joined)
        found = [call.backward(part) for call, part in zip(self.calls, parts, strict=True)]
        return np.stack(found, axis)


@implements("t7convert.Branch")
class Branch(Op):
    """One branch of a container that was cut."""

    def forward(self, x: Value) -> Value:
        entry = self.get("entry")
        if entry is not None and self.get("dimension") is not None:
            x = np.take(x, self.integer("entry") - 1, self.integer("dimension") - 1)
        elif entry is not None:
            x = x[self.integer("entry") - 1]
        self.inner = self.call(self.module_at("module"), x)
        return self.inner.output

    def backward(self, gy: Value) -> Value:
        gradient = self.inner.backward(gy)
        if self.get("entry") is None:
            return gradient
        whole = zeros_like(self.input)
        position = self.integer("entry") - 1
        if self.get("dimension") is None:
            whole[position] = gradient
        else:
            np.moveaxis(whole, self.integer("dimension") - 1, 0)[position] = gradient
        return whole
