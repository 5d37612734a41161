"""Modules that run recurrent ones over sequences: against Torch7 and the reference."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from t7convert.errors import ConversionError
from t7convert.nn.memory import remember, set_zero_mask
from t7convert.nn.rnn_cells import Recursor
from t7convert.nn.rnn_sequencers import Sequencer, packing
from tests import golden
from tests.build import obj, table
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
    seq_gru,
    seq_lstm,
    sequencer,
    step_lstm,
)

CLASSES = """
rnn.Sequencer rnn.Repeater rnn.BiSequencer rnn.BiSequencerLM rnn.SeqBRNN rnn.RecurrentAttention
rnn.Stack trnn.SeqBLSTM trnn.SeqBGRU trnn.ReverseUnreverse trnn.VariableLength
trnn.SpatialGlimpse
"""


@pytest.mark.parametrize("name", CLASSES.split())
def test_golden(shared: Path, name: str) -> None:
    check_golden(shared, name)


@pytest.mark.parametrize("name", CLASSES.split())
def test_fixtures(name: str) -> None:
    check_fixtures(name)


def sequential(*modules: Any) -> Any:
    return obj("nn.Sequential", modules=table(*modules))


def concat(*modules: Any) -> Any:
    return obj("nn.ConcatTable", modules=table(*modules))


def reversed_(module: Any) -> Any:
    """Return torch/rnn's nn.ReverseUnreverse around a module."""
    inner = sequential(obj("nn.ReverseSequence"), module, obj("nn.ReverseSequence"))
    return obj("nn.ReverseUnreverse", modules=table(inner))


def both_ways(forward: Any, backward: Any, name: str = "BiSequencer") -> Any:
    """Return torch/rnn's nn.BiSequencer, which adds its two halves."""
    wired = sequential(concat(forward, reversed_(backward)), obj("nn.CAddTable"))
    return obj(f"nn.{name}", modules=table(wired), _remember="neither")


def test_tensors_and_lists_give_the_same() -> None:
    x = normal(4, 3, 2)
    for module in (recurrence(2, 3), linear(2, 3)):
        (stacked,) = compare(sequencer(module), [x])
        (listed,) = compare(sequencer(module), [list(x)])

        assert np.allclose(stacked, np.stack(listed))


@pytest.mark.parametrize("mode", ["both", "eval", "train", "neither"])
@pytest.mark.parametrize("training", [False, True])
def test_memory_modes(mode: str, training: bool) -> None:
    net = network(sequencer(recurrence(2, 3), mode)).train(training)
    x = torch.from_numpy(normal(3, 4, 2))
    lasts = mode in ("both", "train" if training else "eval")

    assert torch.equal(net(x), net(x)) != lasts
    if not training:
        compare(sequencer(recurrence(2, 3), mode), [x.numpy(), x.numpy()])


def test_switching_forgets() -> None:
    net = network(sequencer(recurrence(2, 3), "both"))
    x = torch.from_numpy(normal(3, 4, 2))
    first = net(x)

    assert torch.equal(net.train()(x), first)
    assert torch.equal(net.eval()(x), first)
    assert not torch.equal(net.eval()(x), first)


def test_remember_reaches_the_outermost_sequencers() -> None:
    """Module.lua hands remember() down until a sequencer takes it."""
    inner = Sequencer(Recursor(nn.Linear(2, 2)))
    outer = Sequencer(nn.Sequential(inner))
    remember(nn.Sequential(nn.Identity(), outer))

    assert (outer.remember_mode, inner.remember_mode) == ("both", "neither")
    repeater = network(obj("nn.Repeater", modules=table(sequencer(linear(2, 2))), rho=3))
    remember(repeater, "eval")
    assert repeater[0].remember_mode == "neither"


def test_repeater() -> None:
    x = normal(3, 2)
    outputs = compare(obj("nn.Repeater", modules=table(recurrence(2, 3)), rho=4), [x, x])

    assert len(outputs[0]) == 4
    assert np.allclose(outputs[0], outputs[1])
    compare(obj("nn.Repeater", modules=table(recurrence(2, 3)), seqlen=2), [x])
    compare(obj("nn.Repeater", rnn=recurrence(2, 3), rho=2), [x])  # its oldest form


