"""Gradients: the network's autograd beside Lua's own backward, interpreted in NumPy."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from t7convert import paths
from t7convert.conversion.bindings import Record
from t7convert.conversion.convert import Converted
from t7convert.format.objects import Array, LuaTensor
from t7convert.inputs.drawing import Trial
from t7convert.inputs.values import tensors_in, to_tensors
from t7convert.lua.backward import unfollowed
from t7convert.lua.sharing import Geometry, regions
from t7convert.lua.tree import LuaModule, walk
from t7convert.parity.compare import difference, leaves
from t7convert.parity.reference_side import Noise
from t7convert.parity.report import Row
from t7convert.parity.running import IN_DOUBLE, compare_output, rounded
from t7convert.parity.side import Side
from t7convert.parity.tolerances import Tolerance
from t7convert.reference import Executor

#: Said of gradients through module objects called several times that Lua's memory isn't known of.
BY_CALL = "by call: a module object is called several times, and Torch7's own may differ"


def check_gradients(tree: LuaModule, converted: Converted, side: Side, trial: Trial) -> list[Row]:
    """Compare the gradients of one input: with respect to it, and to every parameter.

    The gradient of the output is drawn; where Lua's backward is no derivative, Lua's counts. What
    differs in float32 is judged in float64: a saturated function's gradient is all rounding in
    float32, and what is wrong with a conversion is wrong in float64 too.
    """
    rows = _compare(tree, converted, side, trial)
    if unfollowed(tree):
        rows = [row if row.bad or row.note else replace(row, note=BY_CALL) for row in rows]
    if not side.widens or not any(row.bad for row in rows):
        return rows
    with side.in_double() as wide:
        again = _compare(tree, converted, wide, trial)
    return rows if any(row.bad for row in again) else [replace(r, note=IN_DOUBLE) for r in again]


def _compare(tree: LuaModule, converted: Converted, side: Side, trial: Trial) -> list[Row]:
    value, tolerance = rounded(trial.value, side.dtype), side.tolerance
    wide, grad_input = _backward(tree, value, np.float64)
    narrow, grad_input32 = _backward(tree, value, np.float32)
    given = to_tensors(value, dtype=side.dtype, device=side.device)
    learned = given[0] if side.criterion else given
    inputs = [t for t in tensors_in(learned) if t.is_floating_point()]
    for tensor in inputs:
        tensor.requires_grad_(True)
    side.network.zero_grad(set_to_none=True)
    outputs = [t for t in tensors_in(side.answer(given)) if t.requires_grad]
    seeds = to_tensors(_seeds([t.shape for t in outputs]), dtype=side.dtype, device=side.device)
    torch.autograd.backward(outputs, seeds)
    rows = _input_rows(tree, side, trial, tolerance, inputs, grad_input, grad_input32)
    rows += _parameter_rows(tree, converted, side, trial, wide, narrow)
    side.network.zero_grad(set_to_none=True)
    return rows


def _seeds(shapes: list[Any]) -> list[Array]:
    """Return the gradients of the outputs, the same for the same shapes."""
    rng = np.random.default_rng(1)
    return [rng.standard_normal(tuple(shape)).astype(np.float32) for shape in shapes]


def _backward(tree: LuaModule, value: Any, dtype: Any) -> tuple[Executor, Any]:
    executor = Executor(dtype)
    call = executor.call(tree, executor.cast(value))
    shapes = [array.shape for _, array in leaves(call.output)]
    flat = [seed.astype(dtype) for seed in _seeds(shapes)]
    return executor, call.backward(_like(call.output, iter(flat)))


def _like(value: Any, flat: Iterator[Array]) -> Any:
    if isinstance(value, list):
        return [_like(item, flat) for item in value]
    if isinstance(value, dict):
        return {key: _like(item, flat) for key, item in value.items()}
    return next(flat)


def _input_rows(
    tree: LuaModule,
    side: Side,
    trial: Trial,
    tolerance: Tolerance,
    inputs: list[Tensor],
    grad_input: Any,
    grad_input32: Any,
) -> list[Row]:
    expected = [array for _, array in leaves(grad_input)]
    if len(expected) != len(inputs):
        return []  # indices have no gradient; Lua returns empty or none for them
    low = [array for _, array in leaves(grad_input32)]
    measured = [difference(b, a).absolute for a, b in zip(expected, low, strict=True)]
    found = [
        (torch.zeros_like(t) if t.grad is None else t.grad).detach().cpu().double().numpy()
        for t in inputs
    ]
    return compare_output("gradient", tree, trial, found, expected, measured, tolerance)


def _parameter_rows(
    tree: LuaModule,
    converted: Converted,
    side: Side,
    trial: Trial,
    wide: Executor,
    narrow: Executor,
) -> list[Row]:
    modules = {module.path: module for module in walk(tree)}
    views: list[tuple[int, Geometry, Record]] = []
    for record in converted.records:
        tensor = _lua_tensor(modules, record)
        if tensor is not None and record.name not in record.module._buffers:
            views.append((id(tensor.storage), record.view.apply(Geometry.of(tensor)), record))
    high, low = _Flat(tree, wide), _Flat(tree, narrow)
    found = []
    for region in regions(views):
        positions = _positions([g for g, _ in region.members], region.uniform)
        expected = high.at(region.storage, positions)
        gap = difference(low.at(region.storage, positions), expected)
        found.append((region.members[0][1], expected, gap))
    # each is a sum whose terms cancel, in an order of each library's own, and the reference's may
    # be a lucky one: what rounding does is the most that it does to any gradient here. The terms
    # of a module's sums are the same, so that one that cancels altogether (a bias before a
    # softmax) is as exact as the others, not more
    scales: dict[str, float] = defaultdict(float)
    for record, _, gap in found:
        scales[record.path] = max(scales[record.path], gap.scale)
    reach = [(gap.absolute, scales[record.path]) for record, _, gap in found]
    most = max((error / scale for error, scale in reach if scale), default=0.0)
    rows = []
    for record, expected, _ in found:
        base = _gradient(side.parameter(record))
        module = modules[record.path]
        place = paths.join("", *paths.parse(record.field))
        row = compare_output(
            *(
                "gradient",
                module,
                trial,
                base.reshape(-1),
                expected,
                [Noise(most, scales[record.path])],
                side.tolerance,
            )
        )[0]
        rows.append(_at(row, paths.join(record.path, *paths.parse(place))))
    return rows


def _at(row: Row, path: str) -> Row:
    return Row(**{**vars(row), "path": path})


def _lua_tensor(modules: dict[str, LuaModule], record: Record) -> LuaTensor | None:
    module = modules.get(record.path)
    if module is None:
        return None
    tensor = dict(module.tensors(module.spec.parameters)).get(record.field)
    return tensor if tensor is not None and tensor.storage is not None else None


def _positions(views: list[Geometry], uniform: bool) -> Array:
    """Return the storage positions of a base Parameter's elements, in its C order."""
    if uniform:
        return views[0].elements().reshape(-1)
    return np.unique(np.concatenate([view.elements().reshape(-1) for view in views]))


def _gradient(parameter: Tensor) -> Array:
    gradient = torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
    return gradient.detach().cpu().double().numpy()


class _Flat:
    """Lua's parameter gradients laid onto the storages of their parameters, shared ones summed."""

    def __init__(self, tree: LuaModule, executor: Executor) -> None:
        self._sums: dict[int, Array] = {}
        for module in walk(tree):
            for name, tensor in module.tensors(module.spec.parameters):
                gradient = executor.gradients.get((id(module), name))
                if tensor.storage is None:
                    continue
                total = self._sums.setdefault(id(tensor.storage), np.zeros(tensor.storage.size))
                if gradient is not None:
                    np.add.at(total, Geometry.of(tensor).elements(), gradient)

    def at(self, storage: int, positions: Array) -> Array:
        """Return the sums at these positions of a storage."""
        return np.asarray(self._sums[storage][positions])
