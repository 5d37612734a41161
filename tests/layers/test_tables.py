"""Arithmetic over tables, and choosing and joining their entries."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from t7convert.format.objects import LuaObject
from tests.build import obj
from tests.layers.compare import check_golden, converted, normal, positive, reference
from tests.layers.nested import compare_nested, shape_of

CLASSES = """
CAddTable CSubTable CMulTable CDivTable CMaxTable CMinTable CAddTensorTable FlattenTable JoinTable
SplitTable NarrowTable SelectTable ZipTable ZipTableOneToMany
"""


@pytest.mark.parametrize("name", CLASSES.split())
def test_golden(shared: Path, name: str) -> None:
    check_golden(shared, name)


@pytest.mark.parametrize("name", ["CAddTable", "CMulTable", "CMaxTable", "CMinTable"])
@pytest.mark.parametrize("count", [1, 2, 5])
@pytest.mark.parametrize("shape", [(4,), (2, 3, 4)])
def test_arithmetic(name: str, count: int, shape: tuple[int, ...]) -> None:
    compare_nested(obj(f"nn.{name}"), [normal(*shape) for _ in range(count)])


@pytest.mark.parametrize("name", ["CSubTable", "CDivTable"])
def test_arithmetic_of_two(name: str) -> None:
    compare_nested(obj(f"nn.{name}"), [normal(2, 3), positive(2, 3)])


@pytest.mark.parametrize(
    "name", ["CAddTable", "CMulTable", "CMaxTable", "CMinTable", "CSubTable", "CDivTable"]
)
def test_shapes_may_differ_and_nothing_is_broadcast(name: str) -> None:
    output = compare_nested(obj(f"nn.{name}"), [normal(2, 6), positive(3, 4)])

    assert output.shape == (2, 6)
    with pytest.raises(RuntimeError, match="shape"):
        converted(obj(f"nn.{name}")).network([torch.ones(2, 3), torch.ones(1, 3)])
    with pytest.raises(ValueError, match="reshape"):
        reference(obj(f"nn.{name}"), [np.ones((2, 3)), np.ones((1, 3))])


@pytest.mark.parametrize("name", ["CMaxTable", "CMinTable"])
def test_the_first_of_equal_tensors_gets_the_gradient(name: str) -> None:
    call = reference(obj(f"nn.{name}"), [np.ones(2), np.ones(2)])

    assert [g.tolist() for g in call.backward(np.ones(2))] == [[1, 1], [0, 0]]
    x = [torch.ones(2, dtype=torch.float64, requires_grad=True) for _ in range(2)]
    converted(obj(f"nn.{name}")).network(x).sum().backward()
    assert x[0].grad is not None
    assert x[0].grad.tolist() == [1, 1]


def test_in_place_addition_changes_the_first_tensor_in_the_reference_only_inside() -> None:
    x = [np.ones(3), np.ones(3)]
    compare_nested(obj("nn.CAddTable", inplace=True), x)

    assert x[0].tolist() == [1, 1, 1]


def test_one_tensor_is_copied() -> None:
    x = torch.ones(3, dtype=torch.float64)
    for name in ("CAddTable", "CMulTable", "CMaxTable", "CMinTable"):
        output = converted(obj(f"nn.{name}")).network([x])
        output.zero_()
        assert x.tolist() == [1, 1, 1]


def tables(name: str, **fields: Any) -> LuaObject:
    return obj(f"nn.{name}", **fields)


T = [normal(2), normal(3), normal(4)]
NESTED = [normal(2), [normal(3), [normal(4)]], normal(5)]
#: module, input, nesting and shapes of the output
ENTRIES: list[tuple[LuaObject, Any, Any]] = [
    (tables("JoinTable", dimension=1), T, (9,)),
    (tables("JoinTable", dimension=2), [normal(2, 3), normal(2, 1)], (2, 4)),
    (tables("JoinTable", dimension=-1), [normal(5, 2, 3), normal(5, 2, 1)], (5, 2, 4)),
    (tables("JoinTable", dimension=-2), [normal(5, 2, 3), normal(5, 1, 3)], (5, 3, 3)),
    (
        tables("JoinTable", dimension=1, nInputDims=2),
        [normal(5, 2, 3), normal(5, 1, 3)],
        (5, 3, 3),
    ),
    (tables("JoinTable", dimension=1, nInputDims=2), [normal(2, 3), normal(1, 3)], (3, 3)),
    (tables("JoinTable", dimension=1, nInputDims=1), [normal(1, 2, 3), normal(2, 2, 3)], (3, 2, 3)),
    (tables("SplitTable", dimension=1), normal(2, 3), [(3,), (3,)]),
    (tables("SplitTable", dimension=-1), normal(3, 2), [(3,), (3,)]),
    (tables("SplitTable", dimension=1, nInputDims=2), normal(5, 2, 3), [(5, 3), (5, 3)]),
    (tables("SplitTable", dimension=2, nInputDims=2), normal(4, 1), [(4,)]),
    (tables("SelectTable", index=1), T, (2,)),
    (tables("SelectTable", index=-1), T, (4,)),
    (tables("SelectTable", index=2), NESTED, [(3,), [(4,)]]),
    (tables("NarrowTable", offset=2), T, [(3,)]),
    (tables("NarrowTable", offset=2, length=2), NESTED, [[(3,), [(4,)]], (5,)]),
    (tables("FlattenTable"), NESTED, [(2,), (3,), (4,), (5,)]),
    (
        tables("ZipTable"),
        [[normal(2), normal(3)], [normal(4), normal(5)], [normal(6), normal(7)]],
        [[(2,), (4,), (6,)], [(3,), (5,), (7,)]],
    ),
    (
        tables("ZipTableOneToMany"),
        [normal(2), [normal(3), normal(4), normal(5)]],
        [[(2,), (3,)], [(2,), (4,)], [(2,), (5,)]],
    ),
    (
        tables("CAddTensorTable"),
        [normal(2, 3), [normal(2, 3), normal(2, 3), normal(2, 3)]],
        [(2, 3), (2, 3), (2, 3)],
    ),
]


@pytest.mark.parametrize(("module", "given", "shapes"), ENTRIES)
def test_entries(module: LuaObject, given: Any, shapes: Any) -> None:
    output = compare_nested(module, given)

    assert shape_of(output) == shapes
    assert repr(converted(module).network)


def test_entries_with_a_name() -> None:
    module = obj("nn.SelectTable", index="key")
    given = {"key": normal(2), "other": normal(3)}
    call = reference(module, given)

    assert np.array_equal(call.output, given["key"])
    assert converted(module).network({"key": torch.ones(2)}).tolist() == [1, 1]
    gradient = call.backward(np.ones(2))
    assert gradient["key"].tolist() == [1, 1]
    assert gradient["other"].tolist() == [0, 0, 0]
