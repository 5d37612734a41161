"""fast-neural-style and AdaIN-style against Torch7 and against the reference."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from t7convert.errors import ConversionError
from t7convert.format.objects import LuaObject
from t7convert.lua.tree import build
from t7convert.nn.style_losses import AddedLoss, StyleLoss
from t7convert.reference import Executor
from tests import golden
from tests.drawing import generator
from tests.layers.criterion_compare import (
    compare_criterion,
    compare_module,
    lua_object,
    network_of,
)

MODULES = """fns.InstanceNormalization fns.ShaveImage fns.TotalVariation fns.GramMatrix
fns.ContentLoss fns.StyleLoss fns.DeepDreamLoss adain.InstanceNormalization
adain.AdaptiveInstanceNormalization adain.ContentLossModule adain.StyleINLossModule
adain.TVLossModule"""

DRAW = generator(14)


def normal(*shape: int) -> Any:
    return DRAW.normal(size=shape)


@pytest.mark.parametrize("name", MODULES.split())
def test_golden_modules(name: str) -> None:
    for label, case in golden.cases(golden.golden_path("community", name)):
        golden.check_module(label, case)
        golden.check_reference(label, case)


def test_golden_criterion() -> None:
    path = golden.golden_path("community", "adain.TVLossCriterion")
    for label, case in golden.cases(path):
        golden.check_criterion(label, case)
        golden.check_reference_criterion(label, case)


def _inner(mean: float) -> LuaObject:
    """Return a batch normalisation that has noted this mean."""
    fields = {"running_mean": np.full(6, mean), "running_var": np.ones(6), "eps": 1e-5}
    return lua_object("nn.SpatialBatchNormalization", **fields)


NORMALISED = {"nOutput": 3, "eps": 1e-3, "prev_N": 2}


@pytest.mark.parametrize("noted", [None, 0.0, 0.3])
@pytest.mark.parametrize("shape", [(1, 3, 4, 5), (2, 3, 1, 2)])
@pytest.mark.parametrize("affine", [{}, {"affine": True, "disabled": False}])
def test_instance_normalization(
    noted: float | None, shape: tuple[int, ...], affine: dict[str, bool]
) -> None:
    fields: dict[str, Any] = {**NORMALISED, **affine, "weight": normal(3), "bias": normal(3)}
    if noted is not None:
        fields["bn"] = _inner(noted)
    obj = lua_object("nn.InstanceNormalization", **fields)
    x = normal(*shape)
    output = compare_module(obj, x).detach().numpy()

    # today's nn has no batch statistics for one sample; that of 2016 had, and noted them
    expected = x / np.sqrt(1.001)
    if noted:
        spread = np.sqrt(x.var((2, 3), keepdims=True) + 1e-3)
        expected = (x - x.mean((2, 3), keepdims=True)) / spread
    weight, bias = (fields[name].reshape(3, 1, 1) for name in ("weight", "bias"))
    golden.assert_close("output", output, expected * weight + bias, 1e-12)


@pytest.mark.parametrize("shape", [(3, 4, 5), (2, 3, 4, 1)])
def test_instance_normalization_without_weight(shape: tuple[int, ...]) -> None:
    name, plain = "nn.InstanceNormalization", {**NORMALISED, "affine": False}
    obj = lua_object(name, **plain, bn=_inner(1.0))
    compare_module(obj, normal(*shape))
    assert not network_of(obj).state_dict()
    disabled = lua_object(name, **plain, disabled=True)
    x = normal(*shape)
    assert np.array_equal(compare_module(disabled, x, gradient=False), x)
    with pytest.raises(ValueError, match="expected 3 planes"):
        network_of(obj)(torch.zeros(2, 4, 4))


def test_another_package_s_instance_normalization_is_refused() -> None:
    fields = {"nOutput": 3, "weight": normal(3), "bias": normal(3), "prev_batch_size": -1}
    with pytest.raises(ConversionError, match="no converter"):
        network_of(lua_object("nn.InstanceNormalization", **fields))


@pytest.mark.parametrize("noted", [0.0, 0.3])
@pytest.mark.parametrize("batch", [(), (1,), (2,)])
def test_adaptive_instance_normalization(noted: float, batch: tuple[int, ...]) -> None:
    fields = {"nOutput": 3, "eps": 1e-3, "bn": _inner(noted)}
    obj = lua_object("nn.AdaptiveInstanceNormalization", **fields)
    content, style = normal(*batch, 3, 4, 5), normal(*batch, 3, 2, 6)
    output = compare_module(obj, [content, style], gradient=False).detach().numpy()

    assert output.shape == (*(batch or (1,)), 3, 4, 5)
    if noted:
        found = output.mean((2, 3)).reshape(*batch, 3)
        golden.assert_close("mean", found, style.mean((-2, -1)), 1e-12)
    with pytest.raises(ConversionError, match="no backward"):
        Executor().call(build(obj), [content, style]).backward(output)
    off = lua_object("nn.AdaptiveInstanceNormalization", nOutput=3, disabled=True)
    assert np.array_equal(compare_module(off, [content, style], gradient=False), content)


@pytest.mark.parametrize("size", [0, 1, 2])
def test_shave(size: int) -> None:
    obj = lua_object("nn.ShaveImage", size=size)
    assert compare_module(obj, normal(1, 2, 5, 6)).shape == (1, 2, 5 - 2 * size, 6 - 2 * size)
    with pytest.raises(ValueError, match="can't shave"):
        network_of(lua_object("nn.ShaveImage", size=2))(torch.zeros(1, 1, 4, 9))


@pytest.mark.parametrize("shape", [(3, 2, 4), (1, 3, 2, 4), (2, 1, 1, 1)])
@pytest.mark.parametrize("normalize", [True, False])
def test_gram(shape: tuple[int, ...], normalize: bool) -> None:
    compare_module(lua_object("nn.GramMatrix", normalize=normalize), normal(*shape))


@pytest.mark.parametrize("shape", [(2, 3, 4, 5), (1, 3, 2, 1)])
def test_penalties_of_the_input_alone(shape: tuple[int, ...]) -> None:
    compare_module(lua_object("nn.TotalVariation", strength=0.7), normal(*shape))
    compare_module(lua_object("nn.DeepDreamLoss", strength=0.7, max_grad=0.5), normal(*shape))


MSE, SMOOTH = "nn.MSECriterion", "nn.SmoothL1Criterion"


@pytest.mark.parametrize("mode", ["none", "loss", "capture"])
@pytest.mark.parametrize("criterion", [MSE, SMOOTH])
def test_content_loss(mode: str, criterion: str) -> None:
    fields = {"crit": lua_object(criterion), "strength": 0.7, "mode": mode}
    x, target = normal(2, 3, 4, 5), normal(2, 3, 4, 5)
    output = compare_module(lua_object("nn.ContentLoss", **fields, target=target), x)
    assert np.array_equal(output.detach(), x)


def _aggregates(kind: str) -> LuaObject:
    if kind == "gram":
        return lua_object("nn.GramMatrix", normalize=True)
    means = [lua_object("nn.Mean", dimension=3, sizeAverage=True, squeeze=True) for _ in range(2)]
    return lua_object("nn.Sequential", modules=means)


@pytest.mark.parametrize(("kind", "shape"), [("gram", (3, 3)), ("mean", (3,))])
@pytest.mark.parametrize("samples", [1, 2])
def test_style_loss(kind: str, shape: tuple[int, ...], samples: int) -> None:
    fields = {"crit": lua_object(MSE), "agg": _aggregates(kind), "strength": 0.7, "mode": "loss"}
    obj = lua_object("nn.StyleLoss", **fields, target=normal(samples, *shape))
    compare_module(obj, normal(2, 3, 4, 5))


def test_a_captured_style_is_the_target() -> None:
    fields = {"crit": lua_object(MSE), "agg": _aggregates("gram"), "strength": 2}
    network = network_of(lua_object("nn.StyleLoss", **fields, mode="capture"))
    assert isinstance(network, StyleLoss)
    style, x = torch.rand(1, 3, 4, 5).double(), torch.rand(1, 3, 2, 5).double()
    network(style)
    network.mode = "loss"

    assert network.penalty(style) == 0
    assert network.agg is not None
    expected = (network.agg(x) - network.agg(style)).square().mean() * 2
    penalty = network.penalty(x)
    assert penalty is not None
    assert torch.allclose(penalty, expected)
    untold = network_of(lua_object("nn.StyleLoss", **fields, mode="loss"))
    with pytest.raises(RuntimeError, match="no target"):
        untold(x)
    with pytest.raises(ConversionError, match="the mode is 'learn'"):
        network_of(lua_object("nn.ContentLoss", crit=lua_object(MSE), mode="learn"))


@pytest.mark.parametrize("normalize", [True, False])
@pytest.mark.parametrize("shape", [(3, 4, 5), (1, 3, 4, 5)])
def test_content_loss_module(normalize: bool, shape: tuple[int, ...]) -> None:
    fields = {"crit": lua_object(MSE), "strength": 0.7, "normalize": normalize}
    aimed = lua_object("nn.ContentLossModule", **fields, target=normal(1, 3, 4, 5))
    compare_module(aimed, normal(*shape))
    compare_module(lua_object("nn.ContentLossModule", **fields), normal(*shape))
    with pytest.raises(ValueError, match="expected the target's"):
        network_of(aimed)(torch.zeros(2, 3, 4, 5))


def _statistics(**fields: Any) -> LuaObject:
    mean = lua_object("nn.Mean", dimension=3, sizeAverage=True, squeeze=True)
    std = [lua_object("nn.Square"), mean, lua_object("nn.Sqrt", eps=1e-6)]
    return lua_object(
        "nn.StyleINLossModule",
        strength=0.7,
        mean_net=lua_object("nn.Sequential", modules=[mean]),
        std_net=lua_object("nn.Sequential", modules=std),
        mean_criterion=lua_object(MSE, sizeAverage=False),
        std_criterion=lua_object(MSE, sizeAverage=False),
        **fields,
    )


@pytest.mark.parametrize("normalize", [True, False])
@pytest.mark.parametrize(
    ("shape", "samples"),
    [((3, 4, 5), 1), ((2, 3, 4, 5), 2), ((2, 3, 4, 5), 1), ((1, 3, 4, 5), 2)],
)
def test_style_in_loss_module(normalize: bool, shape: tuple[int, ...], samples: int) -> None:
    targets = {"target_mean": normal(samples, 3, 1), "target_std": normal(samples, 3, 1)}
    obj = _statistics(normalize=normalize, **targets)
    compare_module(obj, normal(*shape))
    compare_module(_statistics(normalize=normalize), normal(*shape))

    network = network_of(obj)
    assert isinstance(network, AddedLoss)
    assert set(network.state_dict()) == {"target_mean", "target_std"}
    with pytest.raises(ValueError, match="planes, expected 3"):
        network(torch.zeros(1, 2, 4, 4))


def _differences() -> LuaObject:
    pairs = []
    for sides in (("pad_l", "pad_r"), ("pad_t", "pad_b")):
        blank = dict.fromkeys(("pad_l", "pad_r", "pad_t", "pad_b"), 0)
        crops = [lua_object("nn.SpatialZeroPadding", **{**blank, side: -1}) for side in sides]
        modules = [lua_object("nn.ConcatTable", modules=crops), lua_object("nn.CSubTable")]
        pairs.append(lua_object("nn.Sequential", modules=modules))
    return lua_object(
        "nn.TVLossCriterion",
        crit=lua_object("nn.ConcatTable", modules=pairs),
        mse=lua_object(MSE, sizeAverage=False),
    )


@pytest.mark.parametrize("shape", [(3, 4, 5), (2, 1, 3, 2)])
def test_total_variation_of_adain(shape: tuple[int, ...]) -> None:
    x = normal(*shape)
    loss, _ = compare_criterion(_differences(), x)
    expected = sum(np.square(np.diff(x, axis=axis)).sum() for axis in (-1, -2))

    assert loss == pytest.approx(expected)
    compare_module(lua_object("nn.TVLossModule", crit=_differences(), strength=0.7), x)


@pytest.mark.parametrize("name", ["DeepDreamLoss", "TotalVariation", "L1Penalty"])
def test_penalties_read_an_input_that_was_overwritten(name: str) -> None:
    loss = lua_object(f"nn.{name}", strength=0.7, max_grad=1, l1weight=0.3, provideOutput=True)
    relu = lua_object("nn.ReLU", threshold=0, val=0, inplace=True)
    modules = [lua_object("nn.MulConstant", constant_scalar=2), loss, relu]
    compare_module(lua_object("nn.Sequential", modules=modules), normal(1, 3, 4, 5))


def test_a_loss_gives_its_input_itself() -> None:
    idle = lua_object("nn.ContentLoss", crit=lua_object(MSE), mode="none")
    relu = lua_object("nn.ReLU", threshold=0, val=0, inplace=True)
    way = lua_object("nn.Sequential", modules=[idle, relu])
    both = lua_object("nn.ConcatTable", modules=[lua_object("nn.Identity"), way])
    obj = lua_object("nn.Sequential", modules=[lua_object("nn.Tanh"), both])
    first, second = compare_module(obj, normal(1, 3, 4, 5))

    assert first.equal(second)
