"""Outputs that are overwritten and read again, as Torch7 ran them (variants_overwritten.lua)."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from t7convert.conversion import convert_tree
from t7convert.format.objects import LuaObject, LuaTable
from t7convert.inputs.drawing import Trial
from t7convert.lua.tree import build
from t7convert.parity.check import Options, check_network
from t7convert.reference import Executor
from tests import golden
from tests.build import obj, sequential, table, tensor
from tests.conftest import FIXTURES

CASES = dict(golden.cases(FIXTURES / "variants" / "overwritten.t7.xz"))


@pytest.mark.parametrize("label", CASES)
def test_as_torch7(label: str) -> None:
    case: LuaTable = CASES[label]
    golden.check_module(label, case)
    golden.check_reference(label, case)  # evaluation


@pytest.mark.parametrize("kind", ["LSTM", "VanillaRNN"])
@pytest.mark.parametrize("remember", [True, False])
def test_torch_rnn_as_its_reference(kind: str, remember: bool) -> None:
    """The reference reads the overwritten output as torch-rnn's LSTM.lua and VanillaRNN.lua do."""
    tree = build(sequential(_torch_rnn(kind, remember), obj("nn.ELU", alpha=1.0, inplace=True)))
    given = [Trial("x", np.random.default_rng(1).standard_normal((2, 4, 3)))]
    options = Options(dtype="float64", gradients=True)
    report = check_network(tree, convert_tree(tree), options, trials=given)

    assert report.ok, report
    apart = build(sequential(_torch_rnn(kind, remember), obj("nn.ELU", alpha=1.0, inplace=False)))
    other = check_network(tree, convert_tree(apart), options, trials=given)
    assert {row.kind for row in other.failures} == {"gradient"}


@pytest.mark.parametrize("typename", ["w2nn.Print", "onmt.VariationalDropout"])
def test_a_copy_is_not_overwritten(typename: str) -> None:
    """Lua copies in these classes, though they give what they get."""
    halved = obj("nn.MulConstant", constant_scalar=0.5, inplace=True)
    both = obj("nn.ConcatTable", modules=table(obj(typename, p=0.3, name="x"), halved))
    tree = build(sequential(obj("nn.Tanh"), both))
    x = np.random.default_rng(3).standard_normal((2, 3))

    for found in (convert_tree(tree).network(torch.from_numpy(x)), Executor().run(tree, x)):
        np.testing.assert_allclose(np.asarray(found[0]), np.tanh(x), rtol=1e-12)
        np.testing.assert_allclose(np.asarray(found[1]), np.tanh(x) / 2, rtol=1e-12)


def _torch_rnn(kind: str, remember: bool) -> LuaObject:
    draw = np.random.default_rng(2).standard_normal
    parts = 4 if kind == "LSTM" else 1
    return obj(
        f"nn.{kind}",
        weight=tensor(draw((3 + 2, parts * 2))),
        bias=tensor(draw(parts * 2)),
        input_dim=3,
        hidden_dim=2,
        remember_states=remember,
    )
