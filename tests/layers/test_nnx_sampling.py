"""nnx's padding and resampling against Torch7 and against the reference."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from t7convert.errors import ConversionError
from t7convert.lua.tree import build
from t7convert.nn.memory import forget
from t7convert.reference import Executor
from tests import golden
from tests.drawing import generator
from tests.layers.criterion_compare import compare_module, lua_object, network_of

MODULES = """SpatialPadding SpatialUpSampling SpatialDownSampling SpatialReSampling
SpatialReSamplingEx SpatialMaxSampling PixelSort"""

DRAW = generator(8)


def normal(*shape: int) -> Any:
    return DRAW.normal(size=shape)


@pytest.mark.parametrize("name", MODULES.split())
def test_golden(name: str) -> None:
    for label, case in golden.cases(golden.golden_path("community", f"nnx.{name}")):
        golden.check_module(label, case)
        golden.check_reference(label, case)


@pytest.mark.parametrize("pads", [(1, 2, 0, 3), (-1, 2, 1, -2), (-1, -1, -2, 0), (0, 0, 0, 0)])
@pytest.mark.parametrize(("shape", "dims"), [((2, 5, 4), (2, 3)), ((3, 2, 4, 5, 1), (4, 3))])
def test_padding(pads: tuple[int, ...], shape: tuple[int, ...], dims: tuple[int, int]) -> None:
    fields = dict(zip(("pad_l", "pad_r", "pad_t", "pad_b"), pads, strict=True))
    obj = lua_object("nn.SpatialPadding", **fields, y_dim=dims[0], x_dim=dims[1], val=-0.5)
    output = compare_module(obj, normal(*shape))

    assert output.shape[dims[0] - 1] == shape[dims[0] - 1] + pads[2] + pads[3]
    assert output.shape[dims[1] - 1] == shape[dims[1] - 1] + pads[0] + pads[1]


def test_padding_of_2011_has_the_left_one_for_all_and_zeros() -> None:
    output = compare_module(lua_object("nn.SpatialPadding", pad_l=1), np.ones((1, 2, 2)))

    assert output.tolist() == [[[0, 0, 0, 0], [0, 1, 1, 0], [0, 1, 1, 0], [0, 0, 0, 0]]]


def test_padding_refuses_to_crop_everything() -> None:
    network = network_of(lua_object("nn.SpatialPadding", pad_l=-2, pad_r=-1, pad_t=0, pad_b=0))
    with pytest.raises(ValueError, match="too small"):
        network(torch.zeros(1, 3, 3))


@pytest.mark.parametrize(("shape", "y"), [((2, 3, 4), 2), ((2, 3, 4, 5), 2), ((2, 3, 4, 5), 3)])
def test_up_sampling(shape: tuple[int, ...], y: int) -> None:
    compare_module(
        lua_object("nn.SpatialUpSampling", dW=3, dH=2, yDim=y, xDim=y + 1), normal(*shape)
    )


@pytest.mark.parametrize("ratio", [(2, 3), (3, 1), (7, 8)])
def test_down_sampling(ratio: tuple[int, int]) -> None:
    obj = lua_object("nn.SpatialDownSampling", rH=ratio[0], rW=ratio[1])
    compare_module(obj, normal(2, 7, 8))


def test_down_sampling_divides_by_a_float() -> None:
    obj = lua_object("nn.SpatialDownSampling", rH=1, rW=3)
    output = network_of(obj)(torch.ones(1, 1, 3, dtype=torch.float64))

    assert output.item() == 3 * float(np.float32(1) / np.float32(3)) != 1
    for shape in ((1, 1, 2), (1, 1, 1, 3)):
        with pytest.raises(ValueError, match=r"too small|3 dimensions"):
            network_of(obj)(torch.zeros(shape))


SIZES = [(4, 6), (7, 5), (9, 13), (2, 2), (11, 3)]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("shape", [(2, 4, 6), (1, 2, 5, 7)])
def test_re_sampling(size: tuple[int, int], shape: tuple[int, ...]) -> None:
    obj = lua_object("nn.SpatialReSampling", oheight=size[0], owidth=size[1])
    assert compare_module(obj, normal(*shape)).shape[-2:] == size


def test_re_sampling_by_ratios_cuts_sizes_off() -> None:
    obj = lua_object("nn.SpatialReSampling", rheight=0.5, rwidth=1.9)
    assert compare_module(obj, normal(1, 5, 4)).shape == (1, 2, 7)
    kept = lua_object("nn.SpatialReSampling", rheight=0.5, rwidth=1.9, oheight=3, owidth=3.7)
    assert compare_module(kept, normal(1, 5, 4)).shape == (1, 3, 3)


def test_re_sampling_by_ratios_keeps_its_first_size() -> None:
    obj = lua_object("nn.SpatialReSampling", rheight=2, rwidth=0.5)
    network, executor, tree = network_of(obj), Executor(), build(obj)
    for shape in ((2, 3, 8), (2, 5, 6), (1, 2, 4, 4)):  # Torch7 gives 6 x 4 for all of them
        x = normal(*shape)
        found = network(torch.from_numpy(x)).numpy()

        assert found.shape == (*shape[:-2], 6, 4)
        np.testing.assert_allclose(found, executor.run(tree, x), rtol=1e-12)
    assert forget(network)(torch.zeros(2, 5, 6)).shape == (2, 10, 3)


def test_re_sampling_refuses_what_torch7_divides_by_zero() -> None:
    network = network_of(lua_object("nn.SpatialReSampling", oheight=1, owidth=2))
    with pytest.raises(ValueError, match="no meaning"):
        network(torch.zeros(1, 3, 3))
    with pytest.raises(ValueError, match="3 or 4 dimensions"):
        network(torch.zeros(3, 3))
    with pytest.raises(ConversionError, match="neither a size nor a ratio"):
        network_of(lua_object("nn.SpatialReSampling", oheight=2))


@pytest.mark.parametrize("mode", ["simple", "average", "bilinear"])
@pytest.mark.parametrize(
    "sizes",
    [
        {"oheight": 3, "owidth": 2},
        {"oheight": 5, "owidth": 9},
        {"oheight": 11, "owidth": 7},
        {"rheight": 0.5, "rwidth": 0.3},
        {"rheight": 1.5, "owidth": 20},
    ],
)
@pytest.mark.parametrize(("shape", "y"), [((2, 5, 7), 2), ((1, 5, 7, 2), 2), ((2, 1, 5, 7), 3)])
def test_re_sampling_ex(mode: str, sizes: dict[str, float], shape: tuple[int, ...], y: int) -> None:
    obj = lua_object("nn.SpatialReSamplingEx", mode=mode, yDim=y, xDim=y + 1, **sizes)
    compare_module(obj, normal(*shape))


def test_re_sampling_ex_refusals() -> None:
    both = lua_object("nn.SpatialReSamplingEx", oheight=2, owidth=9)
    with pytest.raises(ValueError, match="up in one dimension"):
        network_of(both)(torch.zeros(1, 4, 4))
    with pytest.raises(ConversionError, match="the mode is 'cubic'"):
        network_of(lua_object("nn.SpatialReSamplingEx", oheight=2, owidth=9, mode="cubic"))
    with pytest.raises(ConversionError, match="xDim is 4"):
        network_of(lua_object("nn.SpatialReSamplingEx", oheight=2, owidth=9, xDim=4))


@pytest.mark.parametrize("size", [(1, 1), (3, 2), (7, 9), (5, 6), (10, 13)])
def test_max_sampling(size: tuple[int, int]) -> None:
    obj = lua_object("nn.SpatialMaxSampling", oheight=size[0], owidth=size[1])
    assert compare_module(obj, normal(3, 7, 9)).shape == (3, *size)
    with pytest.raises(ValueError, match="3 dimensions"):
        network_of(obj)(torch.zeros(1, 3, 7, 9))


def test_max_sampling_computes_windows_in_single_precision() -> None:
    for width, windows in ((41, 40), (29, 23), (100, 99), (33, 7)):
        obj = lua_object("nn.SpatialMaxSampling", oheight=1, owidth=windows)
        compare_module(obj, normal(1, 1, width))


@pytest.mark.parametrize("shape", [(2, 6, 4), (1, 3, 2, 8)])
@pytest.mark.parametrize("factor", [1, 2])
def test_pixel_sort(shape: tuple[int, ...], factor: int) -> None:
    compare_module(lua_object("nn.PixelSort", downscaleFactor=factor), normal(*shape))


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("SpatialDownSampling", {"rH": 3, "rW": 2}),
        ("SpatialMaxSampling", {"oheight": 3, "owidth": 4}),
        ("SpatialReSamplingEx", {"oheight": 3, "owidth": 4, "mode": "average"}),
        ("SpatialReSamplingEx", {"rheight": 2, "rwidth": 1.5, "mode": "bilinear"}),
    ],
)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_compiles(name: str, fields: dict[str, Any]) -> None:
    network = network_of(lua_object(f"nn.{name}", **fields))
    x = torch.from_numpy(normal(2, 7, 9))
    torch.compiler.reset()
    compiled = torch.compile(network, fullgraph=True, backend="eager")
    with torch.no_grad():
        assert compiled(x).equal(network(x))
