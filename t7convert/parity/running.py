"""Both sides on one input: the reference twice, the network once, module by module."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from t7convert.format.objects import Array
from t7convert.lua.tree import LuaModule
from t7convert.nn.memory import forget
from t7convert.parity.compare import difference, leaves
from t7convert.parity.inputs import Trial
from t7convert.parity.report import Row, Status
from t7convert.parity.tolerances import Tolerance
from t7convert.parity.values import to_arrays, to_tensors
from t7convert.reference import Executor, Op, op_for


@dataclass(frozen=True)
class Side:
    """The converted network: where its modules stand, in which precision it runs."""

    network: nn.Module
    modules: Mapping[str, Sequence[str]]
    dtype: torch.dtype
    device: torch.device


Noise = dict[tuple[str, int, int], float]


@dataclass(frozen=True)
class ReferenceRun:
    """The reference on one input, in float64: its calls, the outermost one last."""

    calls: list[Op]
    noise: Noise


class Reference:
    """The Lua side of the check: runs the tree, and measures once what rounding does to it.

    The noise of a tensor is the greatest difference of a float32 run from the float64 run, relative
    to its largest entry; per module path, number of the call, number of the tensor.
    """

    def __init__(self, tree: LuaModule) -> None:
        self.tree = tree
        self._wide: Executor | None = None
        self._noise: Noise | None = None

    def run(self, value: Any) -> ReferenceRun:
        """Run in float64; the first time in float32 too.

        Raises:
            ConversionError: if a class has no reference.
            Exception: what the reference raises on an input that the Lua module doesn't take.
        """
        wide = Executor(np.float64, like=self._wide)
        wide.call(self.tree, wide.cast(value))
        self._wide = wide
        if self._noise is None:
            narrow = Executor(np.float32)
            with np.errstate(all="ignore"):
                narrow.call(self.tree, narrow.cast(value))
            self._noise = _noise(wide.calls, narrow.calls)
        return ReferenceRun(wide.calls, self._noise)


def _noise(wide: Sequence[Op], narrow: Sequence[Op]) -> Noise:
    found: Noise = {}
    seen: dict[str, int] = defaultdict(int)
    for high, low in zip(wide, narrow, strict=True):
        number = seen[high.module.path]
        seen[high.module.path] += 1
        pairs = zip(leaves(high.returned), leaves(low.returned), strict=False)
        for place, ((_, a), (_, b)) in enumerate(pairs):
            found[high.module.path, number, place] = difference(b, a).relative
    return found


@contextmanager
def recorded(side: Side) -> Iterator[dict[str, list[Any]]]:
    """Collect the outputs of the network's modules, per Lua path, in order of the calls."""
    outputs: dict[str, list[Any]] = defaultdict(list)
    by_module: dict[int, tuple[nn.Module, list[str]]] = {}
    for path, names in side.modules.items():
        module = side.network.get_submodule(names[0])
        by_module.setdefault(id(module), (module, []))[1].append(path)

    def keep(paths: list[str]) -> Any:
        def hook(module: nn.Module, args: Any, output: Any) -> None:
            arrays = copy_of(output)
            for path in paths:
                outputs[path].append(arrays)

        return hook

    handles = [m.register_forward_hook(keep(paths)) for m, paths in by_module.values()]
    try:
        yield outputs
    finally:
        for handle in handles:
            handle.remove()


def copy_of(value: Any) -> Any:
    """Return an output as arrays that later in-place modules can't change."""
    if isinstance(value, Tensor):
        return np.array(to_arrays(value))
    if isinstance(value, (list, tuple)):
        return [copy_of(item) for item in value]
    if isinstance(value, dict):
        return {key: copy_of(item) for key, item in value.items()}
    return value


