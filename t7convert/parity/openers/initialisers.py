"""The initialisers of an ONNX model beside the tensors of a network.

The exporter keeps a tensor under one of its names, stores it turned (a constant permutation), or
folds a batch normalisation into the layer before: ``weight * s`` and ``(bias - mean) * s + beta``
with ``s = gamma / sqrt(var + eps)``, in float32. All three are compared bit for bit. What stands in
the graph in no such way is named in the limits, and judged by the outputs alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations
from typing import Any

import numpy as np
from torch import nn

from t7convert.conversion.convert import Converted
from t7convert.format.objects import Array
from t7convert.parity.compare import difference
from t7convert.parity.openers.named import Places
from t7convert.parity.opening import Findings
from t7convert.parity.report import Fact, Row

_NORMALISATIONS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)
#: Turned copies are looked for up to this rank.
_RANK = 5
_SHOWN = 8
_EPS = float(np.finfo(np.float32).eps)


class Initialisers:
    """The constants of a graph by name, and the nodes that use them."""

    def __init__(self, model: Any) -> None:
        from onnx import numpy_helper  # noqa: PLC0415  an optional extra

        self.arrays: dict[str, Array] = {
            entry.name: np.asarray(numpy_helper.to_array(entry))
            for entry in model.graph.initializer
        }
        self.biases: dict[str, str] = {
            node.input[1]: node.input[2]
            for node in model.graph.node
            if node.op_type in ("Conv", "ConvTranspose", "Gemm") and len(node.input) > 2
        }

    def misfits(self, converted: Converted) -> int:
        """Return how many initialisers have no name of the network's."""
        return len(self.arrays.keys() - converted.network.state_dict().keys())

    def compare(self, converted: Converted) -> Findings:
        """Compare with the network's tensors in float32; nothing is put into the network."""
        return _Comparison(self, converted).findings()


class _Comparison:
    def __init__(self, found: Initialisers, converted: Converted) -> None:
        self._found = found.arrays
        self._biases = found.biases
        self._network = converted.network
        self._row = Places(converted)
        self._expected: dict[str, Array] = {
            key: (t.float() if t.is_floating_point() else t).detach().cpu().numpy()
            for key, t in converted.network.state_dict().items()
        }
        tied = converted.ties()
        alone = self._expected.keys() - {key for keys in tied for key in keys}
        self._tied = self._expected.keys() - alone
        self._groups = [*tied, *([key] for key in self._expected if key in alone)]
        self._rows: dict[str, Row] = {}
        self._absent: list[str] = []

    def findings(self) -> Findings:
        changed: list[str] = []
        lost: list[str] = []
        free = {n: a for n, a in self._found.items() if n not in self._expected}
        for keys in self._groups:
            want = self._expected[keys[0]]
            named = [key for key in keys if key in self._found]
            wrong = [key for key in named if not _same(self._found[key], want)]
            changed += wrong
            if not wrong and len(named) > 1:
                lost.append(" = ".join(named))
            if named and not wrong:
                self._ok(keys, "" if named[0] == keys[0] else f"as {named[0]}")
            elif not named:
                other = next((n for n, a in free.items() if _same(a, want)), None)
                if other is not None and want.size > 1:
                    self._ok(keys, f"as {other}")
                else:
                    self._absent += keys
        self._folded(changed)
        groups = sum(len(keys) > 1 for keys in self._groups)
        detail = (
            f"lost: {'; '.join(lost)}" if lost else f"{groups} groups of keys, none stored twice"
        )
        facts = (Fact("ties of the output", not lost, detail),)
        return Findings(tuple(self._rows.values()), facts, tuple(self._limits()), complete=True)

    def _ok(self, keys: list[str], note: str) -> None:
        for key in keys:
            self._rows[key] = self._row(key, "ok", note)

    def _folded(self, changed: list[str]) -> None:
        """Judge weights that are not the network's: a normalisation may be folded into them."""
        gone = self._tied.union(self._absent)  # one of those that share may stand in the graph
        norms = [
            _Norm(name, module, self._expected)
            for name, module in self._network.named_modules()
            if isinstance(module, _NORMALISATIONS) and f"{name}.running_var" in gone
        ]
        weights = [key for key in changed if self._expected[key].ndim > 1]
        near = {key: self._nearest(key, norms) for key in weights}
        exact = any(fold is not None and fold.gap == 0 for fold in near.values())
        for key in weights:
            fold = near[key]
            if fold is None or fold.gap > (0.0 if exact else 4 * _EPS):
                self._differs(key, fold)
                continue
            how = "bit for bit" if fold.gap == 0 else "within 4 units of rounding"
            norm = fold.norm
            self._ok([key], f"with {norm.name} folded into it, {how}")
            own = [name for name in norm.keys if name in self._absent]
            self._ok(own, f"folded into {key}, {how}")
            self._absent = [name for name in self._absent if name not in own]
            bias = self._biases.get(key, "")
            if bias in changed:
                self._ok([bias], f"with {norm.name} folded into it, {how}")
        for key in changed:
            if key not in self._rows:
                self._differs(key, None)

    def _nearest(self, key: str, norms: list[_Norm]) -> _Fold | None:
        bias = self._biases.get(key)
        folds = []
        for norm in norms:
            for axis in (0, 1):
                want = norm.weight(self._expected[key], axis)
                shift = norm.bias(self._expected.get(bias or ""))
                if want is None or bias is None or shift is None:
                    continue
                if want.shape != self._found[key].shape or shift.shape != self._found[bias].shape:
                    continue
                pairs = ((self._found[key], want), (self._found[bias], shift))
                gap = max(difference(a, b).relative for a, b in pairs)
                folds.append(
                    _Fold(norm, 0.0 if all(_bits(a, b) for a, b in pairs) else gap or _EPS)
                )
        return min(folds, key=lambda fold: fold.gap, default=None)

    def _differs(self, key: str, fold: _Fold | None) -> None:
        found, want = self._found[key], self._expected[key]
        note = "not the same bits"
        if fold is not None and fold.gap < 1e-2:
            note += f", nor those with {fold.norm.name} folded into it: off by {fold.gap:.2g}"
        elif found.shape != want.shape:
            note = f"shape {found.shape}, expected {want.shape}"
        self._rows[key] = self._row(key, "differs", f"{note} ({key})")

    def _limits(self) -> Iterator[str]:
        absent = [key for key in self._absent if self._row.known(key)]
        if absent:
            names = ", ".join(absent[:_SHOWN])
            rest = f" and {len(absent) - _SHOWN} more" if len(absent) > _SHOWN else ""
            yield (
                f"tensors that the graph doesn't hold, unused or folded into constants: "
                f"{names}{rest}; the outputs judge them"
            )


