"""Compares converted modules with the reference where tables go in or come out."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from t7convert.conversion import convert_tree
from t7convert.format.objects import LuaObject
from t7convert.lua.tree import LuaModule, build
from t7convert.reference import Executor
from tests import golden
from tests.layers.compare import normal


def shape_of(value: Any) -> Any:
    """Return the nesting and the shapes of a value."""
    if isinstance(value, (list, tuple)):
        return [shape_of(item) for item in value]
    return tuple(value.shape)


def like(value: Any) -> Any:
    """Return random numbers of the same nesting and shapes."""
    if isinstance(value, list):
        return [like(item) for item in value]
    return normal(*value.shape)


def compare_nested(obj: LuaObject, given: Any, *, gradient: bool = True) -> Any:
    """Check output, gradInput and gradParams against the reference; return its output.

    The caller's input must not change, and the reference must stay in float32 if asked to.
    """
    tree, executor = build(obj), Executor()
    call = executor.call(tree, given)
    made = convert_tree(build(obj))
    made.network.double()
    x = golden.tensors(given, grad=gradient)
    before = [t.detach().clone() for t in golden.leaves(x)]
    y = made.network(x)
    assert shape_of(y) == shape_of(call.output)
    golden.assert_close("output", y, call.output, golden.OUTPUT_RTOL)
    with torch.no_grad():
        golden.assert_close("no_grad", made.network(x), call.output, golden.OUTPUT_RTOL)
    assert all(torch.equal(a, b) for a, b in zip(before, golden.leaves(x), strict=True))
    if gradient:
        gy = like(call.output)
        pairs = zip(golden.leaves(y), golden.leaves(golden.tensors(gy)), strict=True)
        kept = [(a, b) for a, b in pairs if a.requires_grad]
        torch.autograd.backward([a for a, _ in kept], [b for _, b in kept])
        expected = golden.leaves(call.backward(gy))
        found = [gradient_of(t) for t in golden.leaves(x)]
        golden.assert_close("gradInput", found, expected, golden.GRADIENT_RTOL)
        rows = shared_gradients(tree, executor)
        if rows:
            bound = golden._bound_gradients(made)
            golden.assert_close("gradParams", bound, rows, golden.GRADIENT_RTOL)
    single = Executor(np.float32)
    for leaf in golden.leaves(single.run(build(obj), given)):
        assert leaf.dtype in (np.float32, np.int64)
    return call.output


def shared_gradients(tree: LuaModule, executor: Executor) -> list[Any]:
    """Return the gradient of every parameter; modules that share one (a clone) give the sum.

    In Lua each of them has a ``gradWeight`` of its own unless that was shared too.
    """
    places = golden.lua_parameters(tree)
    totals: dict[tuple[int, int], Any] = {}
    keys = []
    for module, name in places:
        tensor = dict(module.tensors(module.spec.parameters))[name]
        keys.append((id(tensor.storage), tensor.offset))
        gradient = executor.gradients[id(module), name]
        totals[keys[-1]] = totals.get(keys[-1], 0) + gradient
    return [totals[key] for key in keys]


def gradient_of(x: Tensor) -> Tensor:
    """Return the gradient, zeros where there is none."""
    return torch.zeros_like(x) if x.grad is None else x.grad
