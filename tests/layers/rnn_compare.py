"""Compares recurrent modules with the reference over several calls, and with the golden files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from t7convert.conversion import convert_tree
from t7convert.format.objects import Array, LuaObject
from t7convert.lua.tree import build
from t7convert.reference import Executor
from t7convert.reference.nested import map_arrays
from tests import golden
from tests.build import obj, table, tensor
from tests.conftest import FIXTURES
from tests.drawing import generator

DRAW = generator(23)


def normal(*shape: int) -> Array:
    return DRAW.normal(size=shape)


def lua(*shape: int) -> Any:
    """Return a tensor of a file, of small random values."""
    return tensor(DRAW.normal(size=shape, scale=0.5))


def check_golden(shared: Path, name: str) -> None:
    """Check all cases of a file by converter and reference; the latter in training cases too.

    None of the latter has a module that behaves otherwise in training.
    """
    _check(shared / "golden" / "community" / f"{name}.t7")


def check_fixtures(name: str) -> None:
    """Do as :func:`check_golden` with the cases that the project carries."""
    _check(FIXTURES / "community" / f"{name}.t7.xz")


def _check(path: Path) -> None:
    found = list(golden.cases(path))
    assert found
    for label, case in found:
        if "loss" in case:
            golden.check_criterion(label, case)
            golden.check_reference_criterion(label, case)
        else:
            golden.check_module(label, case)
            evaluated: Any = {**dict(case.items()), "mode": "evaluate"}
            golden.check_reference(label, evaluated)


def network(made: LuaObject) -> Any:
    """Return the converted network, in float64 and evaluation mode."""
    return convert_tree(build(made)).network.double()


def compare(made: LuaObject, inputs: Sequence[Any], *, gradient: bool = True) -> list[Any]:
    """Give both the inputs one after the other; compare outputs, and the last call's gradients.

    Returns the outputs as the reference computed them.
    """
    converted = convert_tree(build(made))
    net = converted.network.double()
    tree, executor = build(made), Executor()
    outputs = []
    for number, input in enumerate(inputs, start=1):
        given = golden.tensors(input, grad=gradient)
        output = net(given)
        call = executor.call(tree, executor.cast(input))
        golden.assert_close(f"output {number}", output, call.output, golden.OUTPUT_RTOL)
        outputs.append(call.output)
    if gradient:
        gy = map_arrays(lambda a: DRAW.normal(size=a.shape), call.output)
        pairs = zip(golden.leaves(output), golden.leaves(golden.tensors(gy)), strict=True)
        ys, gs = zip(*pairs, strict=True)
        torch.autograd.backward(ys, gs)
        expected = golden.leaves(call.backward(gy))
        found = [x.grad for x in golden.leaves(given)]
        golden.assert_close("gradInput", found, expected, golden.GRADIENT_RTOL)
        places = golden.lua_parameters(tree)
        bound = golden._bound_gradients(converted)
        for (module, name), have in zip(places, bound, strict=True):  # no gradient: zeros
            want = executor.gradients.get((id(module), name), np.zeros_like(have))
            golden.assert_close(f"gradient of {name}", have, want, golden.GRADIENT_RTOL)
    single = Executor(np.float32)
    tree32 = build(made)
    for input, output in zip(inputs, outputs, strict=True):
        short = single.call(tree32, single.cast(input)).output
        for a, b in zip(golden.leaves(short), golden.leaves(output), strict=True):
            assert a.dtype == np.float32
            assert np.allclose(a, b, rtol=1e-3, atol=1e-4)
    return outputs


def seq_lstm(inputs: int, cells: int, outputs: int | None = None, **fields: Any) -> LuaObject:
    """Return Element-Research's nn.SeqLSTM, or nn.SeqLSTMP where outputs are given."""
    size = outputs or cells
    if outputs is not None:
        fields["weightO"] = lua(cells, size)
    made = {
        "inputsize": inputs,
        "hiddensize": cells,
        "outputsize": size,
        "weight": lua(inputs + size, 4 * cells),
        "bias": lua(4 * cells),
    }
    return obj("nn.SeqLSTM" if outputs is None else "nn.SeqLSTMP", **{**made, **fields})


def seq_gru(inputs: int, outputs: int, **fields: Any) -> LuaObject:
    """Return Element-Research's nn.SeqGRU, or torch/rnn's where ``v2`` is given."""
    names = ("inputsize", "outputsize") if "v2" in fields else ("inputSize", "outputSize")
    sizes = dict(zip(names, (inputs, outputs), strict=True))
    weight, bias = lua(inputs + outputs, 3 * outputs), lua(3 * outputs)
    return obj("nn.SeqGRU", weight=weight, bias=bias, **sizes, **fields)


def step_lstm(inputs: int, cells: int, outputs: int | None = None, **fields: Any) -> LuaObject:
    """Return torch/rnn's nn.StepLSTM."""
    size = outputs or cells
    if outputs is not None:
        fields["weightO"] = lua(cells, size)
    return obj(
        "nn.StepLSTM",
        inputsize=inputs,
        hiddensize=cells,
        outputsize=size,
        weight=lua(inputs + size, 4 * cells),
        bias=lua(4 * cells),
        **fields,
    )


def rec_lstm(step: LuaObject, **fields: Any) -> LuaObject:
    """Return torch/rnn's nn.RecLSTM around a step."""
    sizes = {name: step[name] for name in ("hiddensize", "outputsize")}
    return obj("nn.RecLSTM", modules=table(step), step=1, **sizes, **fields)


def step_gru(inputs: int, outputs: int, **fields: Any) -> LuaObject:
    """Return torch/rnn's nn.StepGRU."""
    weight, bias = lua(inputs + outputs, 3 * outputs), lua(3 * outputs)
    return obj(
        "nn.StepGRU", inputsize=inputs, outputsize=outputs, weight=weight, bias=bias, **fields
    )


def linear(inputs: int, outputs: int) -> LuaObject:
    return obj("nn.Linear", weight=lua(outputs, inputs), bias=lua(outputs))


def recurrence(inputs: int, outputs: int, **fields: Any) -> LuaObject:
    """Return an nn.Recurrence: tanh of the sum of two linear maps."""
    both = obj("nn.ParallelTable", modules=table(linear(inputs, outputs), linear(outputs, outputs)))
    step = obj("nn.Sequential", modules=table(both, obj("nn.CAddTable"), obj("nn.Tanh")))
    sizes = {"outputSize": table(outputs), "nInputDim": 1}
    return obj("nn.Recurrence", modules=table(step), **{**sizes, **fields})


def sequencer(module: LuaObject, remember: str = "neither") -> LuaObject:
    return obj("nn.Sequencer", modules=table(module), module=module, _remember=remember)
