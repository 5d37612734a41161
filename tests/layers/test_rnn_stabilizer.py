"""NormStabilizer: against Torch7 in evaluation, against its formula in training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from t7convert.nn.rnn_sequencers import Sequencer
from t7convert.nn.rnn_simple import NormStabilizer
from tests.layers.rnn_compare import check_fixtures, check_golden, normal


def test_golden(shared: Path) -> None:
    check_golden(shared, "rnn.NormStabilizer")


def test_fixtures() -> None:
    check_fixtures("rnn.NormStabilizer")


def test_norm_stabilizer_in_training() -> None:
    """The penalty of NormStabilizer.lua: its gradient, worked out by autograd."""
    beta, x = 0.7, torch.from_numpy(normal(4, 3, 5))
    given: Any = x.clone().requires_grad_()
    ours: Any = x.clone().requires_grad_()
    gy = torch.from_numpy(normal(4, 3, 5))
    Sequencer(NormStabilizer(beta)).train()(ours).backward(gy)
    norms = given.norm(dim=2)
    # Lua's gradient: each step sees its neighbours as constants, once per neighbour
    pairs = [(t, n) for t in range(4) for n in (t - 1, t + 1) if 0 <= n < 4]
    penalty = sum((norms[t] - norms[n].detach()).square().mean() for t, n in pairs) * beta
    (penalty + (given * gy).sum()).backward()

    assert torch.allclose(ours.grad, given.grad, rtol=1e-12)
    evaluated: Any = x.clone().requires_grad_()
    Sequencer(NormStabilizer(beta)).eval()(evaluated).backward(gy)
    assert torch.equal(evaluated.grad, gy)


def test_norm_stabilizer_remembers_one_norm_over_calls() -> None:
    module = NormStabilizer(1.0)
    x = torch.from_numpy(normal(2, 3, 5)).requires_grad_()
    run = Sequencer(module, remember="both").train()
    for _ in range(3):
        run(x).sum().backward()

    assert len(module.memory["norms"]) == 3
    with pytest.raises(RuntimeError, match="batch x features expected"):
        module(torch.zeros(3))
