"""Recurrent modules that take one step per call: against Torch7, the reference, and themselves."""

from __future__ import annotations

import copy
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from t7convert.errors import ConversionError
from t7convert.nn.memory import Memory, forget
from t7convert.nn.rnn_cells import LSTM, Recurrence, Recursor
from t7convert.nn.rnn_sequencers import Sequencer
from t7convert.nn.rnn_steps import StepLSTM
from tests.build import obj, storage, table, tensor
from tests.layers.rnn_compare import (
    check_fixtures,
    check_golden,
    compare,
    linear,
    lua,
    network,
    normal,
    rec_lstm,
    recurrence,
    sequencer,
    step_gru,
    step_lstm,
)

CLASSES = """
rnn.LSTM rnn.FastLSTM rnn.GRU rnn.MuFuRu rnn.Recurrent rnn.Recurrence rnn.Recursor
trnn.LSTM trnn.FastLSTM trnn.GRU trnn.LinearRNN trnn.LookupRNN
"""


@pytest.mark.parametrize("name", CLASSES.split())
def test_golden(shared: Path, name: str) -> None:
    check_golden(shared, name)


@pytest.mark.parametrize("name", CLASSES.split())
def test_fixtures(name: str) -> None:
    check_fixtures(name)


def lstm(**fields: Any) -> Any:
    """Return an nn.LSTM whose step is torch/rnn's (the class doesn't care)."""
    step = step_lstm(2, 3)
    fields = {"recurrentModule": step, "outputSize": 3, "modules": table(step), **fields}
    return obj("nn.LSTM", **fields)


def gru(**fields: Any) -> Any:
    return obj("nn.GRU", **{"outputSize": 3, "modules": table(step_gru(2, 3)), **fields})


def elman(first: Any, read: Any, **fields: Any) -> Any:
    modules = table(first, read, linear(3, 3), obj("nn.Tanh"), obj("nn.CAddTable"))
    return obj("nn.Recurrent", modules=modules, **fields)


CELLS = {
    "LSTM": lstm(),
    "GRU": gru(),
    "RecLSTM": rec_lstm(step_lstm(2, 3, 4)),
    "Recurrence": recurrence(2, 3),
    "Recurrent": elman(obj("nn.Add", bias=lua(3)), linear(2, 3)),
    "Recursor": obj("nn.Recursor", modules=table(lstm())),
}


@pytest.mark.parametrize("module", CELLS.values(), ids=CELLS.keys())
def test_bare_they_go_on_from_call_to_call(module: Any) -> None:
    x = normal(4, 2)
    outputs = compare(module, [x, x, x], gradient=False)

    assert not np.allclose(outputs[0], outputs[1])
    assert not np.allclose(outputs[1], outputs[2])


@pytest.mark.parametrize("module", CELLS.values(), ids=CELLS.keys())
def test_sequences(module: Any) -> None:
    x = normal(5, 4, 2)

    compare(sequencer(module), [x])
    compare(sequencer(module, "eval"), [x, x, list(x)])
    compare(sequencer(module), [[x[0][:1]] * 3])


@pytest.mark.parametrize("name", ["Recurrence", "Recurrent"])
def test_without_a_batch(name: str) -> None:
    compare(sequencer(CELLS[name]), [list(normal(3, 2))])


@pytest.mark.parametrize("module", CELLS.values(), ids=CELLS.keys())
def test_stepping_by_hand_is_the_sequence(module: Any) -> None:
    x = torch.from_numpy(normal(4, 2, 2))
    net = network(module)
    by_hand = torch.stack([net(step) for step in x])
    by_hand.sum().backward()
    gradients = [p.grad.clone() for p in net.parameters()]
    net.zero_grad()
    at_once = Sequencer(net)(x)
    at_once.sum().backward()

    assert torch.equal(by_hand, at_once)
    for found, parameter in zip(gradients, net.parameters(), strict=True):
        assert torch.allclose(found, parameter.grad)


@pytest.mark.parametrize("module", CELLS.values(), ids=CELLS.keys())
def test_what_writes_over_the_output_writes_over_the_memory(module: Any) -> None:
    """Lua keeps the output itself for the next step, not a copy."""
    relu = obj("nn.ReLU", inplace=True)
    step = obj("nn.Sequential", modules=table(module, relu))
    x = normal(4, 40, 2) * 5
    (y,) = compare(sequencer(obj("nn.Recursor", modules=table(step))), [x])
    (plain,) = compare(sequencer(module), [x])

    assert np.allclose(y[0], plain[0] * (plain[0] > 0))
    assert not np.allclose(y[3], plain[3] * (plain[3] > 0))


def test_forget() -> None:
    net = network(lstm())
    assert isinstance(net, Memory)
    x = torch.from_numpy(normal(4, 2))
    first = net(x)

    assert not torch.equal(net(x), first)
    assert torch.equal(net.forget()(x), first)
    around = nn.Sequential(nn.Identity(), nn.Sequential(net))
    assert torch.equal(forget(around)(x), first)


def test_memory_is_no_part_of_the_state_and_is_left_behind_on_a_move() -> None:
    net = network(lstm())
    keys = set(net.state_dict())
    x = torch.from_numpy(normal(4, 2))
    first = net(x)

    assert set(net.state_dict()) == keys == {"0.weight", "0.bias"}
    assert torch.equal(net.double()(x), first)
    assert net.float()(x.float()).dtype == torch.float32


