"""Small modules and criterions of the recurrent packages."""

from __future__ import annotations

from functools import partial

import numpy as np

from t7convert.format.objects import Array
from t7convert.reference.nested import add, map_arrays, zeros_like
from t7convert.reference.op import Op, Value, implements
from t7convert.reference.ops.criterion_elementwise import Criterion
from t7convert.reference.ops.embedding import LookupTable
from t7convert.reference.ops.linear import Linear


def first_array(x: Value) -> Array:
    """Return the first array of a nested table."""
    while isinstance(x, list):
        x = x[0]
    return np.asarray(x)


def masked(mask: Array, value: Array) -> Array:
    """Return ``value`` with zeros where the mask of its leading dimensions is true."""
    wide = mask.reshape(*mask.shape, *(1,) * (value.ndim - mask.ndim))
    return np.where(wide, value.dtype.type(0), value)


class MaskOp(Op):
    """Base: where the mask comes from."""

    def mask(self, x: Value) -> Array | None:
        first = first_array(x)
        if self.get("nInputDim") is not None:
            dims = self.integer("nInputDim")
            if first.ndim == dims:
                return np.asarray((first * first).sum() == 0)
            if first.ndim != dims + 1:
                raise self.error(f"nInputDim error: {first.ndim}, {dims}")
        elif self.flag("v2"):
            given = self.state.get("mask")
            if given is False or (given is None and self.get("zeroMask") is False):
                return None
            return np.asarray(self.values("zeroMask") if given is None else given).astype(bool)
        flat = first.reshape(len(first), -1)
        return np.asarray((flat * flat).sum(1) == 0)


@implements("nn.MaskZero@rnn", "nn.MaskZero@torch/rnn")
class MaskZero(MaskOp):
    """Only updateGradInput masks the gradient: accGradParameters gets it as it came."""

    def forward(self, x: Value) -> Value:
        (module,) = self.modules_at()
        rows = self.mask(x)
        self.rows = np.asarray(False) if rows is None else rows
        self.inner = self.call(module, self.blank(x) if self.flag("maskinput") else x)
        return self.blank(self.inner.output) if self.blanks_output() else self.inner.output

    def blanks_output(self) -> bool:
        return self.get("maskoutput") is not False

    def blank(self, value: Value) -> Value:
        return map_arrays(partial(masked, self.rows), value)

    def backward(self, gy: Value) -> Value:
        if self.blanks_output():
            gx = self.inner.backward(self.blank(gy))
            accumulate_last(self.inner, map_arrays(partial(masked, ~self.rows), gy))
        else:
            gx = self.inner.backward(gy)
        return self.blank(gx) if self.flag("maskinput") else gx


def accumulate_last(call: Op, gy: Value) -> None:
    """Let a gradient reach the parameters at the end of a module, and nothing before them."""
    name = call.module.spec.typename
    calls: list[Op] = getattr(call, "calls", [])
    if name == "nn.Sequential" and calls:
        accumulate_last(calls[-1], gy)
    elif name in ("nn.ConcatTable", "nn.ParallelTable"):
        for child, part in zip(calls, gy, strict=True):
            accumulate_last(child, part)
    elif call.module.spec.parameters and name not in ("nn.StepLSTM", "nn.StepGRU"):
        call.backward(gy)


@implements("nn.TrimZero")
class TrimZero(MaskOp):
    """Its module gets the other rows only, or one row of zeros if there are none."""

    def forward(self, x: Value) -> Value:
        (module,) = self.modules_at()
        mask = self.mask(x)
        assert mask is not None
        self.batch = mask.shape
        self.kept = np.flatnonzero(~mask)
        self.inner = self.call(module, self.pick(x))
        return map_arrays(self.spread, self.inner.output)

    def pick(self, value: Value) -> Value:
        if not self.batch:
            return value if len(self.kept) else zeros_like(value)
        if not len(self.kept):
            return map_arrays(lambda v: np.zeros_like(v[:1]), value)
        return map_arrays(lambda v: v[self.kept], value)

    def spread(self, value: Array) -> Array:
        if not self.batch:
            return value if len(self.kept) else np.zeros_like(value)
        spread = np.zeros((*self.batch, *value.shape[1:]), value.dtype)
        spread[self.kept] = value[: len(self.kept)]
        return spread

    def backward(self, gy: Value) -> Value:
        return map_arrays(self.spread, self.inner.backward(self.pick(gy)))


