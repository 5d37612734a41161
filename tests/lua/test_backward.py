"""Which networks' gradients depend on the memory that Lua writes them into."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

import t7convert
from t7convert.conversion import convert_tree
from t7convert.format.objects import LuaObject
from t7convert.lua.backward import unfollowed, writes_seen
from t7convert.lua.tree import build
from tests.build import linear, obj, sequential, table
from tests.conftest import FIXTURES


def fork(kind: str, *modules: LuaObject) -> LuaObject:
    return obj(kind, modules=table(*modules), dimension=2)


def relu() -> LuaObject:
    return obj("nn.ReLU", threshold=0, val=0, inplace=True)


def residual(first: LuaObject, *, in_place: bool) -> LuaObject:
    beside = obj("nn.Identity")
    total = obj("nn.CAddTable", inplace=in_place)
    return sequential(linear(3, 3), fork("nn.ConcatTable", first, beside), total)


SHARED = linear(3, 3, seed=5)
TWICE = sequential(SHARED, obj("nn.Tanh"), SHARED)


@pytest.mark.parametrize(
    ("network", "expected"),
    [
        (residual(sequential(linear(3, 3), relu()), in_place=True), True),
        (residual(sequential(linear(3, 3), relu()), in_place=False), False),
        (residual(sequential(relu(), linear(3, 3)), in_place=True), False),
        (TWICE, True),
        (fork("nn.DepthConcat", SHARED, SHARED), False),
        (sequential(SHARED, obj("nn.LogSigmoid"), linear(3, 3)), False),
    ],
)
def test_gradients_that_others_can_see_overwritten(network: LuaObject, expected: bool) -> None:
    assert writes_seen(build(network)) is expected


def test_what_is_not_followed_is_said() -> None:
    assert unfollowed(build(fork("nn.DepthConcat", SHARED, SHARED)))
    assert not unfollowed(build(TWICE))
    assert not unfollowed(build(linear(3, 3)))


def test_a_pass_that_fails_leaves_autograd_on() -> None:
    network = convert_tree(build(TWICE)).network.float()
    with pytest.raises(RuntimeError):
        network(torch.zeros(2, 7))

    assert torch.is_grad_enabled()
    network(torch.zeros(2, 3)).sum().backward()
    assert all(p.grad is not None for p in network.parameters())


def test_in_training_gradients_are_autograds() -> None:
    network = convert_tree(build(TWICE)).network.float().train()
    output = network(torch.ones(2, 3, requires_grad=True))

    assert "_Back" not in type(output.grad_fn).__name__
    assert "_Back" in type(network.eval()(torch.ones(2, 3)).grad_fn).__name__


def test_the_source_says_that_its_gradients_are_others(tmp_path: Path) -> None:
    target = tmp_path / "net.py"
    t7convert.convert(FIXTURES / "nets2/recursive/model.t7.xz", target, verify=False)

    assert "# Torch7 writes gradients of this network over one another" in target.read_text()
