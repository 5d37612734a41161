"""Checks a converter and a reference against golden vectors of a real Torch7.

A file is a table ``{class, seed, cases}``; each case holds a module as it was before its first
forward, inputs, outputs and gradients, in float64.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from t7convert.conversion import Converted, convert_tree
from t7convert.format import load
from t7convert.format.objects import LuaObject, LuaStorage, LuaTable, LuaTensor
from t7convert.lua.tree import LuaModule, build, walk
from t7convert.reference import Executor
from tests.conftest import FIXTURES

OUTPUT_RTOL = 1e-12
GRADIENT_RTOL = 1e-10


def golden_path(kind: str, stem: str) -> Path:
    """Return the golden file of a class, e.g. ``("layers", "Linear")``; the fixtures hold all."""
    return FIXTURES / kind / f"{stem}.t7.xz"


def cases(path: Path) -> Iterator[tuple[str, LuaTable]]:
    """Iterate over (label, case) of a golden file."""
    table = load(path)
    for number, case in enumerate(table["cases"].list(), start=1):
        yield (
            f"{path.name.split('.t7')[0]}[{number}] {case.get('ctor')} {case.get('mode', '')}",
            case,
        )


def arrays(value: Any) -> Any:
    """Return a Lua value as numpy arrays, lists and dicts."""
    if isinstance(value, (LuaTensor, LuaStorage)):
        return np.array(value.numpy())
    if isinstance(value, LuaTable):
        if value.is_list():
            return [arrays(item) for item in value.list()]
        return {key: arrays(item) for key, item in value.items()}
    return value


def tensors(value: Any, *, grad: bool = False) -> Any:
    """Return :func:`arrays` output as torch tensors; floating ones may require gradients."""
    if isinstance(value, list):
        return [tensors(item, grad=grad) for item in value]
    if isinstance(value, dict):
        return {key: tensors(item, grad=grad) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        tensor = torch.from_numpy(np.array(value))
        return tensor.requires_grad_(grad and tensor.is_floating_point())
    return value


def leaves(value: Any) -> list[Any]:
    """Return the tensors, arrays and numbers of a nested value, in order."""
    if isinstance(value, (list, tuple)):
        return [leaf for item in value for leaf in leaves(item)]
    if isinstance(value, dict):
        return [leaf for key in sorted(value, key=str) for leaf in leaves(value[key])]
    return [] if value is None else [value]


def assert_close(label: str, found: Any, expected: Any, rtol: float) -> None:
    """Compare nested values, each leaf relative to its own largest entry.

    A leaf that is a millionth of its neighbours is judged as that millionth: a gradient that is
    zero by mathematics is what cancellation left of the others (onmt.GlobalAttention's bias).
    """
    found_leaves, expected_leaves = leaves(found), leaves(expected)
    assert len(found_leaves) == len(expected_leaves), f"{label}: {found!r} for {expected!r}"
    assert expected_leaves, f"{label}: nothing to compare"
    whole = max((_largest(leaf) for leaf in expected_leaves), default=0.0)
    for position, (a, b) in enumerate(zip(found_leaves, expected_leaves, strict=True)):
        have = a.detach().numpy() if isinstance(a, Tensor) else np.asarray(a)
        want = np.asarray(b)
        where = f"{label} #{position}"
        assert have.shape == want.shape or have.size == want.size == 1, (
            f"{where}: shape {have.shape}, expected {want.shape}"
        )
        if want.size == 0:
            continue
        have, want = have.astype(np.float64).reshape(want.shape), want.astype(np.float64)
        same = (have == want) | (np.isnan(have) & np.isnan(want))
        scale = max(_largest(want), 1e-6 * whole, 1e-30)
        with np.errstate(invalid="ignore"):
            error = np.where(same, 0.0, np.abs(have - want))
        assert np.isfinite(error).all(), f"{where}: {have} for {want}"
        assert error.max() <= rtol * scale, f"{where}: off by {error.max() / scale:.3g} of scale"


def _largest(value: Any) -> float:
    """Return the largest finite absolute entry."""
    array = np.asarray(value).astype(np.float64)
    return float(np.where(np.isfinite(array), np.abs(array), 0).max()) if array.size else 0.0


def build_case(case: LuaTable) -> tuple[LuaModule, Converted]:
    """Return the tree and the converted network of a case's module."""
    obj = case["module"]
    assert isinstance(obj, LuaObject)
    tree = build(obj)
    return tree, convert_tree(tree)


def lua_parameters(tree: LuaModule) -> list[tuple[LuaModule, str]]:
    """Return (module, field) of every parameter in the order of Lua's ``parameters()``."""
    return [
        (module, name)
        for module in walk(tree)
        for name, _ in module.tensors(module.spec.parameters)
    ]


def _bound_gradients(converted: Converted) -> list[np.ndarray[Any, Any]]:
    """Gradients in Lua's order and shape, put back through the bindings' views."""
    by_place: dict[tuple[str, str], Any] = {}
    for record in converted.records:
        tensor = next(
            t
            for m in walk(converted.tree)
            if m.path == record.path
            for n, t in m.tensors(m.spec.parameters + m.spec.statistics)
            if n == record.field
        )
        parameter = getattr(record.module, record.name)
        if not record.is_parameter and not isinstance(parameter, nn.Parameter):
            continue
        grad = parameter.grad
        grad = np.zeros(parameter.shape) if grad is None else grad.numpy()
        place = by_place.setdefault(
            (record.path, record.field), (np.zeros(tensor.storage.size), tensor)
        )
        place[0][record.geometry.elements()] += grad
    rows = []
    for module, name in lua_parameters(converted.tree):
        flat, tensor = by_place[(module.path, name)]
        strides = tuple(s * flat.itemsize for s in tensor.stride)
        rows.append(
            np.lib.stride_tricks.as_strided(flat[tensor.offset :], tensor.size, strides).copy()
        )
    return rows


def _per_clone(case: LuaTable, found: list[Any]) -> list[Any]:
    """Return the gradients as MapTable lists them: once per entry that it made a clone for."""
    clones = len(arrays(case["input"])) if case["module"].typename == "nn.MapTable" else 1
    return found * clones


def check_module(label: str, case: LuaTable) -> None:
    """Convert the case's module and compare output, second output and gradients with Torch7's."""
    _, converted = build_case(case)
    network = converted.network.double()
    network.train(case.get("mode") == "training")
    with_gradient = "gradOutput" in case and ("gradInput" in case or "gradParams" in case)
    given = tensors(arrays(case["input"]), grad=with_gradient)
    output = network(given)
    assert_close(f"{label}: output", output, arrays(case["output"]), OUTPUT_RTOL)
    if with_gradient:
        _check_gradients(label, case, converted, given, output)
    for name in ("running_mean", "running_var"):
        if name in case:
            assert_close(f"{label}: {name}", getattr(network, name), arrays(case[name]), 1e-12)
    if "output2" in case:
        again = network(tensors(arrays(case["input"])))
        assert_close(f"{label}: output2", again, arrays(case["output2"]), OUTPUT_RTOL)


def _check_gradients(
    label: str, case: LuaTable, converted: Converted, given: Any, output: Any
) -> None:
    pairs = [
        (y, g)
        for y, g in zip(leaves(output), leaves(tensors(arrays(case["gradOutput"]))), strict=True)
        if isinstance(y, Tensor) and y.requires_grad
    ]
    torch.autograd.backward([y for y, _ in pairs], [g.reshape(y.shape) for y, g in pairs])
    if case.get("gradInput") is not None:
        inputs = leaves(given)
        expected = leaves(arrays(case["gradInput"]))
        if not expected:  # Lua gave an empty table: there is no gradient at the input
            assert all(x.grad is None for x in inputs), f"{label}: a gradInput where Lua has none"
        elif len(expected) == len(inputs):
            found = [
                x.grad if x.grad is not None else torch.zeros_like(x, dtype=torch.float64)
                for x in inputs
            ]
            kept = [
                (f, e)
                for f, e, x in zip(found, expected, inputs, strict=True)
                if x.is_floating_point() and e.size  # inn.MeanSubtraction returns an unset buffer
            ]
            if kept:
                assert_close(
                    f"{label}: gradInput",
                    [f for f, _ in kept],
                    [e for _, e in kept],
                    GRADIENT_RTOL,
                )
        else:
            raise AssertionError(f"{label}: {len(expected)} gradInputs for {len(inputs)} inputs")
    if case.get("gradParams") is not None and leaves(arrays(case["gradParams"])):
        found_params = _per_clone(case, _bound_gradients(converted))
        assert_close(
            f"{label}: gradParams", found_params, arrays(case["gradParams"]), GRADIENT_RTOL
        )


def check_criterion(label: str, case: LuaTable) -> None:
    """Convert the case's criterion and compare loss and gradInput with Torch7's."""
    tree, converted = build_case(case)
    given = tensors(arrays(case["input"]), grad=True)
    target = tensors(arrays(case.get("target")))
    network = converted.network.double()
    loss = network(given) if target is None else network(given, target)
    assert_close(f"{label}: loss", loss, case["loss"], OUTPUT_RTOL)
    if case.get("gradInput") is not None:
        loss.backward()
        inputs = leaves(given)
        if tree.spec.kind == "module":  # CriterionTable: its input list ends with the target
            assert all(x.grad is None for x in inputs[1:]), f"{label}: a target with a gradient"
            inputs = inputs[:1]
        found = [x.grad if x.grad is not None else torch.zeros_like(x) for x in inputs]
        assert_close(f"{label}: gradInput", found, arrays(case["gradInput"]), GRADIENT_RTOL)


def check_reference(label: str, case: LuaTable) -> None:
    """Run the case's module through the reference and compare with Torch7 (evaluation only)."""
    if case.get("mode") == "training":
        return
    tree = build(case["module"])
    executor = Executor()
    call = executor.call(tree, executor.cast(arrays(case["input"])))
    assert_close(f"{label}: reference output", call.output, arrays(case["output"]), OUTPUT_RTOL)
    if case.get("gradOutput") is not None:
        grad = call.backward(arrays(case["gradOutput"]))
        if case.get("gradInput") is not None:
            expected = arrays(case["gradInput"])
            assert leaves(expected) or not leaves(grad), f"{label}: {grad!r} for {expected!r}"
            if any(np.size(leaf) for leaf in leaves(expected)):  # inn.MeanSubtraction: unset buffer
                assert_close(f"{label}: reference gradInput", grad, expected, GRADIENT_RTOL)
        if case.get("gradParams") is not None and leaves(arrays(case["gradParams"])):
            found = [
                executor.gradients.get((id(module), name), np.zeros(1))
                for module, name in lua_parameters(tree)
            ]
            assert_close(
                f"{label}: reference gradParams",
                _per_clone(case, found),
                arrays(case["gradParams"]),
                GRADIENT_RTOL,
            )
    if "output2" in case:
        again = executor.run(tree, arrays(case["input"]))
        assert_close(f"{label}: reference output2", again, arrays(case["output2"]), OUTPUT_RTOL)


def check_reference_criterion(label: str, case: LuaTable) -> None:
    """Run the case's criterion through the reference; its input is ``[input, target]``."""
    tree = build(case["module"])
    executor = Executor()
    pair = [arrays(case["input"]), arrays(case.get("target"))]
    given = executor.cast(pair[0] if tree.spec.kind == "module" else pair)
    call = executor.call(tree, given)
    assert_close(f"{label}: reference loss", call.output, case["loss"], OUTPUT_RTOL)
    if case.get("gradInput") is not None:
        grad = call.backward(np.ones(()))
        assert_close(
            f"{label}: reference gradInput", grad, arrays(case["gradInput"]), GRADIENT_RTOL
        )
