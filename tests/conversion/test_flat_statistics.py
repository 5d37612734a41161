"""Statistics as flat vectors: of what order, of what length, of what age."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from t7convert.conversion import Converted
from t7convert.conversion.flat import (
    flat_statistics,
    flat_vector,
    load_flat,
)
from t7convert.errors import CheckpointError
from tests.build import sequential
from tests.conversion.flat_numbers import converted, norm, numbers


def means(made: Converted) -> dict[str, Tensor]:
    return {key: value for key, value in made.network.state_dict().items() if "running" in key}


def test_statistics_in_the_order_of_the_modules() -> None:
    made = converted(sequential(norm(2, "SpatialBatchNormalization"), norm(3), norm(4)))
    vector = flat_vector(made)
    old = flat_statistics(made)
    assert [len(row) for row in old] == [2, 2, 3, 3, 4, 4]
    new = [torch.from_numpy(numbers(len(row)) ** 2) for row in old]
    load_flat(made, vector, new)
    for a, b in zip(means(made).values(), new, strict=True):
        assert torch.equal(a, b)
    load_flat(made, vector)  # without statistics they stay
    for a, b in zip(flat_statistics(made), new, strict=True):
        assert torch.equal(a, b)


def test_statistics_in_the_order_of_the_classes() -> None:
    made = converted(sequential(norm(2, "SpatialBatchNormalization"), norm(3), norm(4)))
    rows = [torch.full((n,), float(i)) for i, n in enumerate([3, 3, 4, 4, 2, 2])]
    load_flat(made, flat_vector(made), rows)
    assert [float(value[0]) for value in means(made).values()] == [4, 5, 0, 1, 2, 3]


def test_statistics_that_fit_twice_or_never_are_refused() -> None:
    made = converted(sequential(norm(2, "SpatialBatchNormalization"), norm(2)))
    before = flat_vector(made)
    with pytest.raises(CheckpointError, match="in the order of the modules and in that of their"):
        load_flat(made, torch.zeros(8), [torch.zeros(2)] * 4)
    with pytest.raises(CheckpointError, match=r"the statistics are \(2,\), .* expected \(2,\)"):
        load_flat(made, torch.zeros(8), [torch.zeros(n) for n in (2, 2, 2, 1)])
    assert torch.equal(flat_vector(made), before)


def test_statistics_of_old_files_are_inverse_deviations() -> None:
    made = converted(norm(3, version=1))
    mean, deviation = flat_statistics(made)
    assert torch.allclose(deviation, torch.full((3,), 0.5).double())
    load_flat(made, flat_vector(made), [mean, torch.full((3,), 0.25).double()])
    variance = means(made)["running_var"]
    assert torch.allclose(variance, torch.full((3,), 16 - 1e-3).double())
