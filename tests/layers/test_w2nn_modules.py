"""waifu2x's modules and criterions against Torch7 and against the reference."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from t7convert.errors import ConversionError
from t7convert.lua.tree import build
from t7convert.nn.w2nn_modules import InplaceClip01
from t7convert.reference import Executor
from tests import golden
from tests.drawing import generator
from tests.layers.criterion_compare import (
    compare_criterion,
    compare_module,
    lua_object,
    network_of,
)

MODULES = """InplaceClip01 LeakyReLU AuxiliaryLossTable GradWeight ScaleTable ShakeShakeTable
RandomBinaryConvolution EdgeFilter Print PrintTable"""
CRITERIONS = """ClippedMSECriterion ClippedWeightedHuberCriterion L1Criterion SSIMCriterion
LBPCriterion"""

DRAW = generator(7)


def normal(*shape: int) -> Any:
    return DRAW.normal(size=shape)


@pytest.mark.parametrize("name", MODULES.split())
def test_golden_modules(shared: Path, name: str) -> None:
    for label, case in golden.cases(shared / "golden" / "community" / f"w2nn.{name}.t7"):
        golden.check_module(label, case)
        golden.check_reference(label, case)


@pytest.mark.parametrize("name", CRITERIONS.split())
def test_golden_criterions(shared: Path, name: str) -> None:
    for label, case in golden.cases(shared / "golden" / "community" / f"w2nn.{name}.t7"):
        golden.check_criterion(label, case)
        golden.check_reference_criterion(label, case)


@pytest.mark.parametrize("shape", [(5,), (2, 3), (1, 2, 3, 4)])
def test_elementwise(shape: tuple[int, ...]) -> None:
    compare_module(lua_object("w2nn.InplaceClip01"), normal(*shape))
    compare_module(lua_object("w2nn.GradWeight", constant_scalar=-0.7), normal(*shape))


def test_clip_passes_the_gradient_and_overwrites_where_it_shows() -> None:
    x = torch.tensor([-1.0, 0.5, 2.0], requires_grad=True)
    InplaceClip01()(x).sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == [1, 1, 1]

    both = [lua_object("nn.Identity"), lua_object("w2nn.InplaceClip01")]
    network = network_of(lua_object("nn.ConcatTable", modules=both))
    before = torch.tensor([-1.0, 0.5, 2.0], dtype=torch.float64)
    seen, clipped = network(before)
    assert seen.tolist() == clipped.tolist() == [0, 0.5, 1]


@pytest.mark.parametrize("scale", [0.333, 2.0, 0.0, -0.5])
def test_leaky_relu(scale: float) -> None:
    x = np.array([[-1.5, -0.0, 0.0], [2.0, -3.0, 0.25]])
    compare_module(lua_object("w2nn.LeakyReLU", negative_scale=scale), x)


def test_leaky_relu_gives_the_gradient_1_at_0() -> None:
    x = torch.zeros(2, dtype=torch.float64, requires_grad=True)
    network_of(lua_object("w2nn.LeakyReLU"))(x).sum().backward()

    assert x.grad is not None
    assert x.grad.tolist() == [1, 1]


@pytest.mark.parametrize("index", [1, 2])
def test_auxiliary_loss_table(index: int) -> None:
    obj = lua_object("w2nn.AuxiliaryLossTable", i=index)
    compare_module(obj, [normal(2, 3), normal(2, 3)])
    entries = [torch.ones(2), torch.zeros(2)]

    assert [y.tolist() for y in network_of(obj).train()(entries)] == [[1, 1], [0, 0]]


def test_scale_table() -> None:
    compare_module(lua_object("w2nn.ScaleTable"), [normal(1, 3, 2, 2), normal(1, 3, 1, 1)])
    with pytest.raises(ValueError, match="2 scales for 3 planes"):
        network_of(lua_object("w2nn.ScaleTable"))([torch.ones(1, 3, 2, 2), torch.ones(1, 2, 1, 1)])
    with pytest.raises(ConversionError, match="2 scales for 3 planes"):
        Executor().call(build(lua_object("w2nn.ScaleTable")), [np.ones((1, 3)), np.ones((1, 2))])


def test_shake_shake_mixes_at_random_in_training() -> None:
    obj = lua_object("w2nn.ShakeShakeTable")
    compare_module(obj, [normal(2, 3), normal(2, 3)])
    network = network_of(obj).train()
    first = torch.zeros(5000, 2, dtype=torch.float64, requires_grad=True)
    second = torch.ones(5000, 2, dtype=torch.float64, requires_grad=True)
    torch.manual_seed(4)
    y = network([first, second])
    y.sum().backward()
    assert first.grad is not None
    assert second.grad is not None

    assert bool((y[:, 0] == y[:, 1]).all())  # one factor per sample
    assert 0 <= y.min() < 0.05
    assert 1.95 < y.max() <= 2
    assert abs(y.mean().item() - 1) < 0.03
    assert torch.allclose(first.grad + second.grad, torch.ones(()).double())
    assert abs(first.grad.mean().item() - 0.5) < 0.02
    assert abs(np.corrcoef(y[:, 0].detach(), first.grad[:, 0])[0, 1]) < 0.05


@pytest.mark.parametrize("typename", ["w2nn.RandomBinaryConvolution", "w2nn.EdgeFilter"])
@pytest.mark.parametrize("shape", [(2, 5, 6), (1, 2, 5, 6)])
def test_fixed_convolution(typename: str, shape: tuple[int, ...]) -> None:
    sizes = {"nInputPlane": 2, "nOutputPlane": 3, "kW": 3, "kH": 2, "dW": 1, "dH": 1}
    weight = normal(3, 2, 3, 2)  # kW before kH, as RandomBinaryConvolution writes it
    obj = lua_object(typename, weight=weight, padW=0, padH=0, **sizes)
    compare_module(obj, normal(*shape))
    network = network_of(obj)
    network(torch.ones(shape, dtype=torch.float64, requires_grad=True)).sum().backward()

    assert network.weight.grad is None


def test_print_logs(caplog: pytest.LogCaptureFixture) -> None:
    compare_module(lua_object("w2nn.Print", id="here"), normal(2, 3))
    compare_module(lua_object("w2nn.PrintTable", id="here"), [normal(2), normal(3)])
    with caplog.at_level(logging.INFO):
        network_of(lua_object("w2nn.Print", id="here"))(torch.ones(2, 3))

    assert "here" in caplog.text


@pytest.mark.parametrize("shape", [(3, 4), (1, 2), (2, 3, 4, 5)])
def test_clipped_mse(shape: tuple[int, ...]) -> None:
    fields = {"min": -0.5, "max": 0.25}
    compare_criterion(
        lua_object("w2nn.ClippedMSECriterion", **fields), normal(*shape), normal(*shape)
    )


@pytest.mark.parametrize("gamma", [0.1, 1, 50])
def test_clipped_weighted_huber(gamma: float) -> None:
    fields = {"weight": DRAW.uniform(0.5, 3, (2, 3)), "gamma": gamma, "clip": [0, 1]}
    obj = lua_object("w2nn.ClippedWeightedHuberCriterion", **fields)
    compare_criterion(obj, normal(4, 2, 3), normal(4, 2, 3))
    wrong = lua_object("w2nn.ClippedWeightedHuberCriterion", weight=normal(2), clip=[1])
    with pytest.raises(ConversionError, match="expected two numbers"):
        network_of(wrong)


def test_l1() -> None:
    same = normal(2, 3)
    compare_criterion(lua_object("w2nn.L1Criterion"), normal(2, 3, 4), normal(2, 3, 4))
    assert (
        compare_criterion(lua_object("w2nn.L1Criterion"), same, same)[1][0].tolist()
        == [[0, 0, 0]] * 2
    )
    compare_criterion(lua_object("w2nn.L1Criterion"), normal(4), 0.5)
    with pytest.raises(TypeError, match="expected a target tensor"):
        network_of(lua_object("w2nn.L1Criterion"))(torch.ones(2, 2), 1)


def convolution(outputs: int, inputs: int, kernel: int, typename: str) -> Any:
    sizes = {"nInputPlane": inputs, "nOutputPlane": outputs, "kW": kernel, "kH": kernel}
    return lua_object(
        typename, weight=DRAW.uniform(0, 0.1, (outputs, inputs, kernel, kernel)), **sizes
    )


@pytest.mark.parametrize("shape", [(2, 2, 6, 7), (2, 5, 5)])
def test_ssim(shape: tuple[int, ...]) -> None:
    obj = lua_object("w2nn.SSIMCriterion", conv=convolution(2, 2, 3, "nn.SpatialConvolution"))
    x, t = DRAW.uniform(size=shape), DRAW.uniform(size=shape)
    executor = Executor()
    call = executor.call(build(obj), [x, t])
    golden.assert_close("ssim", network_of(obj)(*golden.tensors([x, t])), call.output, 1e-12)
    with pytest.raises(ConversionError, match="no backward"):
        call.backward(1.0)

    inputs = golden.tensors([x, t], grad=True)
    assert torch.autograd.gradcheck(network_of(obj), [inputs[0], inputs[1].detach()])


@pytest.mark.parametrize("flat", [False, True])
def test_lbp(flat: bool) -> None:
    def filters() -> Any:
        first = convolution(4, 2, 3, "w2nn.RandomBinaryConvolution")
        second = convolution(4, 4, 2, "w2nn.RandomBinaryConvolution")
        return lua_object("nn.Sequential", modules=[first, second])

    fields = {"filter1": filters(), "filter2": filters(), "ch": 2, "n": 4, "gamma": 0.02}
    x, t = normal(3, 2, 5, 5), normal(3, 2, 5, 5)
    shape = (3, 50) if flat else x.shape
    compare_criterion(lua_object("w2nn.LBPCriterion", **fields), x.reshape(shape), t.reshape(shape))


def test_reprs_name_the_options() -> None:
    assert "negative_scale=0.333" in repr(network_of(lua_object("w2nn.LeakyReLU")))
    assert "inplace=True" in repr(InplaceClip01(inplace=True))
    assert "low=0, high=1" in repr(network_of(lua_object("w2nn.ClippedMSECriterion")))
