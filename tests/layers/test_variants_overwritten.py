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


@pytest.mark.parametrize(
    ("given", "copied"),
    [
        (obj("w2nn.Print", name="x"), True),
        (obj("onmt.VariationalDropout", p=0.3), True),
        (obj("nn.SpatialUniformCrop", oheight=2, owidth=3, scaler=None), True),
        (obj("nn.CategoricalEntropy", scale=1, sizeAverage=True), False),
        (obj("nn.FeatExpander", n=1), False),
    ],
    ids=lambda value: getattr(value, "typename", None),
)
def test_who_copies_is_not_overwritten(given: LuaObject, copied: bool) -> None:
    """Some classes of Lua copy what they hand on, others don't; then half of it is left."""
    halved = obj("nn.MulConstant", constant_scalar=0.5, inplace=True)
    both = obj("nn.ConcatTable", modules=table(given, halved))
    tree = build(sequential(obj("nn.Tanh"), both))
    shape = (1, 2, 4, 5) if given.typename == "nn.SpatialUniformCrop" else (2, 3)
    x = np.random.default_rng(3).standard_normal(shape)

    for found in (convert_tree(tree).network(torch.from_numpy(x)), Executor().run(tree, x)):
        first = np.tanh(x)[..., :2, :3] / (1 if copied else 2)
        np.testing.assert_allclose(np.asarray(found[0]), first, rtol=1e-12)
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
