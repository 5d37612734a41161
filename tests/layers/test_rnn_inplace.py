"""Recurrences whose step writes into the state that it was given."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from t7convert.conversion import convert_tree
from t7convert.lua.tree import build
from t7convert.nn.rnn_simple import LazyDropout
from t7convert.reference import Executor
from tests.build import linear, obj, sequential, table


@pytest.mark.parametrize("listed", [True, False])
def test_a_sum_in_place_of_the_state_leaves_the_steps_before(listed: bool) -> None:
    """Torch7's Sequencer copies what each step gives: these outputs are sums so far."""
    read = linear(3, 4)
    picked = sequential(obj("nn.SelectTable", index=1), read)
    both = obj("nn.ConcatTable", modules=table(obj("nn.SelectTable", index=2), picked))
    step = sequential(both, obj("nn.CAddTable", inplace=True))
    cell = obj("nn.Recurrence", modules=table(step), outputSize=table(4), nInputDim=1)
    tree = build(obj("nn.Sequencer", modules=table(cell), _remember="neither"))
    x = np.random.default_rng(0).standard_normal((3, 2, 3))
    weight, bias = (np.array(read.payload[name].numpy()) for name in ("weight", "bias"))
    expected = np.cumsum(x @ weight.T + bias, 0)
    network = convert_tree(tree).network
    steps = torch.from_numpy(x)

    found = network(list(steps) if listed else steps)
    told = Executor().run(tree, list(x) if listed else x)

    np.testing.assert_allclose(np.stack([np.asarray(y) for y in told]), expected, rtol=1e-12)
    np.testing.assert_allclose(
        torch.stack(list(found)).detach().numpy(), expected, rtol=1e-12, atol=1e-12
    )


@pytest.mark.parametrize("training", [True, False])
def test_what_a_dropout_of_nothing_gives_is_not_overwritten(training: bool) -> None:
    """An LSTM has one before each map; a ReLU in place behind it overwrites its state.

    Torch7's gradient of the map's weight is that of the numbers before the overwriting.
    """
    dropout, read = LazyDropout(0.0, lazy=True).train(training), torch.nn.Linear(3, 2)
    state = torch.tensor([[1.0, -2.0, 3.0]], requires_grad=True) * 1
    output = read(dropout(state))
    state.data.clamp_(min=0)
    output.sum().backward()

    assert read.weight.grad is not None
    assert read.weight.grad.tolist() == [[1, -2, 3]] * 2


def test_a_dropout_of_nothing_costs_nothing_without_gradients() -> None:
    x = torch.ones(2)

    assert LazyDropout(0.0)(x) is x
    assert LazyDropout(0.5, scaled=True).eval()(x) is x
