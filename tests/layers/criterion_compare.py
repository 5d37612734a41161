"""Compares a converter with the reference on Lua objects made in Python."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import nn

from t7convert.conversion import convert_tree
from t7convert.format.objects import LuaObject, LuaTable
from t7convert.format.plain import tensor_from
from t7convert.lua.tree import build
from t7convert.reference import Executor
from tests import golden


def lua(value: Any) -> Any:
    """Return Python values as Lua's: lists and dicts become tables, arrays tensors."""
    if isinstance(value, list):
        return LuaTable(dict(enumerate(map(lua, value), start=1)))
    if isinstance(value, dict):
        return LuaTable({key: lua(item) for key, item in value.items()})
    return tensor_from(value) if isinstance(value, np.ndarray) else value


def lua_object(typename: str, **fields: Any) -> LuaObject:
    return LuaObject(typename, lua(fields), version=1)


def linear(inputs: int, outputs: int, seed: int = 0) -> LuaObject:
    draw = np.random.default_rng(seed)
    weight, bias = draw.normal(size=(outputs, inputs)), draw.normal(size=outputs)
    return lua_object("nn.Linear", weight=weight, bias=bias)


def network_of(obj: LuaObject) -> nn.Module:
    return convert_tree(build(obj)).network.double()


def _dtypes(value: Any) -> set[np.dtype[Any]]:
    return {np.asarray(leaf).dtype for leaf in golden.leaves(value)}


def compare_criterion(obj: LuaObject, input: Any, target: Any = None) -> tuple[float, Any]:
    """Check loss and gradient against the reference; return the converter's."""
    given = golden.tensors(input, grad=True)
    loss = network_of(obj)(given, golden.tensors(target))
    loss.backward()
    found = [
        torch.zeros_like(x) if x.grad is None else x.grad
        for x in golden.leaves(given)
        if x.is_floating_point()
    ]
    executor = Executor()
    call = executor.call(build(obj), executor.cast([input, target]))
    golden.assert_close("loss", loss, call.output, golden.OUTPUT_RTOL)
    golden.assert_close("gradInput", found, call.backward(np.ones(())), golden.GRADIENT_RTOL)

    single = Executor(np.float32)
    call32 = single.call(build(obj), single.cast([input, target]))
    assert _dtypes(call32.output) == _dtypes(call32.backward(np.ones(()))) == {np.dtype("f4")}
    assert np.allclose(call32.output, call.output, rtol=1e-4, atol=1e-5)
    return loss.item(), [x.numpy() for x in found]


def compare_module(obj: LuaObject, input: Any, *, gradient: bool = True) -> Any:
    """Check output, gradInput and gradParams against the reference; return the output."""
    tree = build(obj)
    converted = convert_tree(tree)
    network = converted.network.double()
    given = golden.tensors(input, grad=gradient)
    output = network(given)
    executor = Executor()
    call = executor.call(tree, executor.cast(input))
    golden.assert_close("output", output, call.output, golden.OUTPUT_RTOL)
    if gradient:
        draw = np.random.default_rng(1)
        gy = golden.tensors(_like(golden.arrays(_numpy(output)), draw))
        case = LuaTable({"module": obj, "gradOutput": lua(_numpy(gy))})
        grad = call.backward(_numpy(gy))
        case["gradInput"] = lua(_filled(grad, input))
        rows = [
            executor.gradients.get((id(module), name), np.zeros(module.fields[name].size))
            for module, name in golden.lua_parameters(tree)
        ]
        if rows:
            case["gradParams"] = lua(rows)
        golden._check_gradients("gradient", case, converted, given, output)
    single = Executor(np.float32)
    floats = _dtypes(single.call(build(obj), single.cast(input)).output)
    assert not floats & {np.dtype("f8")}
    return output


def _numpy(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return [_numpy(item) for item in value]
    return value.detach().numpy() if isinstance(value, torch.Tensor) else value


def _like(value: Any, draw: np.random.Generator) -> Any:
    if isinstance(value, list):
        return [_like(item, draw) for item in value]
    return draw.normal(size=value.shape)


def _filled(gradient: Any, input: Any) -> Any:
    """Return the gradient with zeros where the reference gave none for an index input."""
    if isinstance(gradient, list) and isinstance(input, list):
        return [_filled(g, x) for g, x in zip(gradient, input, strict=True)]
    return np.zeros(np.shape(input)) if gradient is None else gradient
