"""Modules that change the shape only, against Torch7 and against the reference."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from t7convert.errors import ConversionError
from t7convert.format.objects import LuaObject
from tests.build import obj, storage, table
from tests.layers.compare import check_golden, compare, converted, normal, reference

CLASSES = """
Identity View Reshape Contiguous Transpose Squeeze Unsqueeze Collapse Replicate
"""


@pytest.mark.parametrize("name", CLASSES.split())
def test_golden(shared: Path, name: str) -> None:
    check_golden(shared, name)


def view(*size: int, dims: int | None = None) -> LuaObject:
    fields = {} if dims is None else {"numInputDims": dims}
    return obj("nn.View", size=storage(size, "Long"), **fields)


def reshape(*size: int, **fields: Any) -> LuaObject:
    return obj("nn.Reshape", size=storage(size, "Long"), **fields)


#: module, input shape, output shape as View.lua and the others compute it
SHAPES: list[tuple[LuaObject, tuple[int, ...], tuple[int, ...]]] = [
    (view(12), (3, 4), (12,)),
    (view(12), (1, 3, 4), (12,)),
    (view(12), (2, 3, 4), (2, 12)),
    (view(12, dims=3), (3, 2, 2), (12,)),
    (view(12, dims=3), (1, 3, 2, 2), (1, 12)),
    (view(12, dims=3), (5, 3, 2, 2), (5, 12)),
    (view(12, dims=3), (2, 5, 3, 2, 2), (10, 12)),
    (view(12, dims=3), (24, 2, 1), (4, 12)),
    (view(-1), (2, 3), (6,)),
    (view(-1, dims=3), (1, 2, 3, 2), (1, 12)),
    (view(-1, 4, dims=1), (2, 12), (2, 3, 4)),
    (view(-1, 4), (2, 12), (6, 4)),
    (view(3, -1, 2), (2, 12), (3, 4, 2)),
    (view(2, 2), (3, 4), (3, 2, 2)),
    (reshape(12), (2, 3, 4), (2, 12)),
    (reshape(12), (3, 4), (12,)),
    (reshape(12), (1, 3, 4), (1, 12)),
    (reshape(12), (1, 12), (1, 12)),
    (reshape(2, 6), (12,), (2, 6)),
    (reshape(2, 6), (5, 12), (5, 2, 6)),
    (reshape(2, 6, batchMode=True), (1, 12), (1, 2, 6)),
    (reshape(2, 6, batchMode=True), (3, 3, 4), (3, 2, 6)),
    (reshape(2, 6, batchMode=False), (1, 3, 4), (2, 6)),
    (obj("nn.Contiguous"), (3, 4), (3, 4)),
    (obj("nn.Transpose", permutations=table(table(1, 2))), (2, 3, 4), (3, 2, 4)),
    (obj("nn.Transpose", permutations=table(table(1, 3), table(2, 3))), (2, 3, 4), (4, 2, 3)),
    (
        obj("nn.Transpose", permutations=table(table(1, 2)), numInputDims=2),
        (5, 6, 3, 4),
        (5, 6, 4, 3),
    ),
    (obj("nn.Transpose", permutations=table()), (2, 3), (2, 3)),
    (obj("nn.Squeeze"), (2, 1, 3, 1), (2, 3)),
    (obj("nn.Squeeze"), (1, 1), (1,)),
    (obj("nn.Squeeze", dim=2), (2, 1, 3), (2, 3)),
    (obj("nn.Squeeze", dim=1), (2, 1, 3), (2, 1, 3)),
    (obj("nn.Squeeze", dim=1), (1,), (1,)),
    (obj("nn.Squeeze", dim=1, numInputDims=2), (4, 1, 3), (4, 3)),
    (obj("nn.Squeeze", dim=1, numInputDims=2), (1, 3), (3,)),
    (obj("nn.Squeeze", numInputDims=3), (1, 1, 3, 1), (1, 3)),
    (obj("nn.Squeeze", numInputDims=3), (4, 1, 3, 1), (4, 3)),
    (obj("nn.Squeeze", numInputDims=3), (1, 3, 1), (3,)),
    (obj("nn.Unsqueeze", pos=1), (3, 4), (1, 3, 4)),
    (obj("nn.Unsqueeze", pos=3), (3, 4), (3, 4, 1)),
    (obj("nn.Unsqueeze", pos=1, numInputDims=1), (3, 4), (3, 1, 4)),
    (obj("nn.Unsqueeze", pos=2, numInputDims=1), (5, 3, 4), (5, 3, 4, 1)),
    (obj("nn.Unsqueeze", pos=1, numInputDims=2), (3, 4), (1, 3, 4)),
    (obj("nn.Collapse", nInputDim=2), (2, 3, 4, 5), (2, 60)),
    (obj("nn.Collapse", nInputDim=3), (2, 3, 4), (24,)),
    (obj("nn.Collapse", nInputDim=2), (1, 3, 4), (1, 12)),
    (obj("nn.Replicate", nfeatures=3), (2, 4), (3, 2, 4)),
    (obj("nn.Replicate", nfeatures=3, dim=3), (2, 4), (2, 4, 3)),
    (obj("nn.Replicate", nfeatures=3, dim=2, ndim=2), (2, 4), (2, 3, 4)),
    (obj("nn.Replicate", nfeatures=3, dim=2, ndim=2), (5, 2, 4), (5, 2, 3, 4)),
    (obj("nn.Replicate", nfeatures=1, dim=1, ndim=1), (6,), (1, 6)),
]


@pytest.mark.parametrize(("module", "given", "expected"), SHAPES)
def test_shapes(module: LuaObject, given: tuple[int, ...], expected: tuple[int, ...]) -> None:
    assert compare(module, normal(*given)).shape == expected


@pytest.mark.parametrize("module", [reshape(12), obj("nn.Collapse", nInputDim=2), view(12)])
def test_an_input_whose_elements_are_not_in_order(module: LuaObject) -> None:
    x = normal(4, 3)
    output = converted(module).network(torch.from_numpy(x).T)

    assert np.array_equal(output.numpy().reshape(-1), x.T.reshape(-1))
    assert np.array_equal(reference(module, x.T).output.reshape(-1), x.T.reshape(-1))


def test_what_does_not_fit_is_an_error() -> None:
    with pytest.raises(RuntimeError, match=r"\(2, 5\) can't be seen as \(12,\)"):
        converted(view(12)).network(torch.zeros(2, 5))
    with pytest.raises(ConversionError, match="can't be seen as"):
        reference(view(12), np.zeros((2, 5)))
    with pytest.raises(RuntimeError, match="got 1 dimensions, expected 2"):
        converted(obj("nn.Unsqueeze", pos=1, numInputDims=2)).network(torch.zeros(2))
    with pytest.raises(ConversionError, match="too few dimensions"):
        reference(obj("nn.Unsqueeze", pos=1, numInputDims=2), np.zeros(2))


@pytest.mark.parametrize("module", [row[0] for row in SHAPES])
def test_repr_tells_the_arguments(module: LuaObject) -> None:
    assert repr(converted(module).network).startswith(module.typename.removeprefix("nn."))


def test_a_batch_of_any_size_can_be_exported() -> None:
    network = converted(view(12, dims=3)).network
    x = torch.zeros(4, 3, 2, 2, dtype=torch.float64)
    batch = torch.export.Dim("batch", min=2)
    exported = torch.export.export(network, (x,), dynamic_shapes=({0: batch},)).module()

    assert exported(x[:3]).shape == (3, 12)
