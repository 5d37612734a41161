"""Both sides on one input, side by side: the reference, at first twice, and the network."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from t7convert.format.objects import Array
from t7convert.inputs.drawing import Trial
from t7convert.inputs.values import to_arrays, to_tensors
from t7convert.lua.tree import LuaModule
from t7convert.parity.compare import difference, leaves
from t7convert.parity.reference_side import Noise, Reference
from t7convert.parity.report import Row, Status
from t7convert.parity.side import Side
from t7convert.parity.streams import Stream
from t7convert.parity.tolerances import Tolerance
from t7convert.reference import Op, op_for

#: Said of numbers that float32 can't show.
IN_DOUBLE = "judged in float64: in float32 rounding hides it"


@contextmanager
def recorded(side: Side, keep: Callable[[str, Any], None]) -> Iterator[None]:
    """Call ``keep`` with Lua path and output of the network's modules, in order of the calls."""
    by_module: dict[int, tuple[nn.Module, list[str]]] = {}
    for path, names in side.modules.items():
        module = side.network.get_submodule(names[0])
        by_module.setdefault(id(module), (module, []))[1].append(path)

    def hook_for(paths: list[str]) -> Any:
        def hook(module: nn.Module, args: Any, output: Any) -> None:
            arrays = copy_of(output)
            for path in paths:
                keep(path, arrays)

        return hook

    handles = [m.register_forward_hook(hook_for(paths)) for m, paths in by_module.values()]
    try:
        yield
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


def check_trial(
    reference: Reference,
    side: Side,
    trial: Trial,
    step: Callable[[], None] = lambda: None,
) -> list[Row]:
    """Compare every module's output, and the network's, on one input; ``step`` hears progress.

    What differs in float32 by no more than rounding explains is judged in float64.

    Raises:
        Exception: what the reference raises on an input that the Lua module doesn't take.
    """
    rows = _rows(reference, side, trial, step)
    hidden = [
        row.status == "differs" and row.absolute <= side.tolerance.rounding(row.measured)
        for row in rows
    ]
    if not side.widens or not any(hidden):
        return rows
    with side.in_double() as wide:
        same = replace(trial, value=rounded(trial.value, side.dtype))
        again = _rows(reference, wide, same, lambda: None)
    if [row.path for row in again] != [row.path for row in rows]:
        return rows
    return [
        replace(judged, note=judged.note or IN_DOUBLE) if unclear else row
        for row, judged, unclear in zip(rows, again, hidden, strict=True)
    ]


def _rows(reference: Reference, side: Side, trial: Trial, step: Callable[[], None]) -> list[Row]:
    tree, tolerance = reference.tree, side.tolerance
    value = rounded(trial.value, side.dtype)
    rows: list[Row] = []

    def compare(call: Op, number: int, noise: list[Noise]) -> None:
        step()
        path = call.module.path
        if call.module is tree:
            rows.extend(_final(network, tree, call.output, noise, trial, side))
        elif path in side.modules:
            try:
                found = network.take(path, number)
            except KeyError:
                note = "the network never calls what stands for this module"
                rows.append(_row("output", call.module, trial, "missing", note=note))
                return
            rows.extend(
                compare_output("output", call.module, trial, found, call.output, noise, tolerance)
            )

    with Stream(lambda stream: _run_network(side, value, stream)) as network:
        reference.run(value, compare)
    if isinstance(network.error, Exception):
        # whatever it raises, Lua computed something here
        note = f"the network raises {type(network.error).__name__}: {network.error}"
        kept = [row for row in rows if row.status != "missing"]
        final = Row("final", tree.path, tree.typename, trial.name, "missing", note=note)
        return [*kept, final]
    return rows


def _run_network(side: Side, value: Any, stream: Stream) -> Any:
    inputs = to_tensors(value, dtype=side.dtype, device=side.device)
    with recorded(side, stream.put), torch.no_grad():
        return copy_of(side.answer(inputs))


def _final(
    network: Stream,
    tree: LuaModule,
    expected: Any,
    noise: list[Noise],
    trial: Trial,
    side: Side,
) -> list[Row]:
    network.join()
    if network.error is not None:
        return []
    found = _squeezed(network.result, expected) if side.batched else network.result
    return compare_output("final", tree, trial, found, expected, noise, side.tolerance)


def _squeezed(found: Any, expected: Any) -> Any:
    """Take the batch of one away that a graph has kept, where Lua gives none for a lone sample."""
    have, want = leaves(found), leaves(expected)
    if len(have) != len(want):
        return found
    return [
        a[0] if a.shape == (1, *b.shape) else a for (_, a), (_, b) in zip(have, want, strict=True)
    ]


def compare_output(
    kind: str,
    module: LuaModule,
    trial: Trial,
    found: Any,
    expected: Any,
    measured: Sequence[float | Noise],
    tolerance: Tolerance,
) -> list[Row]:
    """Compare a nested output, one row per tensor of it.

    ``measured`` is the effect of rounding on each tensor: absolute, or a :class:`Noise`.
    """
    have, want = leaves(found), leaves(expected)
    if len(have) != len(want):
        note = f"{len(have)} tensors, expected {len(want)}"
        return [_row(kind, module, trial, "differs", note=note)]
    rows = []
    for number, ((place, a), (_, b)) in enumerate(zip(have, want, strict=True)):
        noise = measured[number] if number < len(measured) else 0.0
        rows.append(_compare(kind, module, trial, place, a, b, noise, tolerance))
    return rows


def _compare(
    kind: str,
    module: LuaModule,
    trial: Trial,
    place: str,
    found: Array,
    expected: Array,
    measured: float | Noise,
    tolerance: Tolerance,
) -> Row:
    if kind == "output" and found.shape == (1, *expected.shape):
        found = found[0]  # a recognised network gives a lone sample a batch of one inside
    result = difference(found, expected, tolerance.eps)
    if result.scale > tolerance.largest and found.shape == expected.shape:
        # beyond the type, e.g. of an empty window or exp: its largest number, or infinity
        expected = np.clip(expected, -tolerance.largest, tolerance.largest)
        beyond = np.abs(expected) == tolerance.largest
        right = beyond & (np.isinf(found) | (np.abs(found) == tolerance.largest))
        right &= np.sign(found) == np.sign(expected)
        result = difference(found, np.where(right, found, expected), tolerance.eps)
        rest = np.abs(expected[~beyond])
        result = replace(result, scale=float(rest.max(initial=0.0, where=np.isfinite(rest))))
        measured = measured.relative * result.scale if isinstance(measured, Noise) else measured
    scale = result.scale
    if isinstance(measured, Noise):
        scale = max(scale, measured.scale)
        measured = measured.relative * scale
    if not np.isfinite(measured):
        measured = scale
    bound = tolerance.bound(measured, scale)
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
    """Return an ``unchecked`` row for each module that nothing can be compared with."""
    notes = [(m, _incomparable(m)) for m in modules]
    return [
        Row("output", m.path, m.typename, "", "unchecked", note=note) for m, note in notes if note
    ]


def _incomparable(module: LuaModule) -> str:
    if op_for(module) is None:
        return "its class has no reference"
    if "FractionalMaxPooling" in module.typename and module.fields.get("randomSamples") is None:
        return "its windows are random, in Lua too"
    return ""
