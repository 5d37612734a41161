"""Recurrences whose step writes into the state that it was given."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from t7convert.conversion import convert_tree
from t7convert.lua.tree import build
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