def check_trial(reference: Reference, side: Side, trial: Trial, tolerance: Tolerance) -> list[Row]:
    """Compare every module's output, and the network's, on one input.

    Raises:
        Exception: what the reference raises on an input that the Lua module doesn't take.
    """
    tree = reference.tree
    value = rounded(trial.value, side.dtype)
    run = reference.run(value)
    inputs = to_tensors(value, dtype=side.dtype, device=side.device)
    with recorded(side) as outputs, torch.no_grad():
        try:
            final = copy_of(forget(side.network)(inputs))
        except Exception as error:  # whatever it raises, Lua computed something here
            note = f"the network raises {type(error).__name__}: {error}"
            return [Row("final", tree.path, tree.typename, trial.name, "missing", note=note)]
    seen: dict[str, int] = defaultdict(int)
    rows: list[Row] = []
    for call in run.calls:
        path = call.module.path
        number = seen[path]
        seen[path] += 1
        noise = [run.noise.get((path, number, i), 0.0) for i in range(len(leaves(call.returned)))]
        if call is run.calls[-1]:
            rows += compare_output(
                "final", tree, trial, final, call.returned, noise, tolerance, relative=True
            )
        elif path in side.modules:
            found = outputs.get(path, [])
            if number >= len(found):
                note = "the network never calls what stands for this module"
                rows.append(_row("output", call.module, trial, "missing", note=note))
                continue
            rows += compare_output(
                *("output", call.module, trial, found[number], call.returned, noise, tolerance),
                relative=True,
            )
    return rows


def compare_output(
    kind: str,
    module: LuaModule,
    trial: Trial,
    found: Any,
    expected: Any,
    measured: Sequence[float],
    tolerance: Tolerance,
    *,
    relative: bool = False,
) -> list[Row]:
    """Compare a nested output, one row per tensor of it.

    ``measured`` is the effect of rounding on each tensor, absolute unless ``relative``.
    """
    have, want = leaves(found), leaves(expected)
    if len(have) != len(want):
        note = f"{len(have)} tensors, expected {len(want)}"
        return [_row(kind, module, trial, "differs", note=note)]
    rows = []
    for number, ((place, a), (_, b)) in enumerate(zip(have, want, strict=True)):
        noise = measured[number] if number < len(measured) else 0.0
        if relative:
            noise *= difference(b, b).scale
        rows.append(_compare(kind, module, trial, place, a, b, noise, tolerance))
    return rows


def _compare(
    kind: str,
    module: LuaModule,
    trial: Trial,
    place: str,
    found: Array,
    expected: Array,
    measured: float,
    tolerance: Tolerance,
) -> Row:
    if kind == "output" and found.shape == (1, *expected.shape):
        found = found[0]  # a recognised network gives a lone sample a batch of one inside
    result = difference(found, expected, tolerance.eps)
    if not np.isfinite(measured):
        measured = result.scale
    bound = tolerance.bound(measured, result.scale)
    ok = not result.problem and result.absolute <= bound
    return Row(
        kind,
        module.path + place,
        module.typename,
        trial.name,
        "ok" if ok else "differs",
        result.absolute,
        result.relative,
        result.ulps,
        bound,
        measured,
        result.index,
        result.found,
        result.expected,
        result.problem,
    )


def _row(kind: str, module: LuaModule, trial: Trial, status: Status, *, note: str) -> Row:
    return Row(kind, module.path, module.typename, trial.name, status, note=note)


def rounded(value: Any, dtype: torch.dtype) -> Any:
    """Return the value rounded to ``dtype``, so that both sides get the same input."""
    if isinstance(value, list):
        return [rounded(item, dtype) for item in value]
    if isinstance(value, dict):
        return {key: rounded(item, dtype) for key, item in value.items()}
    if isinstance(value, np.ndarray) and value.dtype.kind == "f":
        return torch.from_numpy(value.copy()).to(dtype).double().numpy()
    return value


def without_reference(modules: Sequence[LuaModule]) -> list[Row]:
    """Return an ``unchecked`` row for each module whose class has no reference."""
    return [
        Row("output", m.path, m.typename, "", "unchecked", note="its class has no reference")
        for m in modules
        if op_for(m) is None
    ]
