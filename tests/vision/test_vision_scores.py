"""Probabilities, counts of errors, intervals; places among processes."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from t7convert.vision.processes import DeviceError, Place, place_of
from t7convert.vision.scores import Tally, error_interval, probabilities, tally


def test_probabilities() -> None:
    scores = torch.tensor([[1.0, 2.0, 4.0]])
    expected = torch.softmax(scores.double(), 1)

    assert torch.allclose(probabilities(scores), expected, rtol=0, atol=1e-15)
    assert torch.allclose(probabilities(expected), expected, rtol=0, atol=1e-12)
    assert torch.allclose(probabilities(expected.log()), expected, rtol=0, atol=1e-12)


def test_tally() -> None:
    scores = torch.eye(7)[[0, 1, 2]] + torch.arange(7) * 0.01
    counts = tally(scores, torch.tensor([0, 6, 0]))

    assert counts == Tally(images=3, top1_wrong=2, top5_wrong=1, not_finite=0)


def test_few_classes() -> None:
    assert tally(torch.tensor([[1.0, 0.0]]), torch.tensor([1])) == Tally(1, 1, 0, 0)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_scores_that_are_not_finite_are_wrong(value: float) -> None:
    scores = torch.tensor([[value, 0.0, 0.0], [1.0, 0.0, 0.0]])

    assert tally(scores, torch.tensor([0, 0])) == Tally(2, 1, 1, 1)


def test_tallies_add_up() -> None:
    assert Tally(1, 2, 3, 4) + Tally(10, 20, 30, 40) == Tally(11, 22, 33, 44)


def test_known_interval() -> None:
    """Wilson's interval for 15 of 50, as published in textbooks: 0.191 to 0.438."""
    low, high = error_interval(15, 50)

    assert (round(low, 1), round(high, 1)) == (19.1, 43.8)


@given(images=st.integers(1, 10**6), share=st.floats(0, 1))
def test_intervals_hold_the_rate(images: int, share: float) -> None:
    wrong = round(share * images)
    low, high = error_interval(wrong, images)

    assert 0 <= low <= 100 * wrong / images <= high <= 100


def test_interval_of_nothing() -> None:
    with pytest.raises(ValueError, match="0 wrong of 0 images"):
        error_interval(0, 0)


@given(count=st.integers(0, 1000), size=st.integers(1, 16))
def test_shares_are_a_partition(count: int, size: int) -> None:
    shares = [list(Place(rank, size).share(count)) for rank in range(size)]

    assert sorted(index for share in shares for index in share) == list(range(count))


def test_places() -> None:
    assert place_of({}) == Place()
    assert place_of({"WORLD_SIZE": "4"}) == Place()
    environ = {"WORLD_SIZE": "4", "RANK": "3", "LOCAL_RANK": "1", "MASTER_ADDR": "x"}
    assert place_of(environ) == Place(3, 4, 1)
    assert Place().gather("x") == ["x"]
    assert Place().device("cpu") == torch.device("cpu")


@pytest.mark.parametrize("name", ["nonsense", "cuda:999", "xpu:77"])
def test_no_such_device(name: str) -> None:
    with pytest.raises(DeviceError, match=f"--device {name}: there is no such device here"):
        Place().device(name)
