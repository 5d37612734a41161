"""imagine-nn (inn) against Torch7 and against the reference."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from t7convert.errors import ConversionError
from t7convert.format.objects import LuaTensor
from t7convert.format.plain import tensor_from
from t7convert.lua.tree import build
from t7convert.reference import Executor
from tests import golden
from tests.drawing import generator
from tests.layers.criterion_compare import compare_module, lua_object, network_of

MODULES = """ConstAffine SpatialSameResponseNormalization SpatialCrossResponseNormalization
SpatialPyramidPooling SpatialMaxPooling SpatialAveragePooling"""

DRAW = generator(12)


def normal(*shape: int) -> Any:
    return DRAW.normal(size=shape)


@pytest.mark.parametrize("name", MODULES.split())
def test_golden(name: str) -> None:
    for label, case in golden.cases(golden.golden_path("community", f"inn.{name}")):
        golden.check_module(label, case)
        golden.check_reference(label, case)


def test_golden_mean_subtraction() -> None:
    path = golden.golden_path("community", "inn.MeanSubtraction")
    for label, case in golden.cases(path):
        # backward gives the field gradInput, which updateGradInput (it gives gradOutput) never sets
        assert not golden.arrays(case["gradInput"]).size
        case["gradInput"] = case["gradOutput"]
        golden.check_module(label, case)
        golden.check_reference(label, case)


@pytest.mark.parametrize("shape", [(1, 3), (4, 3), (2, 3, 1, 5)])
@pytest.mark.parametrize("inplace", [False, True])
def test_const_affine(shape: tuple[int, ...], inplace: bool) -> None:
    obj = lua_object("inn.ConstAffine", a=normal(3), b=normal(3), inplace=inplace)
    compare_module(obj, normal(*shape))

    assert not list(network_of(obj).parameters())
    assert set(
        network_of(lua_object("inn.ConstAffine", a=normal(3), b=normal(3))).state_dict()
    ) == {
        "a",
        "b",
    }
    with pytest.raises(ValueError, match="2 or 4 dimensions"):
        network_of(lua_object("inn.ConstAffine", a=normal(3), b=normal(3)))(torch.zeros(3, 1, 1))


@pytest.mark.parametrize(
    ("mean", "shape"),
    [
        ((3, 4, 5), (3, 4, 5)),
        ((3, 4, 5), (2, 3, 4, 5)),
        ((3, 4, 5), (3, 3, 4, 5)),
        ((60,), (2, 3, 4, 5)),
        ((1, 3, 4, 5), (3, 4, 5)),
        ((1, 3, 4, 5), (2, 3, 4, 5)),
        ((2, 3, 4, 5), (2, 3, 4, 5)),
        ((2, 3, 4, 5), (4, 3, 4, 5)),
    ],
)
def test_mean_subtraction(mean: tuple[int, ...], shape: tuple[int, ...]) -> None:
    compare_module(lua_object("inn.MeanSubtraction", mean=normal(*mean)), normal(*shape))


def test_mean_subtraction_of_a_used_module() -> None:
    mean = tensor_from(normal(1, 2, 3, 4))
    shown = LuaTensor(mean.typename, (5, 2, 3, 4), (0, 12, 4, 1), mean.offset, mean.storage)
    obj = lua_object("inn.MeanSubtraction", mean=shown)
    for count in (1, 5, 3):
        compare_module(obj, normal(count, 2, 3, 4))


def test_same_response_normalization() -> None:
    power = [
        lua_object("nn.Square"),
        lua_object(
            "nn.SpatialAveragePooling", kW=3, kH=3, padW=1, padH=1, divide=True, ceil_mode=False
        ),
        lua_object("nn.MulConstant", constant_scalar=0.1, inplace=True),
        lua_object("nn.AddConstant", constant_scalar=1, inplace=True),
        lua_object("nn.Power", pow=0.75),
    ]
    both = [lua_object("nn.Identity"), lua_object("nn.Sequential", modules=power)]
    modules = [lua_object("nn.ConcatTable", modules=both), lua_object("nn.CDivTable")]
    name = "inn.SpatialSameResponseNormalization"
    compare_module(lua_object(name, modules=modules), normal(2, 3, 5, 4))
    with pytest.raises(ConversionError, match="holds no modules"):
        network_of(lua_object(name, size=3, alpha=0.1, beta=0.75))


@pytest.mark.parametrize("size", [1, 3, 5])
def test_cross_response_normalization(size: int) -> None:
    fields = {"size": size, "alpha": 0.2, "beta": 0.5, "k": 2}
    compare_module(
        lua_object("inn.SpatialCrossResponseNormalization", **fields), normal(1, 6, 2, 3)
    )


@pytest.mark.parametrize("shape", [(3, 5, 7), (1, 3, 5, 7), (2, 1, 4, 3)])
def test_pyramid_pooling(shape: tuple[int, ...]) -> None:
    grids = [(3, 2), (1, 1), (2, 2)]
    modules = [
        lua_object(
            "nn.Sequential",
            modules=[
                lua_object("nn.SpatialAdaptiveMaxPooling", W=w, H=h),
                lua_object("nn.View", size=np.array([-1]), numElements=-1, numInputDims=3),
                lua_object("nn.Contiguous"),
            ],
        )
        for w, h in grids
    ]
    pyr = [list(grid) for grid in grids]
    obj = lua_object("inn.SpatialPyramidPooling", modules=modules, pyr=pyr, dimension=1)
    output = compare_module(obj, normal(*shape))

    assert output.shape == (*shape[:-3], 11 * shape[-3])
    with pytest.raises(ValueError, match="3 or 4 dimensions"):
        network_of(obj)(torch.zeros(2, 2))


@pytest.mark.parametrize("name", ["SpatialMaxPooling", "SpatialAveragePooling"])
@pytest.mark.parametrize("ceil", [{}, {"ceil_mode": False}, {"ceil_mode": True}])
def test_poolings_always_round_up(name: str, ceil: dict[str, bool]) -> None:
    window = {"kW": 2, "kH": 3, "dW": 2, "dH": 2, "padW": 0, "padH": 0}
    obj = lua_object(f"inn.{name}", **window, **ceil, divide=True, count_include_pad=True)
    assert compare_module(obj, normal(2, 6, 5)).shape == (2, 3, 3)


def test_average_without_divide_sums() -> None:
    window = {"kW": 2, "kH": 2, "dW": 2, "dH": 2, "padW": 0, "padH": 0, "count_include_pad": True}
    obj = lua_object("inn.SpatialAveragePooling", **window)
    assert Executor().run(build(obj), np.ones((1, 2, 2))).tolist() == [[[4]]]
    compare_module(obj, normal(1, 4, 4))