def test_a_copy_goes_on_where_the_original_stands() -> None:
    net = network(sequencer(lstm(), "both"))
    x = torch.from_numpy(normal(3, 4, 2))
    net(x)
    copied = copy.deepcopy(net)
    buffer = io.BytesIO()
    torch.save(net, buffer)
    buffer.seek(0)
    loaded = torch.load(buffer, weights_only=False)

    expected = net(x)
    assert torch.equal(copied(x), expected)
    assert torch.equal(loaded(x), expected)


def test_gradients_end_where_a_call_began() -> None:
    net = network(sequencer(recurrence(2, 3), "both")).train()
    x = torch.from_numpy(normal(3, 4, 2))
    before = x.clone().requires_grad_()
    net(before)
    net(x).sum().backward()

    assert before.grad is None
    net(x).sum().backward()  # a graph of its own


@pytest.mark.parametrize(
    ("module", "states"),
    [
        (lstm(userPrevOutput=lua(4, 3), userPrevCell=lua(4, 3)), 2),
        (gru(userPrevOutput=lua(4, 3)), 1),
        (gru(startState=lua(4, 3)), 1),
        (rec_lstm(step_lstm(2, 3), startState=table(lua(4, 3), lua(4, 3))), 2),
        (recurrence(2, 3, startState=lua(4, 3)), 1),
        (recurrence(2, 3, userPrevOutput=lua(4, 3)), 1),
    ],
)
def test_a_start_in_the_file(module: Any, states: int) -> None:
    x = normal(2, 4, 2)
    first, second = compare(sequencer(module), [x, x])
    net = network(module)

    assert np.allclose(first, second)  # it serves at every start
    assert len(list(net.buffers())) == states
    assert not any("start" in key for key in net.state_dict())


def test_states_that_are_tables() -> None:
    """Recurrence.lua allows nested tables of sizes, and LongStorages."""
    swap = obj(
        "nn.ConcatTable",
        modules=table(obj("nn.SelectTable", index=2), obj("nn.SelectTable", index=1)),
    )
    added = obj("nn.Sequential", modules=table(obj("nn.FlattenTable"), swap))
    sizes = table(table(2), storage([3], "Long"))
    net = network(obj("nn.Recurrence", modules=table(added), outputSize=sizes, nInputDim=1))
    first = net(torch.ones(4, 2).double())

    assert [tuple(part.shape) for part in first] == [(4, 2), (4, 2)]
    assert isinstance(net, Recurrence)
    assert net.output_size == [[2], [3]]
    compare(
        obj("nn.Recurrence", modules=table(added), outputSize=sizes, nInputDim=1),
        [normal(4, 2)],
        gradient=False,
    )


def test_an_input_of_other_dimensions() -> None:
    with pytest.raises(RuntimeError, match="an input of 1 dimensions expected, with a batch"):
        network(recurrence(2, 3))(torch.ones(1, 1, 2).double())


def batch_norm(features: int) -> Any:
    return obj(
        "nn.BatchNormalization",
        running_mean=lua(features),
        running_var=tensor(np.random.default_rng(1).uniform(0.5, 2, features)),
        eps=1e-5,
        momentum=0.1,
    )


def test_the_first_step_may_have_statistics_of_its_own() -> None:
    read = linear(2, 3)
    shared = obj("nn.Linear", weight=read["weight"], bias=read["bias"])
    start = obj("nn.Add", bias=lua(3))
    later = obj("nn.Sequential", modules=table(read, batch_norm(3)))
    other = obj("nn.Sequential", modules=table(shared, batch_norm(3)))
    initial = obj("nn.Sequential", modules=table(other, start, obj("nn.Tanh")))
    x = normal(3, 4, 2)
    (with_own,) = compare(
        sequencer(elman(start, later, initialModule=initial)), [x], gradient=False
    )
    (without,) = compare(sequencer(elman(start, later)), [x], gradient=False)
    net = network(elman(start, later, initialModule=initial))

    assert not np.allclose(with_own[0], without[0])
    assert len(list(net.parameters())) == 5  # the copy's are tied


def test_what_cannot_be_understood() -> None:
    with pytest.raises(ConversionError, match="it holds no module"):
        network(obj("nn.FastLSTM", modules=table(), outputSize=3))
    with pytest.raises(ConversionError, match="lacks the field outputSize"):
        network(lstm(outputSize=None))
    with pytest.raises(ConversionError, match="it holds 1 modules, expected five"):
        network(obj("nn.Recurrent", modules=table(obj("nn.Tanh"))))
    with pytest.raises(ConversionError, match="outputSize holds 'x'"):
        network(recurrence(2, 3, outputSize=table("x")))
    with pytest.raises(ConversionError, match="nested table"):
        network(recurrence(2, 3, startState=table(table(lua(4, 3)))))


def test_recurrent_modules_on_their_own() -> None:
    cell = LSTM(StepLSTM(2, 3), 3)
    nested = Recursor(nn.Sequential(cell, nn.Linear(3, 1)))

    assert Sequencer(nested)(torch.zeros(4, 5, 2)).shape == (4, 5, 1)
    assert "output_size=3" in repr(nested)
    assert "remember='neither'" in repr(Sequencer(nested))
