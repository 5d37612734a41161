"""dpnn's modules against Torch7 and against the reference."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from t7convert.errors import ConversionError
from t7convert.lua.tree import build
from t7convert.nn.dpnn_modules import SpatialBinaryConvolution
from t7convert.reference import Executor
from tests import golden
from tests.drawing import generator
from tests.layers.criterion_compare import compare_module, linear, lua_object, network_of

MODULES = """Inception FireModule Clip Serial ArgMax SpatialGlimpse SpatialUniformCrop
SpatialFeatNormalization SpatialBinaryConvolution TotalDropout SpatialRegionDropout
SimpleColorTransform PCAColorTransform ReverseTable CategoricalEntropy NCEModule ReinforceNormal
ReinforceBernoulli ReinforceCategorical"""

DRAW = generator(11)


def normal(*shape: int) -> Any:
    return DRAW.normal(size=shape)


@pytest.mark.parametrize("name", [f"dpnn.{n}" for n in MODULES.split()] + ["trnn.SpatialGlimpse"])
def test_golden(shared: Path, name: str) -> None:
    for label, case in golden.cases(shared / "golden" / "community" / f"{name}.t7"):
        golden.check_module(label, case)
        golden.check_reference(label, case)


def test_old_decorators_have_one_field() -> None:
    obj = lua_object("nn.FireModule", module=linear(3, 2))
    compare_module(obj, normal(4, 3))

    assert set(network_of(obj).state_dict()) == {"0.weight", "0.bias"}


def test_inception_takes_batches() -> None:
    inner = lua_object("nn.Identity")
    obj = lua_object("nn.Inception", modules=[inner])
    compare_module(obj, normal(2, 3, 4, 5))
    compare_module(obj, normal(3, 1, 5))
    with pytest.raises(ValueError, match="give a batch"):
        network_of(obj)(torch.ones(3, 4, 5))
    with pytest.raises(ConversionError, match="takes batches"):
        Executor().call(build(obj), normal(3, 4, 5))


@pytest.mark.parametrize("limits", [(-0.5, 0.25), (0.5, -0.5)])
def test_clip(limits: tuple[float, float]) -> None:
    obj = lua_object("nn.Clip", minval=limits[0], maxval=limits[1])
    x = torch.tensor([-9.0, 0.0, 9.0], dtype=torch.float64, requires_grad=True)
    network_of(obj)(x).sum().backward()

    compare_module(obj, normal(3, 4))
    assert x.grad is not None
    assert x.grad.tolist() == [1, 1, 1]


@pytest.mark.parametrize(
    ("shape", "dim", "dims"),
    [((4,), 1, 9999), ((3, 4), 2, 9999), ((3, 4), 1, 1), ((2, 3, 4), 2, 2), ((2, 3, 4), 3, 9999)],
)
@pytest.mark.parametrize("as_long", [True, False])
def test_arg_max(shape: tuple[int, ...], dim: int, dims: int, as_long: bool) -> None:
    x = DRAW.integers(0, 3, shape).astype(float)  # with several greatest
    obj = lua_object("nn.ArgMax", dim=dim, nInputDim=dims, asLong=as_long)
    index = compare_module(obj, x, gradient=False)

    assert index.is_floating_point() is not as_long
    assert not Executor().call(build(obj), x).backward(None).any()


@pytest.mark.parametrize("shape", [(3, 2, 4), (1, 3, 2, 4)])
def test_feature_normalization(shape: tuple[int, ...]) -> None:
    obj = lua_object("nn.SpatialFeatNormalization", mean=normal(3), std=normal(3))
    compare_module(obj, normal(*shape))
    with pytest.raises(ValueError, match="3 planes"):
        network_of(obj)(torch.ones(2, 2, 4))
    with pytest.raises(ConversionError, match="doesn't fit"):
        Executor().call(build(obj), normal(2, 2, 4))


def test_reverse_table() -> None:
    compare_module(lua_object("nn.ReverseTable"), [normal(2), normal(3), normal(4)])


@pytest.mark.parametrize(
    "fields", [{"scale": 0.5}, {"minEntropy": 9.0}, {"minEntropy": 0.1}, {"sizeAverage": False}]
)
def test_categorical_entropy(fields: dict[str, Any]) -> None:
    x = DRAW.uniform(0.1, 1, (4, 3))
    x /= x.sum(1, keepdims=True)
    compare_module(lua_object("nn.CategoricalEntropy", **fields), x)
    with pytest.raises(ValueError, match="batch of vectors"):
        network_of(lua_object("nn.CategoricalEntropy"))(torch.ones(3))


def test_categorical_entropy_is_pushed_up() -> None:
    x = torch.tensor([[0.7, 0.3], [0.6, 0.4]], dtype=torch.float64, requires_grad=True)
    network_of(lua_object("nn.CategoricalEntropy"))(x).backward(torch.zeros(2, 2).double())
    p = x.detach().sum(0).requires_grad_()

    def entropy(total: torch.Tensor) -> torch.Tensor:
        q = total / 2
        return -(q * (q + 1e-6).log()).sum()

    (slope,) = torch.autograd.grad(entropy(p), p)
    assert x.grad is not None
    assert torch.allclose(x.grad, -slope.expand(2, 2) / 2)


CONVOLUTION = {"nInputPlane": 2, "nOutputPlane": 3, "kW": 2, "kH": 3, "dW": 2, "dH": 1}


@pytest.mark.parametrize("shape", [(2, 6, 7), (1, 2, 6, 7), (2, 2, 5, 6)])
def test_binary_convolution(shape: tuple[int, ...]) -> None:
    obj = lua_object(
        "nn.SpatialBinaryConvolution", weight=normal(3, 2, 3, 2), padW=1, padH=0, **CONVOLUTION
    )
    compare_module(obj, normal(*shape))
    biased = lua_object(
        "nn.SpatialBinaryConvolution", weight=normal(3, 2, 3, 2), bias=normal(3), **CONVOLUTION
    )
    with pytest.raises(ConversionError, match="a bias"):
        network_of(biased)


def test_binary_convolution_goes_back_through_signs_in_training() -> None:
    module = SpatialBinaryConvolution(2, 3, (2, 2)).double()
    x = torch.randn(1, 2, 4, 4, dtype=torch.float64, requires_grad=True)
    weight = module.weight.detach()
    module.train()(x).sum().backward()
    plain = torch.nn.functional.conv_transpose2d(
        torch.ones(1, 3, 3, 3, dtype=torch.float64), weight.sign()
    )

    sizes = weight.abs().mean((0, 2, 3))[:, None, None]
    golden.assert_close("signs", x.grad, (plain * sizes).numpy(), 1e-12)


@pytest.mark.parametrize("shape", [(2, 8, 9), (2, 2, 5, 6)])
@pytest.mark.parametrize("size", [(4, 3), (1, 5)])
def test_uniform_crop_in_evaluation(shape: tuple[int, ...], size: tuple[int, int]) -> None:
    compare_module(
        lua_object("nn.SpatialUniformCrop", oheight=size[0], owidth=size[1]), normal(*shape)
    )


def test_uniform_crop_of_the_same_size_is_refused_as_in_lua() -> None:
    obj = lua_object("nn.SpatialUniformCrop", oheight=4, owidth=3)
    with pytest.raises(ValueError, match="doesn't lie in"):
        network_of(obj)(torch.ones(1, 4, 3))
    with pytest.raises(ConversionError, match="not larger"):
        Executor().call(build(obj), normal(1, 4, 3))


@pytest.mark.parametrize("single", [False, True])
@pytest.mark.parametrize("depth", [1, 2, 3])
def test_glimpse(single: bool, depth: int) -> None:
    pool = lua_object("nn.SpatialAveragePooling", kW=2, kH=2, dW=2, dH=2)
    obj = lua_object("nn.SpatialGlimpse", module=pool, height=3, width=2, depth=depth, scale=2)
    images, places = normal(4, 2, 11, 12), DRAW.uniform(-1.5, 1.5, (4, 2))
    places[0] = [-1, 1]
    given = [images[0], places[0]] if single else [images, places]

    assert compare_module(obj, given).shape[-3] == 2 * depth


@pytest.mark.parametrize("scale", [1.5, 1.7, 2.3])
def test_glimpse_of_another_scale_resamples(scale: float) -> None:
    resampling = lua_object("nn.SpatialUpSamplingBilinear", oheight=7, owidth=8)
    obj = lua_object(
        "nn.SpatialGlimpse", module=resampling, height=7, width=8, depth=2, scale=scale
    )
    compare_module(obj, [normal(3, 2, 11, 12), DRAW.uniform(-1.5, 1.5, (3, 2))])


def test_glimpse_gives_its_location_a_gradient_of_zero() -> None:
    pool = lua_object("nn.SpatialAveragePooling", kW=2, kH=2, dW=2, dH=2)
    obj = lua_object("nn.SpatialGlimpse", module=pool, height=2, width=2, depth=1, scale=2)
    place = torch.zeros(1, 2, requires_grad=True)
    network_of(obj)([torch.ones(1, 1, 4, 4), place]).sum().backward()

    assert place.grad is not None
    assert place.grad.tolist() == [[0, 0]]
    with pytest.raises(ValueError, match="images and locations"):
        network_of(obj)([torch.ones(4, 4), place])
