"""dpnn's random and sampling modules, and its criterions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from t7convert.errors import ConversionError
from t7convert.lua.tree import build
from t7convert.nn.dpnn_reinforce import ReinforceNormal
from t7convert.reference import Executor
from tests import golden
from tests.drawing import generator
from tests.layers.criterion_compare import (
    compare_criterion,
    compare_module,
    linear,
    lua_object,
    network_of,
)

CRITERIONS = """VRClassReward BinaryClassReward NCECriterion BinaryLogisticRegression
SpatialBinaryLogisticRegression"""

DRAW = generator(13)


def normal(*shape: int) -> Any:
    return DRAW.normal(size=shape)


def positive(*shape: int) -> Any:
    return DRAW.uniform(0.1, 1, shape)


def signs(*shape: int) -> Any:
    return DRAW.choice([-1.0, 1.0], shape)


@pytest.mark.parametrize("name", CRITERIONS.split())
def test_golden(shared: Path, name: str) -> None:
    for label, case in golden.cases(shared / "golden" / "community" / f"dpnn.{name}.t7"):
        golden.check_criterion(label, case)
        golden.check_reference_criterion(label, case)


def training(typename: str, **fields: Any) -> nn.Module:
    torch.manual_seed(5)
    return network_of(lua_object(typename, **fields)).train()


@pytest.mark.parametrize("batch_noise", [True, False])
def test_nce_in_training(batch_noise: bool) -> None:
    unigrams = np.array([0.5, 0.3, 0.2])
    draw = np.random.default_rng(2)
    weight, bias = draw.uniform(-0.3, 0.3, (3, 4)), draw.uniform(-0.3, 0.3, 3)
    fields = {"weight": weight, "bias": bias, "unigrams": unigrams, "k": 5000}
    network = training("nn.NCEModule", Z=np.array([-1.0]), batchnoise=batch_noise, **fields)
    x, target = torch.from_numpy(draw.normal(size=(2, 4))), torch.tensor([3, 1])
    of_target, of_noise, noise_of_target, noise_of_noise = network([x, target])

    exact = np.exp(x.numpy() @ weight.T + bias)
    z = network.get_buffer("Z").item()
    golden.assert_close("target", of_target * z, exact[[0, 1], [2, 0]], 1e-12)
    assert noise_of_target.tolist() == [0.2, 0.5]
    assert of_noise.shape == noise_of_noise.shape == (2, 5000)
    shares = [(noise_of_noise == p).double().mean().item() for p in unigrams]
    assert np.allclose(shares, unigrams, atol=0.03)
    assert z == pytest.approx(3 * (exact * unigrams).sum(1).mean(), rel=0.05)
    network([x, target])
    assert network.get_buffer("Z").item() == z
    (of_target.sum() + of_noise.sum()).backward()
    assert network.get_parameter("weight").grad is not None


@pytest.mark.parametrize("logs", [True, False])
def test_nce_in_evaluation(logs: bool) -> None:
    fields = {"weight": normal(3, 4), "bias": normal(3), "unigrams": positive(3), "k": 2}
    fields |= {"Z": np.array([1.0]), "batchnoise": True, "logsoftmax": logs}
    given = [normal(2, 4), np.array([1, 2])]
    obj = lua_object("nn.NCEModule", normalized=True, **fields)
    compare_module(obj, given, gradient=False)
    with pytest.raises(ConversionError, match="drawn noise"):
        Executor().call(build(obj), given).backward(None)
    with pytest.raises(ConversionError, match="at random"):
        Executor().call(build(lua_object("nn.NCEModule", **fields)), given)
    with pytest.raises(ValueError, match="a batch and its targets"):
        network_of(obj)([torch.ones(4), torch.ones(1)])


def test_normal_draws() -> None:
    network = training("nn.ReinforceNormal", stdev=0.5)
    y = network(torch.full((20000,), 3.0, dtype=torch.float64))
    assert abs(y.mean().item() - 3) < 0.02
    assert abs(y.std().item() - 0.5) < 0.02

    per_column = training("nn.ReinforceNormal", stdev=np.array([0.1, 2.0]))
    columns = per_column(torch.zeros(20000, 2, dtype=torch.float64)).std(0)
    assert torch.allclose(columns, torch.tensor([0.1, 2.0]).double(), rtol=0.05)
    with pytest.raises(ValueError, match="no deviation"):
        training("nn.ReinforceNormal")(torch.zeros(2))


def test_gamma() -> None:
    compare_module(lua_object("nn.ReinforceGamma", scale=0.5), positive(2, 3), gradient=False)
    scale = np.array([0.5, 2.0, 3.0])
    compare_module(lua_object("nn.ReinforceGamma", scale=scale), positive(2, 3), gradient=False)
    pair = [positive(2, 3), positive(2, 3)]
    compare_module(lua_object("nn.ReinforceGamma"), pair, gradient=False)

    network: Any = training("nn.ReinforceGamma")
    shape = torch.full((30000,), 2.0, dtype=torch.float64, requires_grad=True)
    theta = torch.full((30000,), 0.5, dtype=torch.float64, requires_grad=True)
    y = network([shape, theta])
    assert abs(y.mean().item() - 1) < 0.02
    assert abs(y.var().item() - 0.5) < 0.03
    network.reinforce(torch.ones(30000))
    y.sum().backward()
    density = torch.distributions.Gamma(shape, 1 / theta).log_prob(y.detach()).sum()
    for found, wanted in zip(
        (shape.grad, theta.grad), torch.autograd.grad(-density, (shape, theta)), strict=True
    ):
        golden.assert_close("gradient", found, wanted.numpy(), 1e-10)


def test_bernoulli_and_categorical_draw() -> None:
    p = torch.tensor([[0.2, 0.3, 0.5]], dtype=torch.float64).expand(20000, 3)
    for name in ("nn.ReinforceBernoulli", "nn.ReinforceCategorical"):
        y = training(name)(p)
        assert set(y.flatten().tolist()) == {0, 1}
        assert torch.allclose(y.mean(0), p[0], atol=0.015)
    assert bool((y.sum(1) == 1).all())


@pytest.mark.parametrize("name", ["ReinforceNormal", "ReinforceBernoulli", "ReinforceCategorical"])
def test_sampling_in_evaluation(name: str) -> None:
    obj = lua_object(f"nn.{name}", stdev=0.1)
    compare_module(obj, positive(3, 4), gradient=False)
    stochastic = lua_object(f"nn.{name}", stdev=0.1, stochastic=True)
    assert network_of(stochastic)(torch.full((2, 3), 0.5)).tolist() != [[0.5] * 3] * 2
    with pytest.raises(ConversionError, match="at random"):
        Executor().call(build(stochastic), positive(3, 4))
    with pytest.raises(ConversionError, match="reward"):
        Executor().call(build(obj), positive(3, 4)).backward(None)
    with pytest.raises(RuntimeError, match="has no reward"):
        network_of(obj)(torch.ones(2, 3, requires_grad=True)).sum().backward()


def test_gradients_of_reinforce() -> None:
    reward = torch.tensor([2.0, -1.0], dtype=torch.float64)
    mean = torch.tensor([[1.0, 2.0], [3.0, 4.0]], dtype=torch.float64, requires_grad=True)
    spread = torch.tensor([[0.5, 1.0], [2.0, 0.1]], dtype=torch.float64, requires_grad=True)
    torch.manual_seed(1)
    module = ReinforceNormal().train()
    y = module([mean, spread])
    module.reinforce(reward)
    y.sum().backward()
    x, m, s = y.detach(), mean.detach(), spread.detach()
    golden.assert_close("mean", mean.grad, (-(x - m) / s**2 * reward[:, None]).numpy(), 1e-12)
    wanted = -((x - m) ** 2 - s**2) / (s**3 + 1e-8) * reward[:, None]
    golden.assert_close("stdev", spread.grad, wanted.numpy(), 1e-12)

    p = torch.tensor([[0.2, 0.8], [0.6, 0.4]], dtype=torch.float64, requires_grad=True)
    formulas: dict[str, Any] = {
        "nn.ReinforceBernoulli": lambda y, q: (y - q) / (q * (1 - q)),
        "nn.ReinforceCategorical": lambda y, q: y / (q + 1e-8),
    }
    for name, formula in formulas.items():
        p.grad = None
        network: Any = training(name)
        y = network(p)
        network.reinforce(reward)
        y.sum().backward()
        expected = -formula(y.detach(), p.detach()) * reward[:, None]
        golden.assert_close(name, p.grad, expected.numpy(), 1e-12)


def test_a_reward_must_fit() -> None:
    module: Any = training("nn.ReinforceBernoulli")
    y = module(torch.full((3, 2), 0.5, requires_grad=True))
    module.reinforce(torch.ones(2))
    with pytest.raises(RuntimeError, match="2 rewards for 3 samples"):
        y.sum().backward()


@pytest.mark.parametrize("average", [True, False])
def test_class_reward_trains_a_sampling_network(average: bool) -> None:
    net = lua_object(
        "nn.Sequential", modules=[linear(4, 3), lua_object("nn.ReinforceNormal", stdev=0.5)]
    )
    fields = {"module": net, "criterion": lua_object("nn.MSECriterion"), "scale": 2}
    criterion = network_of(lua_object("nn.VRClassReward", sizeAverage=average, **fields)).train()
    sampling: Any = criterion.get_submodule("module")
    x = torch.from_numpy(normal(5, 4))
    baseline = torch.zeros(5, 1, dtype=torch.float64, requires_grad=True)
    torch.manual_seed(3)
    y = sampling(x)
    target = y.detach().argmax(1) + 1
    target[0] = target[0] % 3 + 1  # one wrong
    loss = criterion([y, baseline], target)
    loss.backward()

    right = torch.tensor([0.0, 1, 1, 1, 1], dtype=torch.float64) * 2
    assert loss.item() == pytest.approx(-right.mean() if average else -right.sum())
    assert baseline.grad is not None
    assert torch.allclose(baseline.grad[:, 0], -2 * right / 5)
    reward = right / 5 if average else right
    mean = torch.nn.functional.linear(x, *sampling[0].parameters())
    slope = -(y - mean) / 0.25 * reward[:, None]
    weight = sampling[0].weight.grad
    golden.assert_close("weight", weight, (slope.T @ x).detach().numpy(), 1e-10)


REWARD = {"module": linear(4, 5), "criterion": lua_object("nn.MSECriterion"), "scale": 3}


def test_rewards_against_the_reference() -> None:
    target = np.array([1, 2, 1, 3])
    compare_criterion(
        lua_object("nn.VRClassReward", **REWARD), [normal(4, 3), normal(4, 1)], target
    )
    single = [normal(3), normal(1)]
    compare_criterion(lua_object("nn.VRClassReward", **REWARD), single, np.array([2]))
    binary = lua_object("nn.BinaryClassReward", sizeAverage=False, **REWARD)
    compare_criterion(binary, [positive(4), normal(4, 1)], np.array([0.0, 1, 1, 0]))
    with pytest.raises(ValueError, match="one probability per sample"):
        network_of(binary)([torch.ones(2, 2), torch.ones(2)], torch.ones(2))


@pytest.mark.parametrize("average", [True, False])
def test_nce_criterion(average: bool) -> None:
    lists = [positive(4), positive(4, 3), positive(4), positive(4, 3)]
    compare_criterion(lua_object("nn.NCECriterion", sizeAverage=average), lists)


@pytest.mark.parametrize("average", [True, False])
@pytest.mark.parametrize("shape", [(4,), (4, 1), (1, 4)])
def test_logistic_regression(shape: tuple[int, ...], average: bool) -> None:
    obj = lua_object("nn.BinaryLogisticRegression", sizeAverage=average)
    compare_criterion(obj, normal(*shape), signs(4))
    with pytest.raises(ValueError, match=r"\(N, 1\)"):
        network_of(obj)(torch.ones(2, 2), torch.ones(4))


@pytest.mark.parametrize("average", [True, False])
@pytest.mark.parametrize("shape", [(1, 3, 4), (2, 1, 3, 4)])
def test_spatial_logistic_regression(shape: tuple[int, ...], average: bool) -> None:
    obj = lua_object("nn.SpatialBinaryLogisticRegression", sizeAverage=average)
    compare_criterion(obj, normal(*shape), signs(*shape))
    with pytest.raises(ValueError, match="one channel"):
        network_of(obj)(torch.ones(2, 3, 3), torch.ones(2, 3, 3))
