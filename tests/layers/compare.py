"""Compares converted modules with the reference, and both with the golden files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from t7convert.conversion import Converted, convert_tree
from t7convert.format.objects import Array, LuaObject
from t7convert.lua.tree import build
from t7convert.reference import Executor, Op
from tests import golden
from tests.conftest import FIXTURES
from tests.drawing import generator

DRAW = generator(11)


def normal(*shape: int) -> Array:
    return DRAW.normal(size=shape)


def positive(*shape: int) -> Array:
    return DRAW.uniform(0.1, 1.1, shape)


def indices(high: int, *shape: int) -> Array:
    return DRAW.integers(1, high + 1, shape)


def golden_files(shared: Path, name: str) -> list[Path]:
    """Return the golden files of a class: today's form and older ones."""
    folders = (shared / "golden" / "layers", shared / "golden" / "ages")
    files = [folder / f"{name}.t7" for folder in folders]
    return [path for path in files if path.is_file()]


def check_golden(shared: Path, name: str) -> None:
    """Check all cases of a class, by converter and by reference; there must be some."""
    _check(golden_files(shared, name))


def check_fixtures(name: str) -> None:
    """Check all cases of a class that the project carries; there must be some."""
    files = [FIXTURES / kind / f"{name}.t7.xz" for kind in ("layers", "ages")]
    _check([path for path in files if path.is_file()])


def _check(files: list[Path]) -> None:
    found = [case for path in files for case in golden.cases(path)]
    assert found
    for label, case in found:
        golden.check_module(label, case)
        golden.check_reference(label, case)


def converted(obj: LuaObject) -> Converted:
    """Return the converted object, in float64 and evaluation mode."""
    made = convert_tree(build(obj))
    made.network.double()
    return made


def reference(obj: LuaObject, input: Any) -> Op:
    """Return the reference's call of the object, in float64."""
    executor = Executor()
    return executor.call(build(obj), executor.cast(input))


def compare(obj: LuaObject, input: Any, *, gradient: bool = True) -> Any:
    """Check output, gradInput and gradParams against the reference; return the output (numpy).

    The reference is also run in float32: it must stay there, and near.
    """
    made, given = converted(obj), golden.tensors(input, grad=gradient)
    output = made.network(given)
    tree, executor = build(obj), Executor()
    call = executor.call(tree, executor.cast(input))
    expected_output = np.array(call.output)  # in-place modules restore their input in backward
    golden.assert_close("output", output, expected_output, golden.OUTPUT_RTOL)
    if gradient:
        gy = DRAW.normal(size=tuple(output.shape))
        output.backward(torch.from_numpy(gy))
        expected = golden.leaves(call.backward(gy))
        found = [x.grad for x in golden.leaves(given) if x.grad is not None]
        if found:
            golden.assert_close("gradInput", found, expected, golden.GRADIENT_RTOL)
        rows = [executor.gradients[id(m), n] for m, n in golden.lua_parameters(tree)]
        assert [row.shape for row in rows] == [t.shape for t in golden._bound_gradients(made)]
        if rows:
            bound = golden._bound_gradients(made)
            golden.assert_close("gradParams", bound, rows, golden.GRADIENT_RTOL)
    single = Executor(np.float32)
    call32 = single.call(build(obj), single.cast(input))
    assert np.asarray(call32.output).dtype == np.float32
    assert np.allclose(call32.output, expected_output, rtol=1e-3, atol=1e-4, equal_nan=True)
    if gradient:
        backward32 = golden.leaves(call32.backward(gy.astype(np.float32)))
        kinds = {a.dtype for a in [*backward32, *single.gradients.values()]}
        assert kinds <= {np.dtype("f4"), np.dtype("i8")}
    return output.detach().numpy()
