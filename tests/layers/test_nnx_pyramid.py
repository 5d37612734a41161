"""nnx's classifier, normalisation, fovea and pyramid against Torch7 and the reference."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from t7convert.conversion import convert_tree
from t7convert.errors import ConversionError
from t7convert.format import load
from t7convert.format.objects import LuaObject
from t7convert.lua.tree import build
from t7convert.nn.nnx_pyramid import SpatialFovea
from t7convert.reference import Executor
from tests import golden
from tests.drawing import generator
from tests.layers.criterion_compare import compare_module, linear, lua_object, network_of

DRAW = generator(10)


def normal(*shape: int) -> Any:
    return DRAW.normal(size=shape)


@pytest.mark.parametrize(
    "name", ["SpatialClassifier", "SpatialNormalization", "SpatialFovea", "SpatialPyramid"]
)
def test_golden(name: str) -> None:
    for label, case in golden.cases(golden.golden_path("community", f"nnx.{name}")):
        golden.check_module(label, case)
        golden.check_reference(label, case)


@pytest.mark.parametrize("spatial", [True, False])
def test_classifier(spatial: bool) -> None:
    inner = lua_object("nn.Sequential", modules=[linear(3, 2), lua_object("nn.LogSoftMax")])
    obj = lua_object("nn.SpatialClassifier", classifier=inner, spatialOutput=spatial)
    output = compare_module(obj, normal(3, 1, 4))

    assert output.shape == ((2, 1, 4) if spatial else (4, 2))
    assert set(network_of(obj).state_dict()) == {"classifier.0.weight", "classifier.0.bias"}
    with pytest.raises(ValueError, match="3 dimensions"):
        network_of(obj)(torch.zeros(1, 3, 1, 4))


def _sum(planes: int, *kernels: Any, bias: float = 0) -> Any:
    """Return the network that SpatialNormalization.lua's constructor makes of kernels."""
    steps = []
    for kernel in kernels:
        high, wide = (n // 2 for n in kernel.shape)
        odd = [n % 2 for n in kernel.shape]
        pads = {
            "pad_l": wide,
            "pad_r": wide - 1 + odd[1],
            "pad_t": high,
            "pad_b": high - 1 + odd[0],
        }
        modules = [
            lua_object("nn.SpatialPadding", **pads),
            lua_object(
                "nn.SpatialConvolutionMap",
                weight=np.stack([kernel] * planes),
                bias=np.full(planes, bias),
            ),
            lua_object("nn.Sum", dimension=1),
            lua_object("nn.Replicate", nfeatures=planes),
        ]
        steps.append(lua_object("nn.Sequential", modules=modules))
    return steps[0] if len(steps) == 1 else lua_object("nn.Sequential", modules=steps)


def _normalization(planes: int, *kernels: Any, **fields: Any) -> LuaObject:
    parts = {"convo": _sum(planes, *kernels), "convostd": _sum(planes, *kernels)}
    return lua_object("nn.SpatialNormalization", nfeatures=planes, **parts, **fields)


def kernel(*shape: int) -> Any:
    return DRAW.uniform(0.1, 1, shape)


@pytest.mark.parametrize("planes", [1, 3])
@pytest.mark.parametrize(
    "shapes", [[(3, 3)], [(2, 5)], [(4, 1)], [(1, 5), (3, 1)], [(1, 4), (2, 1)]]
)
@pytest.mark.parametrize("threshold", [{}, {"fixedThres": 0.5}])
def test_normalization(
    planes: int, shapes: list[tuple[int, int]], threshold: dict[str, float]
) -> None:
    obj = _normalization(planes, *(kernel(*shape) for shape in shapes), **threshold)
    compare_module(obj, normal(planes, 6, 5))


def test_normalization_of_a_flat_image_is_zero() -> None:
    obj = _normalization(1, np.ones((3, 3)))
    output = compare_module(obj, np.ones((4, 5)))

    assert output.shape == (1, 4, 5)
    assert np.allclose(output.detach(), 0)
    assert not network_of(obj).state_dict()


def test_normalization_with_a_bias_is_refused() -> None:
    parts = {"convo": _sum(1, np.ones((3, 3)), bias=1.0), "convostd": _sum(1, np.ones((3, 3)))}
    obj = lua_object("nn.SpatialNormalization", nfeatures=1, **parts)
    with pytest.raises(ConversionError, match="its kernel has a bias"):
        network_of(obj)
    with pytest.raises(ConversionError, match="its kernel has a bias"):
        Executor().call(build(obj), np.ones((1, 4, 4)))


def _convolution(inputs: int, outputs: int, size: int = 3) -> LuaObject:
    return lua_object(
        "nn.SpatialConvolution",
        nInputPlane=inputs,
        nOutputPlane=outputs,
        kW=size,
        kH=size,
        weight=normal(outputs, inputs, size, size),
        bias=normal(outputs),
    )


def _fovea(ratios: list[float], **fields: Any) -> LuaObject:
    defaults = {"nInputPlane": 2, "fov": 3, "sub": 1, "padding": 2, "preProcessors": []}
    processors = [_convolution(2, 2 + i) for i in range(len(ratios))]
    return lua_object(
        "nn.SpatialFovea", **{**defaults, "processors": processors, "ratios": ratios, **fields}
    )


@pytest.mark.parametrize("bilinear", [False, True])
def test_fovea(bilinear: bool) -> None:
    pre = [lua_object("nn.Identity"), lua_object("nn.Tanh")]
    obj = _fovea([1, 2], preProcessors=pre, bilinear=bilinear)
    assert compare_module(obj, normal(2, 8, 6)).shape == (5, 8, 6)
    compare_module(_fovea([2, 4], padding=3, bilinear=bilinear), normal(2, 16, 8))
    compare_module(
        _fovea([1], padding=0, preProcessors={2: lua_object("nn.Tanh")}), normal(2, 5, 4)
    )


def test_focused_fovea() -> None:
    for x, y, sub in ((1, 2, 1), (4, 3, 2), (6, 6, 2)):
        obj = _fovea([1, 2], focused=True, x=x, y=y, sub=sub)
        assert compare_module(obj, normal(2, 8, 8)).shape == (5, 1, 1)


def test_fovea_whose_cache_ends_the_gradient() -> None:
    obj = _fovea([1, 2], cachePrePreproc=True)
    compare_module(obj, normal(2, 8, 8))
    network = network_of(obj)
    assert isinstance(network, SpatialFovea)
    x = torch.zeros(2, 8, 8, dtype=torch.float64, requires_grad=True)
    network(x).sum().backward()
    assert x.grad is None
    with pytest.raises(ConversionError, match="whole numbers"):
        network_of(_fovea([1, 1.5]))


def _pyramid(**fields: Any) -> LuaObject:
    ratios, processors = [1, 2], [_convolution(2, 3), _convolution(2, 4)]
    focused, unfocused = [], []
    for ratio, processor in zip(ratios, processors, strict=True):
        shrink = lua_object(
            "nn.SpatialReSamplingEx", rwidth=1 / ratio, rheight=1 / ratio, mode="average"
        )
        blank = lua_object("nn.SpatialPadding", pad_l=0, pad_r=0, pad_t=0, pad_b=0)
        around = lua_object("nn.SpatialPadding", pad_l=1, pad_r=1, pad_t=1, pad_b=1)
        focused.append(lua_object("nn.Sequential", modules=[blank, shrink, processor]))
        steps = [processor] if fields.get("prescaled_input") else [shrink, around, processor]
        unfocused.append(lua_object("nn.Sequential", modules=steps))
    table = "nn.ParallelTable" if fields.get("prescaled_input") else "nn.ConcatTable"
    return lua_object(
        "nn.SpatialPyramid",
        ratios=ratios,
        processors=processors,
        focused_pipeline=lua_object("nn.ConcatTable", modules=focused),
        unfocused_pipeline=lua_object(table, modules=unfocused),
        **fields,
    )


def test_pyramid() -> None:
    maps = compare_module(_pyramid(focused=False), normal(2, 6, 4))
    assert [m.shape for m in maps] == [(3, 6, 4), (4, 3, 2)]
    with pytest.raises(ValueError, match="no multiples"):
        network_of(_pyramid(focused=False))(torch.zeros(2, 5, 4))


def test_pyramid_of_scales() -> None:
    obj = _pyramid(focused=False, prescaled_input=True)
    maps = compare_module(obj, [normal(2, 7, 5), normal(2, 3, 3)])
    assert [m.shape for m in maps] == [(3, 5, 3), (4, 1, 1)]


@pytest.mark.parametrize(("x", "y"), [(1, 1), (4, 3), (6, 8)])
def test_focused_pyramid(x: int, y: int) -> None:
    fields = {"winWidth": [4, 8], "winHeight": [3, 6]}  # two columns and one row of output
    maps = compare_module(_pyramid(focused=True, x=x, y=y, **fields), normal(2, 8, 6))
    assert [m.shape for m in maps] == [(3, 1, 2), (4, 1, 2)]


FACES = "torch+demos/face-detector/face.net.ascii@8907ed57"


def test_face_detector_of_2011(shared: Path) -> None:
    tree = build(load(shared / "zoo" / FACES))
    network = convert_tree(tree).network.double()
    x = DRAW.uniform(size=(1, 40, 44))
    output = network(torch.from_numpy(x))

    assert output.shape == (2, 3, 4)
    golden.assert_close("output", output, Executor().run(tree, x), 1e-12)


def test_normalization_gives_what_the_face_detector_noted(shared: Path) -> None:
    obj = load(shared / "zoo" / FACES)["modules"][1]
    noted = {name: golden.arrays(obj[name]) for name in ("input", "output")}
    output = network_of(obj)(torch.from_numpy(noted["input"]))

    # the file is text with six digits, and two of them go when the mean is taken off
    golden.assert_close("output", output, noted["output"], 1e-4)


def test_tracker_filters(shared: Path) -> None:
    tree = build(load(shared / "zoo" / "torch+demos" / "tracker" / "random.net"))
    network = convert_tree(tree).network.double()
    x = DRAW.uniform(size=(3, 46, 46))
    output = network(torch.from_numpy(x))

    assert output.shape == (32, 7, 7)
    golden.assert_close("output", output, Executor().run(tree, x), 1e-12)
