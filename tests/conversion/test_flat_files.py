"""Flat vectors in files: which one fits a network, and that it is the only one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import t7convert
from t7convert.conversion.flat import (
    attach,
    flat_statistics,
    flat_vector,
    layout_of,
    load_flat,
)
from t7convert.conversion.flat_files import find_flat, load_flat_file
from t7convert.errors import CheckpointError, PathError, SelectionError
from tests.build import linear, sequential, table, tensor
from tests.conversion.flat_numbers import converted, norm, numbers


def test_files(tmp_path: Path) -> None:
    root = sequential(linear(3, 2), norm(2))
    made = converted(root)
    values, rows = numbers(12), [tensor(numbers(2)), tensor(numbers(2) ** 2)]
    for number, content in enumerate(
        (
            tensor(values),
            table(parameters=tensor(values), epoch=3),
            table(table(x=table(w=tensor(values))), gradParams=tensor(values)),
        )
    ):
        path = tmp_path / f"{number}.t7"
        t7convert.save(content, path)
        load_flat(made, torch.zeros(12))
        found = load_flat_file(made, t7convert.load(path))
        assert np.array_equal(flat_vector(made).numpy(), values)
        assert found.statistics is None
        assert found.path == ["", "parameters", "[1].x.w"][number]
    path = tmp_path / "crnn.t7"
    state = flat_vector(made).numpy()
    listed = table(*(tensor(part) for part in _parts(state)))
    t7convert.save(table(parameters=listed, bnVars=table(*rows)), path)
    network = attach(made)
    found = load_flat_file(network, t7convert.load(path))
    assert (found.path, found.statistics_path) == ("parameters", "bnVars")
    for a, b in zip(flat_statistics(made), rows, strict=True):
        assert np.array_equal(a.numpy(), b.numpy())


def _parts(flat: Any) -> list[Any]:
    return [flat[:6].reshape(2, 3), flat[6:8], flat[8:10], flat[10:12]]


def test_files_that_fit_not_or_twice() -> None:
    made = converted(linear(3, 2))
    layout = layout_of(made)
    with pytest.raises(SelectionError, match=r"no vector .* 8 parameters") as none:
        find_flat(table(a=tensor(numbers(7)), b=table(c=tensor(numbers(2, 4)))), layout)
    assert "a: torch.DoubleTensor of 7" in str(none.value)
    assert "b.c: torch.DoubleTensor of 2 x 4" in str(none.value)
    with pytest.raises(SelectionError, match="no tensors"):
        find_flat(table(), layout)
    several = table(old=tensor(numbers(8)), new=tensor(numbers(8)))
    with pytest.raises(SelectionError, match="2 vectors fit"):
        find_flat(several, layout)
    load_flat_file(made, several, "new")
    assert np.array_equal(flat_vector(made).numpy(), several["new"].numpy())
    with pytest.raises(PathError, match="no 'other'"):
        find_flat(several, layout, "other")
    with pytest.raises(CheckpointError, match="7 numbers"):
        load_flat_file(made, table(a=tensor(numbers(7))), "a")
    bn = layout_of(converted(norm(2)))
    lists = {name: table(tensor(numbers(2)), tensor(numbers(2))) for name in ("one", "two")}
    with pytest.raises(SelectionError, match="several lists fit as statistics: one, two"):
        find_flat(table(params=tensor(numbers(4)), **lists), bn)
