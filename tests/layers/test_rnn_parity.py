"""The parity check of recurrent networks: inputs of their own geometry, memory forgotten before."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from t7convert.conversion import convert_tree
from t7convert.format.objects import LuaObject
from t7convert.inputs.drawing import draw
from t7convert.inputs.geometry import Leaf, spec_of
from t7convert.lua.tree import build
from t7convert.parity.gradients import check_gradients
from t7convert.parity.reference_side import Reference
from t7convert.parity.running import check_trial
from t7convert.parity.side import Side
from tests.build import obj, table
from tests.layers.rnn_compare import (
    linear,
    lua,
    rec_lstm,
    recurrence,
    seq_gru,
    seq_lstm,
    sequencer,
    step_gru,
    step_lstm,
)


def sequential(*modules: LuaObject) -> LuaObject:
    return obj("nn.Sequential", modules=table(*modules))


def elman() -> LuaObject:
    parts = table(obj("nn.Add", bias=lua(3)), linear(2, 3), linear(3, 3), obj("nn.Tanh"))
    modules = table(*parts.list(), obj("nn.CAddTable"))
    return obj("nn.Recurrent", modules=modules)


def lookup(entries: int, size: int) -> LuaObject:
    return obj("nn.LookupTableMaskZero", weight=lua(entries + 1, size), paddingValue=0)


def lookup_rnn() -> LuaObject:
    both = obj("nn.ParallelTable", modules=table(lookup(7, 3), linear(3, 3)))
    step = sequential(both, obj("nn.CAddTable"), obj("nn.Tanh"))
    return obj("nn.LookupRNN", modules=table(step), outputSize=table(3), nInputDim=0)


def linear_rnn() -> LuaObject:
    joined = obj("nn.JoinTable", dimension=1, nInputDims=1)
    step = sequential(joined, linear(5, 3), obj("nn.Tanh"))
    return obj("nn.LinearRNN", modules=table(step), outputSize=table(3), nInputDim=1)


def cell(name: str) -> LuaObject:
    """Return a module of Lua's layers, as nn.GRU has: its input is read by the first Linear."""
    both = obj("nn.ParallelTable", modules=table(linear(2, 3), linear(3, 3)))
    step = sequential(both, obj("nn.CAddTable"), obj("nn.Sigmoid"))
    return obj(name, modules=table(step), outputSize=3)


def both_ways() -> LuaObject:
    halves = table(sequencer(recurrence(2, 3), "both"), sequencer(recurrence(2, 3)))
    wired = sequential(
        obj("nn.ConcatTable", modules=halves),
        obj("nn.ZipTable"),
        sequencer(obj("nn.Recursor", modules=table(obj("nn.CAddTable")))),
    )
    return obj("nn.BiSequencer", module=wired, modules=table(wired))


def attention() -> LuaObject:
    both = obj("nn.ParallelTable", modules=table(linear(2, 3), linear(4, 3)))
    glimpse = sequential(both, obj("nn.CAddTable"), obj("nn.Tanh"))
    rnn = obj("nn.Recursor", modules=table(glimpse))
    action = obj("nn.Recursor", modules=table(linear(3, 4)))
    return obj("nn.RecurrentAttention", modules=table(rnn, action), nStep=2, hiddenSize=table(3))


def steps(*dims: int, high: int = 0) -> Leaf:
    return Leaf(("T", 3, *dims), high=high, batched=False)


NETWORKS: list[tuple[LuaObject, Any]] = [
    (seq_lstm(2, 3, _remember="both"), steps(2)),
    (seq_lstm(2, 3, batchfirst=True), Leaf(("T", 2))),
    (seq_lstm(2, 3, 4, _remember="eval"), steps(2)),
    (seq_lstm(2, 3, v2=True, _remember="both"), steps(2)),
    (seq_gru(4, 3, _remember="both"), steps(4)),
    (seq_gru(4, 3, batchfirst=True), Leaf(("T", 4))),
    (rec_lstm(step_lstm(2, 3)), Leaf((2,))),
    (obj("nn.RecGRU", modules=table(step_gru(4, 3)), outputsize=3), Leaf((4,))),
    (recurrence(2, 3), Leaf((2,))),
    (linear_rnn(), Leaf((2,))),
    (cell("nn.GRU"), Leaf((2,))),
    (elman(), Leaf((2,))),
    (sequencer(elman(), "both"), steps(2)),
    (sequencer(lookup_rnn(), "both"), steps(high=7)),
    (sequential(lookup(7, 2), seq_gru(2, 3, _remember="both")), Leaf(("T",), high=7)),
    (sequencer(obj("nn.CAddTable")), [[Leaf((5,)), Leaf((5,))]] * 3),
    (obj("nn.Repeater", modules=table(recurrence(2, 3)), rho=2), Leaf((2,))),
    (both_ways(), [Leaf((2,))] * 4),
    (attention(), Leaf((2,))),
    (
        obj("nn.VariableLength", modules=table(seq_lstm(2, 3, v2=True, maskzero=True))),
        [Leaf((n, 2), batched=False) for n in (3, 5, 2)],
    ),
]


@pytest.mark.parametrize(("made", "spec"), NETWORKS)
def test_recurrent_networks(made: LuaObject, spec: Any) -> None:
    tree = build(made)
    converted = convert_tree(tree)
    network = converted.network.double()
    side = Side(network, converted.modules, torch.float64, torch.device("cpu"))
    reference = Reference(tree)
    first, *_ = draw(tree, network, 0)

    assert spec_of(tree) == spec
    for _ in range(2):  # the network forgets in between
        rows = check_trial(reference, side, first)
        assert {row.status for row in rows} == {"ok"}
    gradients = check_gradients(tree, converted, side, first)
    assert {row.status for row in gradients} <= {"ok"}
