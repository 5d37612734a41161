"""LSTM and GRU over sequences: against Torch7, the reference, and torch.nn.LSTM."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from t7convert.errors import ConversionError
from t7convert.nn.memory import forget, remember, set_zero_mask
from t7convert.nn.rnn_seq import SeqGRU, SeqLSTM
from t7convert.nn.rnn_steps import StepLSTM
from tests.build import tensor
from tests.layers.rnn_compare import (
    check_fixtures,
    check_golden,
    compare,
    lua,
    network,
    normal,
    rec_lstm,
    seq_gru,
    seq_lstm,
    sequencer,
    step_gru,
    step_lstm,
)

CLASSES = """
rnn.SeqLSTM rnn.SeqLSTMP rnn.SeqGRU trnn.SeqLSTM trnn.SeqGRU trnn.RecLSTM trnn.RecGRU
"""


@pytest.mark.parametrize("name", CLASSES.split())
def test_golden(shared: Path, name: str) -> None:
    check_golden(shared, name)


@pytest.mark.parametrize("name", CLASSES.split())
def test_fixtures(name: str) -> None:
    check_fixtures(name)


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize(
    ("module", "inputs"),
    [
        (seq_lstm(2, 3), 2),
        (seq_lstm(4, 2, 5), 4),
        (seq_lstm(3, 5, 2, batchfirst=True), 3),
        (seq_lstm(2, 3, v2=True), 2),
        (seq_lstm(2, 3, 4, v2=True), 2),
        (seq_lstm(2, 3, hiddensize=None), 2),
        (seq_gru(2, 3), 2),
        (seq_gru(3, 2, batchfirst=True), 3),
        (seq_gru(3, 2, v2=True), 3),
    ],
)
def test_shapes(module: Any, inputs: int, batch: int) -> None:
    compare(module, [normal(4, batch, inputs)])


@pytest.mark.parametrize("made", [seq_lstm, seq_gru])
@pytest.mark.parametrize("batch_first", [False, True])
def test_rows_of_zeros_restart(made: Any, batch_first: bool) -> None:
    module = made(2, 3, maskzero=True, batchfirst=batch_first)
    x = normal(5, 3, 2)
    x[0, 0] = x[2, 1] = x[4, 2] = 0
    (y,) = compare(module, [x.swapaxes(0, 1) if batch_first else x])
    y = y.swapaxes(0, 1) if batch_first else y

    assert (y[0, 0] == 0).all()
    assert (y[2, 1] == 0).all()
    (fresh,) = compare(module, [x.swapaxes(0, 1)[:, 3:] if batch_first else x[3:]])
    fresh = fresh.swapaxes(0, 1) if batch_first else fresh
    assert np.allclose(fresh[:, 1], y[3:, 1])


def test_a_projection_is_masked_too() -> None:
    x = normal(4, 2, 3)
    x[1, 0] = 0
    (y,) = compare(seq_lstm(3, 4, 2, maskzero=True), [x])

    assert (y[1, 0] == 0).all()


@pytest.mark.parametrize("mode", ["both", "eval", "train", "neither"])
@pytest.mark.parametrize("made", [seq_lstm, seq_gru])
def test_memory_in_evaluation(made: Any, mode: str) -> None:
    x = normal(3, 2, 2)
    first, second, third = compare(made(2, 3, _remember=mode), [x, x, x])

    assert np.allclose(first, second) == (mode in ("train", "neither"))
    assert np.allclose(second, third) == (mode in ("train", "neither"))


@pytest.mark.parametrize("mode", ["both", "eval", "train", "neither"])
def test_memory_in_training(mode: str) -> None:
    net = network(seq_gru(2, 3, _remember=mode)).train()
    x = torch.from_numpy(normal(3, 2, 2))

    assert torch.equal(net(x), net(x)) == (mode in ("eval", "neither"))


def test_a_given_state_wins_and_is_not_remembered_at_first() -> None:
    """Lua copies the last state into its own buffers only where it has filled them before."""
    x, h, c = normal(3, 2, 2), normal(2, 3), normal(2, 3)
    outputs = compare(seq_lstm(2, 3, _remember="both"), [[c, h, x], x, x, [h, x], [c, h, x]])
    module = seq_lstm(2, 3, _remember="both")
    fresh, *_ = compare(module, [x])
    after_given, *_ = compare(module, [[c, h, x], x])[1:]

    assert np.allclose(fresh, after_given)
    assert not np.allclose(outputs[1], outputs[2])
    assert np.allclose(outputs[0], outputs[4])


def test_gradients_of_given_states() -> None:
    x, h, c = normal(3, 2, 2), normal(2, 4), normal(2, 3)

    compare(seq_lstm(2, 3, 4), [[c, h, x]])
    compare(seq_lstm(2, 3, 4, batchfirst=True), [[h, x.swapaxes(0, 1)]])
    compare(seq_gru(2, 4), [[h, x]])


def test_another_batch_size() -> None:
    x, y = torch.zeros(3, 2, 2).double(), torch.zeros(3, 4, 2).double()
    older = network(seq_lstm(2, 3, _remember="both"))
    older(x)
    with pytest.raises(RuntimeError, match=r"batch of 2, the input of 4; call forget"):
        older(y)
    forget(older)(y)
    newer = network(seq_lstm(2, 3, _remember="both", v2=True))
    newer(x)

    assert torch.allclose(newer(y)[:, :2], forget(newer)(x), rtol=1e-12)
    compare(seq_gru(2, 3, _remember="eval", v2=True), [normal(3, 2, 2), normal(2, 4, 2)])


def test_a_start_in_the_file_serves_once() -> None:
    x = normal(3, 2, 2)
    fields = {"userPrevOutput": lua(2, 3), "userPrevCell": lua(2, 3)}
    first, second = compare(seq_lstm(2, 3, **fields), [x, x], gradient=False)

    assert not np.allclose(first, second)


def test_the_same_as_torch_nn_lstm_with_its_gates_reordered() -> None:
    ours = SeqLSTM(3, 4).double()
    theirs: Any = torch.nn.LSTM(3, 4).double()
    order = [0, 1, 3, 2]  # i, f, o, g here; i, f, g, o there
    with torch.no_grad():
        weight = torch.cat([ours.weight.chunk(4, 1)[n] for n in order], 1)
        theirs.weight_ih_l0.copy_(weight[:3].t())
        theirs.weight_hh_l0.copy_(weight[3:].t())
        theirs.bias_ih_l0.copy_(torch.cat([ours.bias.chunk(4)[n] for n in order]))
        theirs.bias_hh_l0.zero_()
    x = torch.from_numpy(normal(6, 2, 3))

    assert torch.allclose(ours(x), theirs(x)[0], rtol=1e-12)


def test_a_mask_that_is_given() -> None:
    mask = np.zeros((4, 2), np.uint8)
    mask[1, 0] = mask[3, 1] = 1
    for made in (seq_lstm, seq_gru):
        module = made(2, 3, maskzero=True, v2=True, zeroMask=tensor(mask, "Byte"))
        (y,) = compare(module, [normal(4, 2, 2)])

        assert (y[1, 0] == 0).all()
        assert (y[3, 1] == 0).all()
        assert (y[2] != 0).all()


def test_masks_from_outside() -> None:
    net = network(seq_lstm(2, 3, maskzero=True, v2=True))
    x = torch.from_numpy(normal(4, 2, 2))
    with pytest.raises(RuntimeError, match="set_zero_mask must be called first"):
        net(x)
    set_zero_mask(net, torch.zeros(3, 2))
    with pytest.raises(RuntimeError, match=r"the zero mask is \(3, 2\), the input \(4, 2, 2\)"):
        net(x)
    set_zero_mask(net, False)
    plain = net(x)
    mask = torch.zeros(4, 2)
    mask[2, 1] = 1
    set_zero_mask(net, mask)

    assert torch.equal(net(x)[2, 1], torch.zeros(3).double())
    assert torch.equal(net(x)[:, 0], plain[:, 0])
    compare(seq_lstm(2, 3, maskzero=True, v2=True, zeroMask=False), [x.numpy()])
    compare(seq_lstm(2, 3, maskzero=True, v2=False), [x.numpy()])


@pytest.mark.parametrize(
    "module",
    [
        rec_lstm(step_lstm(2, 3)),
        rec_lstm(step_lstm(2, 3, 4)),
        rec_lstm(step_lstm(2, 3, maskzero=True, v2=False)),
    ],
)
def test_recurrent_steps(module: Any) -> None:
    x = normal(4, 2, 2)
    x[1, 1] = 0

    compare(sequencer(module), [x, x])
    compare(module, [x[0], x[1], x[2]], gradient=False)


def test_step_gru() -> None:
    compare(step_gru(2, 3), [[normal(4, 2), normal(4, 3)]])
    compare(step_gru(2, 3, maskzero=True, v2=True, zeroMask=False), [[normal(4, 2), normal(4, 3)]])


def test_a_sequence_mask_reaches_the_steps() -> None:
    net = network(sequencer(rec_lstm(step_lstm(2, 3, maskzero=True, v2=True))))
    mask = torch.zeros(4, 2)
    mask[2, 0] = 1
    x = torch.from_numpy(normal(4, 2, 2))
    set_zero_mask(net, mask)
    y = net(x)
    set_zero_mask(net, False)

    assert (y[2, 0] == 0).all()
    assert torch.equal(y[:, 1], net(x)[:, 1])
    set_zero_mask(net, mask[:3])
    with pytest.raises(RuntimeError, match="the zero mask was for 3 steps"):
        net(x)


def test_a_sequence_mask_in_the_file() -> None:
    """AbstractRecurrent.lua counts the steps of its mask; the step's own mask is older."""
    mask = np.zeros((5, 2))
    mask[3, 0] = 1
    step = step_lstm(2, 3, maskzero=True, v2=True, zeroMask=tensor(np.ones(2), "Byte"))
    module = rec_lstm(step, zeroMask=tensor(mask, "Byte"), zeroMaskStep=1)
    (y,) = compare(sequencer(module), [normal(4, 2, 2)])

    assert (y[2, 0] == 0).all()
    assert (y[[0, 1, 3]] != 0).all()
    assert (y[2, 1] != 0).all()