@implements("nn.Dropout@rnn")
class Dropout(Op):
    """Without v2 the forward multiplies by 1 - p, and the backward divides by it."""

    def kept(self, like: Array) -> Array:
        return np.asarray(1 if self.flag("v2") else 1 - self.number("p"), like.dtype)

    def forward(self, x: Array) -> Array:
        return np.asarray(x * self.kept(x))

    def backward(self, gy: Array) -> Array:
        return np.asarray(gy / self.kept(gy))


@implements("nn.SAdd")
class SAdd(Op):
    def forward(self, x: Array) -> Array:
        y: Array = x + x.dtype.type(self.number("addend"))
        return -y if self.flag("negate") else y

    def backward(self, gy: Array) -> Array:
        return -gy if self.flag("negate") else gy


@implements("nn.CopyGrad")
class CopyGrad(Op):
    def forward(self, x: Value) -> Value:
        return x

    def backward(self, gy: Value) -> Value:
        return gy


@implements("nn.LinearNoBias")
class LinearNoBias(Linear):
    """Linear without ``bias``."""


@implements("nn.LookupTableMaskZero")
class LookupTableMaskZero(LookupTable):
    """Row 1 stands for index 0 and is zeroed at every forward; its gradient isn't."""

    def forward(self, x: Array) -> Array:
        return masked(x == 0, super().forward(x + 1))


@implements("nn.SeqReverseSequence", "nn.ReverseSequence")
class Reverse(Op):
    def reversed(self, value: Value) -> Value:
        if isinstance(value, list):
            return value[::-1]
        return np.flip(value, self.integer("dim") - 1 if self.get("dim") is not None else 0)

    def forward(self, x: Value) -> Value:
        return self.reversed(x)

    def backward(self, gy: Value) -> Value:
        return self.reversed(gy)


@implements("nn.SequencerCriterion", "nn.RepeaterCriterion")
class SequencerCriterion(Criterion):
    def loss(self, x: Value, target: Value) -> Value:
        same = self.module.spec.typename == "nn.RepeaterCriterion"
        targets = [target] * len(x) if same else target
        criterion = self.module_at("criterion")
        self.calls = [self.call(criterion, [a, t]) for a, t in zip(x, targets, strict=True)]
        self.share = 1 / len(x) if self.flag("sizeAverage") else 1.0
        return sum(call.output for call in self.calls) * self.share

    def gradient(self, x: Value, target: Value) -> Value:
        found = [call.backward(1.0) for call in self.calls]
        found = map_arrays(partial(np.multiply, self.share), found)
        return np.stack(found) if isinstance(x, np.ndarray) else found


@implements("nn.MaskZeroCriterion@rnn", "nn.MaskZeroCriterion@torch/rnn")
class MaskZeroCriterion(Criterion, MaskOp):
    def loss(self, x: Value, target: Value) -> Value:
        mask = self.mask(x)
        self.kept = np.arange(len(first_array(x))) if mask is None else np.flatnonzero(~mask)
        self.inner: Op | None = None
        if not len(self.kept):
            return np.zeros((), self.executor.dtype)
        pick = partial(map_arrays, lambda value: value[self.kept])
        self.inner = self.call(self.module_at("criterion"), [pick(x), pick(target)])
        return self.inner.output

    def gradient(self, x: Value, target: Value) -> Value:
        zeros = zeros_like(x)
        if self.inner is None:
            return zeros
        found = self.inner.backward(1.0)
        return add(zeros, spread(found, zeros, self.kept))


def spread(value: Value, like: Value, rows: Array) -> Value:
    """Return zeros as ``like``, with ``value`` in these rows."""
    if isinstance(like, list):
        return [spread(v, z, rows) for v, z in zip(value, like, strict=True)]
    wide = np.zeros_like(like)
    wide[rows] = value
    return wide
