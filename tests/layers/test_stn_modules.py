"""Spatial transformers (stnbhwd) against Torch7 and against the reference."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
import torch

from t7convert.errors import ConversionError
from t7convert.nn.stn_modules import AffineGridGeneratorBHWD, base_grid
from tests import golden
from tests.drawing import generator
from tests.layers.criterion_compare import compare_module, lua_object, network_of

DRAW = generator(13)
MODULES = "AffineTransformMatrixGenerator AffineGridGeneratorBHWD BilinearSamplerBHWD Stack"


def normal(*shape: int) -> Any:
    return DRAW.normal(size=shape)


@pytest.mark.parametrize("name", MODULES.split())
def test_golden(name: str) -> None:
    for label, case in golden.cases(golden.golden_path("community", f"stn.{name}")):
        golden.check_module(label, case)
        golden.check_reference(label, case)


@pytest.mark.parametrize("uses", list(product([False, True], repeat=3)))
@pytest.mark.parametrize("batch", [(), (1,), (3,)])
def test_matrices(uses: tuple[bool, bool, bool], batch: tuple[int, ...]) -> None:
    names = ("useRotation", "useScale", "useTranslation")
    fields = dict(zip(names, uses, strict=True)) if any(uses) else {}
    size = (uses[0] + uses[1] + 2 * uses[2]) or 6
    obj = lua_object("nn.AffineTransformMatrixGenerator", fullMode=not any(uses), **fields)
    output = compare_module(obj, normal(*batch, size))

    assert output.shape == (*batch, 2, 3)
    with pytest.raises(ValueError, match=f"expected {size} parameters"):
        network_of(obj)(torch.zeros(5))


def test_a_generator_that_generates_nothing_is_refused() -> None:
    with pytest.raises(ConversionError, match="full mode"):
        network_of(lua_object("nn.AffineTransformMatrixGenerator", fullMode=False))


@pytest.mark.parametrize("sides", [(2, 5), (4, 3)])
@pytest.mark.parametrize("batch", [(), (1,), (3,)])
def test_grids(sides: tuple[int, int], batch: tuple[int, ...]) -> None:
    grid = base_grid(*sides)
    fields = {"height": sides[0], "width": sides[1], "baseGrid": grid.numpy()}
    obj = lua_object("nn.AffineGridGeneratorBHWD", **fields)
    output = compare_module(obj, normal(*batch, 2, 3))

    assert output.shape == (*batch, *sides, 2)
    corners = grid[:: sides[0] - 1, :: sides[1] - 1, :2].reshape(-1, 2).tolist()
    assert corners == [[-1, -1], [-1, 1], [1, -1], [1, 1]]
    same = AffineGridGeneratorBHWD(*sides)(torch.eye(2, 3, dtype=torch.float64))
    assert same.equal(grid[..., :2])
    with pytest.raises(ValueError, match=r"expected \(2, 3\)"):
        network_of(obj)(torch.zeros(3, 2))


@pytest.mark.parametrize(
    ("images", "grids"),
    [
        ((1, 3, 4, 2), (1, 5, 2, 2)),
        ((3, 2, 6, 1), (3, 1, 3, 2)),
        ((4, 3, 2), (2, 5, 2)),
        ((2, 1, 3, 2), (2, 2, 2, 2)),
    ],
)
def test_samples(images: tuple[int, ...], grids: tuple[int, ...]) -> None:
    obj = lua_object("nn.BilinearSamplerBHWD")
    output = compare_module(obj, [normal(*images), DRAW.uniform(-1.6, 1.6, grids)])

    assert output.shape == (*grids[:-1], images[-1])


def test_samples_at_whole_pixels_and_far_outside() -> None:
    image = np.arange(6.0).reshape(2, 3, 1)
    places = np.array([[[-1, -1], [-1, 1], [1, 0], [1, 1], [3, 0], [0, -9e9], [-1.5, -1]]], float)
    output = compare_module(lua_object("nn.BilinearSamplerBHWD"), [image, places])

    assert output.flatten().tolist() == [0, 2, 4, 5, 0, 0, 0]
    with pytest.raises(ValueError, match="the shapes are"):
        network_of(lua_object("nn.BilinearSamplerBHWD"))(
            [torch.zeros(1, 2, 2, 1), torch.zeros(2, 1, 1, 2)]
        )