def test_switching_between_training_and_evaluation_forgets() -> None:
    net = network(seq_lstm(2, 3, _remember="both"))
    x = torch.from_numpy(normal(3, 2, 2))
    first = net(x)
    net.eval()

    assert not torch.equal(first, net(x))
    net.train()
    assert torch.equal(first, net(x))
    net.eval()
    assert torch.equal(first, net(x))


def test_remember_on_a_network() -> None:
    net = torch.nn.Sequential(SeqGRU(2, 3), SeqLSTM(3, 3)).eval()
    remember(net, "eval")
    x = torch.randn(3, 2, 2)

    assert [child.remember_mode for child in net] == ["eval", "eval"]
    assert not torch.equal(net(x), net(x))
    assert torch.equal(forget(net)(x), forget(net)(x))
    with pytest.raises(ValueError, match="memory mode 'always', expected one of both"):
        remember(net, "always")


def test_new_modules_start_as_torch7s_do() -> None:
    torch.manual_seed(0)
    module = SeqLSTM(60, 40)

    assert torch.equal(module.bias, torch.tensor([0.0, 1, 0, 0]).repeat_interleave(40))
    assert module.weight.std().item() == pytest.approx(0.1, rel=0.05)
    step = StepLSTM(40, 60, 40)
    assert torch.equal(step.bias, torch.tensor([0.0, 1, 0, 0, 0, 0]).repeat_interleave(40))
    assert step.weightO is not None
    assert step.weightO.std().item() == pytest.approx(0.1, rel=0.05)


def test_what_cannot_be_understood() -> None:
    with pytest.raises(RuntimeError, match="three dimensions expected"):
        network(seq_lstm(2, 3))(torch.zeros(3, 2).double())
    with pytest.raises(ConversionError, match="the file lacks the field inputsize"):
        network(seq_lstm(2, 3, inputsize=None))
    with pytest.raises(ConversionError, match="weight: the shape is"):
        network(seq_lstm(2, 3, weight=lua(4, 12)))
