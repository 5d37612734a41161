"""Parts of a tensor, padding, constants, reductions, element types and layouts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from t7convert.conversion import convert_tree
from t7convert.errors import ConversionError
from t7convert.format.objects import LuaFunction, LuaObject, LuaTensor
from t7convert.lua.tree import build
from t7convert.reference import Executor
from tests.build import linear, obj, table, tensor
from tests.layers.compare import check_golden, compare, converted, indices, normal, reference
from tests.layers.nested import compare_nested

CLASSES = """
Select Narrow Index MaskedSelect Padding Constant Max Min Mean Sum Copy Convert DontCast
"""


@pytest.mark.parametrize("name", CLASSES.split())
def test_golden(shared: Path, name: str) -> None:
    check_golden(shared, name)


def part(name: str, dimension: int, index: int, length: int | None = None) -> LuaObject:
    fields = {} if length is None else {"length": length}
    return obj(f"nn.{name}", dimension=dimension, index=index, **fields)


#: module, and the slices of an input of shape (3, 4, 5) that it takes
PARTS: list[tuple[LuaObject, Any]] = [
    (part("Select", 1, 1), np.s_[0]),
    (part("Select", 2, -1), np.s_[:, 3]),
    (part("Select", -1, 2), np.s_[..., 1]),
    (part("Select", -3, -3), np.s_[0]),
    (part("Narrow", 2, 2, 2), np.s_[:, 1:3]),
    (part("Narrow", -1, 2, 3), np.s_[..., 1:4]),
    (part("Narrow", 1, 3), np.s_[2:3]),
    (part("Narrow", 3, 2, -1), np.s_[..., 1:]),
    (part("Narrow", 3, 2, -2), np.s_[..., 1:4]),
    (part("Narrow", 2, -1, 1), np.s_[:, :3]),
    (part("Narrow", 2, -5, 3), np.s_[:, :1]),
]


@pytest.mark.parametrize(("module", "where"), PARTS)
def test_parts(module: LuaObject, where: Any) -> None:
    x = normal(3, 4, 5)

    assert np.array_equal(compare(module, x), x[where])


def test_a_part_that_is_not_there() -> None:
    with pytest.raises(ConversionError, match="3 slices from 3 on don't fit"):
        reference(part("Narrow", 1, 3, 3), normal(3, 4))
    with pytest.raises(RuntimeError):
        converted(part("Narrow", 1, 3, 3)).network(torch.zeros(3, 4))


@pytest.mark.parametrize("dimension", [1, 2, 3])
def test_index_counts_from_1_and_may_repeat(dimension: int) -> None:
    x, where = normal(3, 4, 5), indices(3, 6)
    output = compare_nested(obj("nn.Index", dimension=dimension), [x, where])

    assert np.array_equal(output, np.take(x, where - 1, dimension - 1))


def test_masked_select_takes_any_mask_of_as_many_elements() -> None:
    x = normal(3, 4)
    mask = (x > 0).astype(np.uint8)
    for shape in ((3, 4), (12,)):
        output = compare_nested(obj("nn.MaskedSelect"), [x, mask.reshape(shape)])
        assert np.array_equal(output, x[x > 0])


@pytest.mark.parametrize("pad", [-3, -1, 0, 2])
@pytest.mark.parametrize("index", [1, 2, 4])
@pytest.mark.parametrize(("dim", "dims"), [(1, None), (2, None), (1, 2), (2, 2)])
def test_padding(pad: int, index: int, dim: int, dims: int | None) -> None:
    fields = {} if dims is None else {"nInputDim": dims}
    module = obj("nn.Padding", dim=dim, pad=pad, value=0.5, index=index, **fields)
    for shape in ((5, 6), (3, 5, 6)) if dims == 2 else ((5, 6, 3),):
        output = compare(module, normal(*shape))
        assert output.size - np.count_nonzero(output == 0.5) == np.prod(shape)


def test_padding_stands_where_lua_puts_it() -> None:
    x = np.array([1.0, 2.0, 3.0])
    found = {
        (pad, index): compare(obj("nn.Padding", dim=1, pad=pad, index=index), x).tolist()
        for pad, index in [(-1, 1), (1, 1), (-2, 2), (1, 2)]
    }

    assert found == {
        (-1, 1): [0, 1, 2, 3],
        (1, 1): [1, 2, 3, 0],
        (-2, 2): [1, 0, 0, 2, 3],
        (1, 2): [1, 2, 0, 3],
    }


@pytest.mark.parametrize("dims", [None, 1, 2])
@pytest.mark.parametrize("value", [tensor(normal(3)), tensor(normal(2, 3))])
def test_constant(dims: int | None, value: LuaTensor) -> None:
    module = obj("nn.Constant", value=value, **({} if dims is None else {"nInputDim": dims}))
    made = converted(module)
    assert not made.network.state_dict()
    for shape in ((4,), (5, 4)):
        output = made.network(torch.zeros(shape))
        batch = (shape[0],) if dims is not None and len(shape) > dims else ()
        assert output.shape == (*batch, *value.shape)
        assert np.array_equal(output.numpy(), reference(module, np.zeros(shape)).output)


REDUCTIONS = [
    (obj(f"nn.{name}", dimension=dimension, **fields), shape)
    for name in ("Max", "Min", "Sum", "Mean")
    for dimension, fields, shape in [
        (1, {}, (6,)),
        (-1, {}, (6,)),
        (1, {}, (3, 1)),
        (2, {}, (3, 4)),
        (-2, {}, (3, 4, 5)),
        (1, {"nInputDims": 2}, (3, 4)),
        (1, {"nInputDims": 2}, (3, 4, 5)),
        (2, {"nInputDims": 2}, (3, 4, 5)),
        (-1, {"nInputDims": 2}, (3, 4, 5)),
        (1, {"nInputDims": 1}, (3, 4, 5)),
    ]
]


@pytest.mark.parametrize(("module", "shape"), REDUCTIONS)
def test_reductions(module: LuaObject, shape: tuple[int, ...]) -> None:
    output = compare(module, normal(*shape))

    assert output.ndim == max(len(shape) - 1, 1)


@pytest.mark.parametrize("average", [False, True])
@pytest.mark.parametrize("squeeze", [False, True])
@pytest.mark.parametrize("shape", [(4,), (3, 4), (2, 3, 4)])
def test_sum_and_mean(average: bool, squeeze: bool, shape: tuple[int, ...]) -> None:
    module = obj("nn.Sum", dimension=-1, sizeAverage=average, squeeze=squeeze)
    x = normal(*shape)
    output = compare(module, x)

    assert output.ndim == (len(shape) if not squeeze or len(shape) == 1 else len(shape) - 1)
    assert np.allclose(output.reshape(-1), (x.mean(-1) if average else x.sum(-1)).reshape(-1))


@pytest.mark.parametrize("name", ["Max", "Min"])
def test_the_first_of_equal_entries_gets_the_gradient(name: str) -> None:
    call = reference(obj(f"nn.{name}", dimension=2), np.ones((2, 3)))

    assert call.backward(np.ones(2)).tolist() == [[1, 0, 0], [1, 0, 0]]
    compare(obj(f"nn.{name}", dimension=2), np.ones((2, 3)))


LAYOUTS = [
    ("bchw", "bhwc", (2, 3, 4, 5)),
    ("bchw", "bhwc", (3, 4, 5)),
    ("bchw", "bwhc", (2, 3, 4, 5)),
    ("bchw", "bchw", (2, 3, 4, 5)),
    ("bchw", "chwb", (2, 3, 4, 5)),
    ("bchw", "bf", (2, 3, 4, 5)),
    ("bchw", "bf", (3, 4, 5)),
    ("chwb", "bf", (3, 4, 5, 2)),
    ("tb", "bf", (3, 2)),
    ("b", "bf", (4,)),
    ("b", "bt", (4,)),
    ("bt", "b", (4, 3)),
    ("tb", "b", (4, 3)),
    ("bf", "b", (4, 1)),
    ("fb", "b", (1, 4)),
    ("b*", "b*", (4, 3)),
]


@pytest.mark.parametrize(("source", "target", "shape"), LAYOUTS)
def test_layouts(source: str, target: str, shape: tuple[int, ...]) -> None:
    module = obj("nn.Convert", inputShape=source, outputShape=target, output=tensor([0.0]))

    compare(module, normal(*shape))
    whole = converted(module).network(torch.ones(shape, dtype=torch.long))
    assert whole.dtype == torch.float64


def test_layouts_that_lua_does_not_know() -> None:
    for source, target in [("bt", "bf"), ("bf", "bt"), ("bchw", "b"), ("bchw", "btf")]:
        with pytest.raises(ConversionError, match=f"no conversion of {source} to {target}"):
            converted(obj("nn.Convert", inputShape=source, outputShape=target))
    several = obj("nn.Convert", inputShape="bf", outputShape="b")
    with pytest.raises(RuntimeError, match="3 features"):
        converted(several).network(torch.zeros(2, 3))
    with pytest.raises(ConversionError, match="3 features"):
        reference(several, np.zeros((2, 3)))


def test_copy_between_equal_types_stores_functions_of_its_own() -> None:
    own = LuaFunction(b"")

    same = obj("nn.Copy", output=tensor([0.0]), updateOutput=own, updateGradInput=own)
    compare(same, normal(3, 4))
    with pytest.raises(ConversionError, match="overrides its updateOutput"):
        converted(obj("nn.Identity", updateOutput=own))


@pytest.mark.parametrize("kind", ["Float", "Double", "Long", "Cuda"])
def test_copy_changes_the_kind_of_element(kind: str) -> None:
    module = obj("nn.Copy", output=tensor([0], kind) if kind != "Cuda" else cuda())
    made = converted(module)
    x = torch.tensor([1.7, -1.7], dtype=torch.float64)
    output = made.network(x)
    expected = Executor().run(build(module), x.numpy())

    assert output.dtype == (torch.long if kind == "Long" else torch.float64)
    assert np.array_equal(output.numpy(), expected)
    assert made.network.float()(x.long()).dtype == (torch.long if kind == "Long" else torch.float)


def cuda() -> LuaTensor:
    return LuaTensor("torch.CudaTensor", (), (), 0, None)


def test_dont_cast() -> None:
    around = obj(
        "nn.DontCast",
        modules=table(linear(3, 2)),
        castin=True,
        castout=True,
        moduleType="torch.DoubleTensor",
        output=tensor([0.0], "Long"),
    )
    x = np.array([[1, 2, 3]])
    output = converted(around).network(torch.from_numpy(x))

    assert output.dtype == torch.long
    assert np.array_equal(output.numpy(), reference(around, x).output)
    compare(obj("nn.DontCast", modules=table(linear(3, 2)), castin=False), normal(4, 3))
    with pytest.raises(ConversionError, match="expected a tensor class"):
        convert_tree(build(obj("nn.DontCast", modules=table(), castin=True, moduleType="x")))