@pytest.mark.parametrize("steps", [2, 5])
def test_bidirectional_language_model(steps: int) -> None:
    merge = sequential(obj("nn.ZipTable"), sequencer(obj("nn.CAddTable")))
    parts = table(sequencer(recurrence(2, 3)), reversed_(sequencer(recurrence(2, 3))), merge)
    module = obj("nn.BiSequencerLM", modules=parts)
    x = list(normal(steps, 4, 2))
    (y,) = compare(module, [x])

    assert len(y) == steps
    changed = [x[0], *normal(steps - 1, 4, 2)]
    assert not np.allclose(compare(module, [changed])[0][0], y[0])
    with pytest.raises(RuntimeError, match="a list of two steps at least"):
        network(module)([torch.zeros(4, 2).double()])
    with pytest.raises(ConversionError, match="it holds 1 modules, expected three"):
        network(obj("nn.BiSequencerLM", modules=table(sequencer(recurrence(2, 3)))))


def test_the_forward_half_can_remember() -> None:
    x = normal(3, 2, 2)
    for name, made in (("SeqBLSTM", seq_lstm), ("SeqBGRU", seq_gru)):
        module = both_ways(made(2, 3, v2=True), made(2, 3, v2=True), name)
        compare(module, [x, x])
        net = network(module)
        first = net(torch.from_numpy(x))
        net.remember("both")

        assert [m.remember_mode for m in net.modules() if hasattr(m, "bias")] == ["both", "neither"]
        assert torch.equal(net(torch.from_numpy(x)), first) is False


def test_a_mask_is_reversed_for_the_backward_half() -> None:
    module = both_ways(
        seq_lstm(2, 3, v2=True, maskzero=True), seq_lstm(2, 3, v2=True, maskzero=True)
    )
    net = network(module)
    mask = torch.zeros(4, 2)
    mask[0, 0] = 1
    set_zero_mask(net, mask)
    y = net(torch.from_numpy(normal(4, 2, 2)))

    assert (y[0, 0] == 0).all()
    assert (y[3, 0] != 0).all()
    set_zero_mask(net, False)
    assert (net(torch.from_numpy(normal(4, 2, 2))) != 0).all()


def test_packing_fills_rows_from_the_longest_on() -> None:
    assert packing([2, 4, 3, 1]) == [[(1, 0)], [(2, 0)], [(0, 0), (3, 3)]]
    assert packing([5]) == [[(0, 0)]]
    assert packing([1, 1, 3]) == [[(2, 0)], [(1, 0), (0, 2)]]


@pytest.mark.parametrize("last_only", [False, True])
@pytest.mark.parametrize("lengths", [(2, 4, 3, 1), (3,), (1, 1, 3)])
def test_variable_lengths(lengths: tuple[int, ...], last_only: bool) -> None:
    inner = seq_lstm(2, 3, maskzero=True, v2=True)
    x = [normal(n, 2) for n in lengths]
    (y,) = compare(obj("nn.VariableLength", modules=table(inner), lastOnly=last_only), [x])
    alone = network(seq_lstm_without_mask(inner))
    for sample, output in zip(x, y, strict=True):
        whole = alone(torch.from_numpy(sample[:, None]))[:, 0].detach().numpy()
        assert np.allclose(output, whole[-1] if last_only else whole)


def seq_lstm_without_mask(module: Any) -> Any:
    return obj("nn.SeqLSTM", **{**dict(module.payload.items()), "maskzero": False})


def test_variable_lengths_of_steps() -> None:
    inner = sequencer(rec_lstm(step_lstm(2, 3, maskzero=True, v2=True)))
    x = [normal(n, 2) for n in (2, 4, 1)]

    compare(obj("nn.VariableLength", modules=table(inner)), [x, x])


def attention(rnn: Any, **fields: Any) -> Any:
    action = obj("nn.Recursor", modules=table(sequential(linear(3, 2), obj("nn.Tanh"))))
    sizes: dict[str, Any] = {"nStep": 3, "hiddenSize": table(3)}
    return obj("nn.RecurrentAttention", modules=table(rnn, action), **sizes, **fields)


