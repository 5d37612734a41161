"""Criterions over sequences and over masked batches: against Torch7 and the reference."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.build import obj, table, tensor
from tests.layers.criterion_compare import compare_criterion
from tests.layers.rnn_compare import check_fixtures, check_golden, network, normal

CLASSES = "rnn.SequencerCriterion rnn.RepeaterCriterion rnn.MaskZeroCriterion"


@pytest.mark.parametrize("name", CLASSES.split())
def test_golden(shared: Path, name: str) -> None:
    check_golden(shared, name)


@pytest.mark.parametrize("name", CLASSES.split())
def test_fixtures(name: str) -> None:
    check_fixtures(name)


def with_zeros(*shape: int) -> Any:
    x = normal(*shape)
    x[1] = 0
    return x


def mse(average: bool = True) -> Any:
    return obj("nn.MSECriterion", sizeAverage=average)


@pytest.mark.parametrize("average", [True, False])
def test_sequence_criterions(average: bool) -> None:
    x, t = normal(4, 3, 2), normal(4, 3, 2)
    fields = {"sizeAverage": average}
    for form in ({"criterion": mse()}, {"clones": table(mse())}):
        sequence = obj("nn.SequencerCriterion", **form, **fields)
        compare_criterion(sequence, x, t)
        compare_criterion(sequence, list(x), list(t))
        repeated = obj("nn.RepeaterCriterion", **form, **fields)
        compare_criterion(repeated, x, t[0])
        compare_criterion(repeated, list(x), t[0])


def test_sequence_criterions_check_their_targets() -> None:
    net = network(obj("nn.SequencerCriterion", criterion=mse()))
    with pytest.raises(ValueError, match="2 steps of input, 1 of target"):
        net([torch.zeros(1)] * 2, [torch.zeros(1)])
    with pytest.raises(TypeError, match="the target must be one"):
        net(torch.zeros(1, 1), [torch.zeros(1)])


def test_masked_criterions() -> None:
    x, t = with_zeros(4, 3), normal(4, 3)
    older = obj("nn.MaskZeroCriterion", criterion=mse(), nInputDim=1)
    newer = obj("nn.MaskZeroCriterion", criterion=mse(), v2=False)
    mask = tensor(np.array([0, 1, 0, 0]), "Byte")
    given = obj("nn.MaskZeroCriterion", criterion=mse(), v2=True, zeroMask=mask)
    losses = [network(c)(torch.from_numpy(x), torch.from_numpy(t)) for c in (older, newer, given)]

    assert torch.allclose(losses[0], losses[1])
    assert torch.allclose(losses[0], losses[2])
    for criterion in (older, newer, given):
        compare_criterion(criterion, x, t)
    off = network(obj("nn.MaskZeroCriterion", criterion=mse(), v2=True, zeroMask=False))
    whole = network(mse())(torch.from_numpy(x), torch.from_numpy(t))
    assert torch.allclose(off(torch.from_numpy(x), torch.from_numpy(t)), whole)


def test_a_batch_that_is_masked_as_a_whole_costs_nothing() -> None:
    net = network(obj("nn.MaskZeroCriterion", criterion=mse(), nInputDim=1))
    x: Any = torch.zeros(3, 2, requires_grad=True)
    loss = net(x, torch.ones(3, 2))
    loss.backward()

    assert loss.item() == 0
    assert (x.grad == 0).all()
    compare_criterion(
        obj("nn.MaskZeroCriterion", criterion=mse(), nInputDim=1), np.zeros((3, 2)), normal(3, 2)
    )
    with pytest.raises(RuntimeError, match="an input with a batch dimension expected"):
        net(torch.zeros(2), torch.zeros(2))
