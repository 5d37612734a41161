"""Containers and decorators, against Torch7 and against the reference."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from t7convert.errors import ConversionError
from t7convert.format.objects import LuaObject
from tests.build import linear, obj, table
from tests.layers.compare import check_golden, compare, converted, normal, reference
from tests.layers.nested import compare_nested, shape_of

CLASSES = """
Sequential Concat DepthConcat ConcatTable ParallelTable MapTable Parallel Bottle NaN Profile
PrintSize GPU
"""


@pytest.mark.parametrize("name", CLASSES.split())
def test_golden(shared: Path, name: str) -> None:
    check_golden(shared, name)


def around(name: str, *modules: LuaObject, **fields: Any) -> LuaObject:
    return obj(f"nn.{name}", modules=table(*modules), **fields)


def two(inputs: int = 4, *outputs: int) -> list[LuaObject]:
    sizes = outputs or (3, 2)
    return [linear(inputs, n, seed=i) for i, n in enumerate(sizes)]


@pytest.mark.parametrize("shape", [(4,), (1, 4), (5, 4)])
def test_concat_joins_along_a_dimension_of_the_output(shape: tuple[int, ...]) -> None:
    output = compare(around("Concat", *two(), dimension=len(shape)), normal(*shape))

    assert output.shape == (*shape[:-1], 5)


def test_concat_table_takes_tables_too() -> None:
    branches = [obj("nn.CAddTable"), obj("nn.SelectTable", index=2)]
    given = [normal(2, 4), normal(2, 4)]
    compare_nested(around("ConcatTable", *branches), given)
    compare_nested(around("Concat", *branches, dimension=1), given)


def pads(*sizes: tuple[int, int]) -> list[LuaObject]:
    """Modules that take a corner of this size from an image, planes first."""
    return [
        obj(
            "nn.Sequential",
            modules=table(
                obj("nn.Narrow", dimension=-2, index=1, length=h),
                obj("nn.Narrow", dimension=-1, index=1, length=w),
            ),
        )
        for h, w in sizes
    ]


@pytest.mark.parametrize("batch", [(), (2,)])
def test_depth_concat_puts_small_outputs_in_the_middle(batch: tuple[int, ...]) -> None:
    module = around("DepthConcat", *pads((7, 4), (4, 5), (3, 2)), dimension=len(batch) + 1)
    x = normal(*batch, 2, 7, 6)
    output = compare(module, x)

    assert output.shape == (*batch, 6, 7, 5)
    planes = output[0] if batch else output
    source = x[0] if batch else x
    assert np.array_equal(planes[2:4, 1:5], source[:, :4, :5])
    assert np.array_equal(planes[4:6, 2:5, 1:3], source[:, :3, :2])
    assert not planes[2:4, [0, 5, 6]].any()
    assert not planes[:2, :, 4].any()


@pytest.mark.parametrize("extra", [0, 1])
def test_parallel_table(extra: int) -> None:
    given = [normal(3, 4), normal(2, 4), *[normal(5)] * extra]
    output = compare_nested(around("ParallelTable", *two()), given)

    assert shape_of(output) == [(3, 3), (2, 2)]


def test_parallel_containers_with_too_few_children_or_inputs() -> None:
    sides = around("ParallelTable", *two())
    slices = around("Parallel", *two(), inputDimension=1, outputDimension=1)

    with pytest.raises(RuntimeError, match="got 1 inputs for 2 modules"):
        converted(sides).network([torch.ones(4)])
    with pytest.raises(ConversionError, match="got 1 inputs for 2 modules"):
        reference(sides, [np.ones(4)])
    with pytest.raises(RuntimeError, match="got 3 slices for 2 modules"):
        converted(slices).network(torch.ones(3, 4))
    with pytest.raises(ConversionError, match="got 3 slices for 2 modules"):
        reference(slices, np.ones((3, 4)))


@pytest.mark.parametrize(
    ("dims", "shape", "expected"),
    [((1, 1), (2, 4), (5,)), ((2, 1), (4, 2), (5,)), ((2, 2), (6, 2, 4), (6, 5))],
)
def test_parallel(dims: tuple[int, int], shape: tuple[int, ...], expected: tuple[int, ...]) -> None:
    module = around("Parallel", *two(), inputDimension=dims[0], outputDimension=dims[1])

    assert compare(module, normal(*shape)).shape == expected


def test_parallel_with_fewer_slices_than_modules() -> None:
    module = around("Parallel", *two(), inputDimension=1, outputDimension=1)
    network = converted(module).network
    x = normal(1, 4)

    assert np.allclose(network(torch.from_numpy(x)).detach(), reference(module, x).output)


@pytest.mark.parametrize("fields", [{}, {"shared": True}, {"shared": table("weight", "bias")}])
@pytest.mark.parametrize("entries", [1, 3])
def test_map_table_shares_its_module(fields: dict[str, Any], entries: int) -> None:
    inner = linear(4, 2)
    module = obj("nn.MapTable", module=inner, modules=table(inner, linear(4, 2)), **fields)
    compare_nested(module, [normal(3, 4) for _ in range(entries)])

    assert sorted(converted(module).network.state_dict()) == ["0.bias", "0.weight"]


def test_map_table_without_sharing_has_a_module_per_entry() -> None:
    inner = linear(4, 2)
    module = obj(
        "nn.MapTable", module=inner, modules=table(inner, linear(4, 2, seed=1)), shared=False
    )
    compare_nested(module, [normal(3, 4) for _ in range(2)])

    assert len(converted(module).network.state_dict()) == 4
    x = normal(3, 4)
    outputs = converted(module).network([torch.from_numpy(x)] * 3)
    assert torch.equal(outputs[0], outputs[2])
    assert not torch.equal(outputs[0], outputs[1])


def test_map_table_that_never_ran_has_only_its_module() -> None:
    compare_nested(obj("nn.MapTable", module=linear(4, 2), modules=table()), [normal(4)])


@pytest.mark.parametrize(
    ("dims", "shape", "expected"),
    [
        ({}, (5, 4), (5, 3)),
        ({}, (2, 5, 4), (2, 5, 3)),
        ({}, (2, 3, 5, 4), (2, 3, 5, 3)),
        ({}, (4,), (3,)),
        ({"nInputDim": 2, "nOutputDim": 2}, (2, 1, 4), (2, 1, 3)),
    ],
)
def test_bottle(dims: dict[str, int], shape: tuple[int, ...], expected: tuple[int, ...]) -> None:
    assert compare(around("Bottle", linear(4, 3), **dims), normal(*shape)).shape == expected


def test_bottle_with_another_rank_behind_the_module() -> None:
    module = around("Bottle", obj("nn.Sum", dimension=2), nInputDim=2, nOutputDim=1)

    assert compare(module, normal(5, 3, 4)).shape == (5, 3)
    wrong = around("Bottle", obj("nn.Sum", dimension=2), nInputDim=2)
    with pytest.raises(RuntimeError, match="got 1 dimensions, expected 2"):
        converted(wrong).network(torch.ones(5, 3, 4))
    with pytest.raises(ConversionError, match="gave 1 dimensions, expected 2"):
        reference(wrong, np.ones((5, 3, 4)))


DECORATORS = "Decorator Profile GPU DataParallelTable DataParallel NaN"


@pytest.mark.parametrize("name", DECORATORS.split())
def test_decorators_pass_on(name: str) -> None:
    module = around(name, linear(4, 3))
    compare(module, normal(5, 4))

    assert sorted(converted(module).network.state_dict()) == ["0.bias", "0.weight"]


@pytest.mark.parametrize("name", ["DataParallelTable", "DataParallel"])
def test_the_first_replica_stands_for_all(name: str) -> None:
    module = around(name, linear(4, 3), linear(4, 3), dimension=1)
    x = normal(6, 4)

    assert np.array_equal(compare(module, x), compare(linear(4, 3), x))


def test_model_parallel_joins_what_its_parts_give() -> None:
    assert compare(around("ModelParallel", *two(), dimension=2), normal(6, 4)).shape == (6, 5)


def test_a_decorator_holds_one_module() -> None:
    with pytest.raises(ConversionError, match="holds 2 modules, expected 1"):
        converted(around("Bottle", *two()))


@pytest.mark.parametrize("bad", ["input", "output"])
def test_nan_is_found(bad: str) -> None:
    logarithm = around("NaN", obj("nn.Log"))
    x = np.array([[np.nan if bad == "input" else -1.0]])

    with pytest.raises(RuntimeError, match=f"NaN found in {bad}"):
        converted(logarithm).network(torch.from_numpy(x))
    with np.errstate(invalid="ignore"), pytest.raises(ConversionError, match="holds a NaN"):
        reference(logarithm, x)


def test_nan_looks_into_tables() -> None:
    watched = converted(around("NaN", obj("nn.Identity"))).network

    assert watched([torch.ones(2), {"a": torch.ones(2)}])
    with pytest.raises(RuntimeError, match="NaN found"):
        watched([torch.ones(2), {"a": torch.tensor([torch.nan])}])


def test_print_size_logs(caplog: pytest.LogCaptureFixture) -> None:
    network = converted(obj("nn.PrintSize", prefix="here")).network
    with caplog.at_level(logging.INFO, logger="t7convert.nn.decorators"):
        assert network(torch.ones(2, 3)).shape == (2, 3)

    assert caplog.messages == ["here: input (2, 3)"]