def glimpse() -> Any:
    both = obj("nn.ParallelTable", modules=table(linear(2, 3), linear(2, 3)))
    return sequential(both, obj("nn.CAddTable"))


def elman() -> Any:
    start = obj("nn.Add", bias=lua(3))
    parts = table(start, glimpse(), linear(3, 3), obj("nn.Tanh"), obj("nn.CAddTable"))
    return obj("nn.Recurrent", modules=parts)


def test_attention_in_evaluation_keeps_the_last_step_only() -> None:
    x = normal(4, 2)
    y1, y2, y3 = compare(attention(elman()), [x])[0]

    assert not np.allclose(y1, y2)
    assert np.array_equal(y2, y3)
    both = compare(attention(elman(), forwardActions=True), [x])[0]
    assert [[part.shape for part in step] for step in both] == [[(4, 3), (4, 2)]] * 3
    assert np.array_equal(both[0][1], both[2][1])


def test_attention_in_training_keeps_every_step() -> None:
    net = network(attention(elman())).train()
    y1, y2, y3 = net(torch.from_numpy(normal(4, 2)))

    assert not torch.equal(y2, y3)
    assert not torch.equal(y1, y2)
    y3.sum().backward()
    action = net[1][0][0]
    assert not action.weight.grad.any()  # the action learns by REINFORCE
    with pytest.raises(ConversionError, match="it holds 1 modules, expected two"):
        network(obj("nn.RecurrentAttention", modules=table(elman()), nStep=1, hiddenSize=table(3)))


def test_an_rnn_inside_a_recursor() -> None:
    wrapped = obj("nn.Recursor", modules=table(elman()))
    y1, y2, y3 = compare(attention(wrapped), [normal(4, 2)], gradient=False)[0]

    assert not np.allclose(y1, y2)
    assert np.array_equal(y2, y3)


@pytest.mark.parametrize("gradient", [True, False])
def test_a_module_object_twice_in_a_step(gradient: bool) -> None:
    """Its second call overwrites the first one's output, but steps don't overwrite each other."""
    squash = obj("nn.Tanh")
    step = sequential(linear(2, 2), squash, linear(2, 2), squash)
    x = normal(3, 4, 2)
    (y,) = compare(sequencer(obj("nn.Recursor", modules=table(step))), [x], gradient=gradient)
    (alone,) = compare(step, [x[0]], gradient=False)

    assert np.allclose(y[0], alone)
    repeated = obj("nn.Repeater", modules=table(obj("nn.Recursor", modules=table(step))), rho=2)
    (first, _) = compare(repeated, [x[0]], gradient=gradient)[0]
    assert np.allclose(first, alone)


EXPORTED: list[tuple[Any, Any]] = [
    (recurrence(2, 3), normal(4, 2)),
    (sequencer(recurrence(2, 3), "both"), normal(3, 4, 2)),
    (obj("nn.Repeater", modules=table(recurrence(2, 3)), rho=2), normal(4, 2)),
    (seq_lstm(2, 3, maskzero=True, _remember="both"), normal(3, 4, 2)),
    (attention(elman()), normal(4, 2)),
    (
        obj("nn.VariableLength", modules=table(seq_lstm(2, 3, maskzero=True, v2=True))),
        [normal(3, 2), normal(2, 2)],
    ),
    (obj("nn.TrimZero", modules=table(linear(2, 3)), nInputDim=1), normal(4, 2)),
]


@pytest.mark.parametrize(("made", "input"), EXPORTED)
def test_export(made: Any, input: Any) -> None:
    """An exported graph has no memory, and leaves none behind."""
    net, given = network(made), golden.tensors(input)
    with torch.no_grad():
        exported = torch.export.export(net, (given,), strict=False).module()
        first = golden.leaves(net(given))
        for _ in range(2):
            found = golden.leaves(exported(given))
            assert all(torch.allclose(a, b) for a, b in zip(found, first, strict=True))