class _Norm:
    """A batch normalisation that the graph doesn't have any more."""

    def __init__(self, name: str, module: Any, expected: dict[str, Array]) -> None:
        self.name = name
        self.keys = [f"{name}.{part}" for part in ("weight", "bias", "running_mean", "running_var")]
        mean = expected[f"{name}.running_mean"]
        gamma = expected.get(f"{name}.weight", np.ones_like(mean))
        self._beta = expected.get(f"{name}.bias", np.zeros_like(mean))
        self._mean = mean
        eps = float(np.float32(module.eps))  # an attribute of ONNX is a float
        with np.errstate(all="ignore"):
            self._scale = np.asarray(gamma / np.sqrt(expected[f"{name}.running_var"] + eps))

    def weight(self, weight: Array, axis: int) -> Array | None:
        """Return a layer's weight with this folded into its ``axis``; None if it can't be."""
        if weight.shape[axis] != self._scale.size:
            return None
        shape = [1] * weight.ndim
        shape[axis] = -1
        return np.asarray(weight * self._scale.reshape(shape))

    def bias(self, bias: Array | None) -> Array | None:
        """Return a layer's bias with this folded into it; None if it can't be."""
        own = np.zeros_like(self._mean) if bias is None else bias
        if own.shape != self._mean.shape:
            return None
        return np.asarray((1.0 * own - self._mean) * self._scale + self._beta)


class _Fold:
    """A normalisation that may have been folded into a weight, and how far off that would be."""

    def __init__(self, norm: _Norm, gap: float) -> None:
        self.norm, self.gap = norm, gap


def _same(found: Array, want: Array) -> bool:
    """Tell whether two arrays have the same bits, in whatever order of dimensions."""
    if _bits(found, want):
        return True
    if sorted(found.shape) != sorted(want.shape) or not 1 < want.ndim <= _RANK:
        return False
    return any(
        _bits(found, want.transpose(order))
        for order in permutations(range(want.ndim))
        if tuple(want.shape[d] for d in order) == found.shape
    )


def _bits(a: Array, b: Array) -> bool:
    return a.shape == b.shape and a.dtype == b.dtype and a.tobytes() == b.tobytes()
