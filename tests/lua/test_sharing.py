"""Sharing is a fact about memory."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from t7convert.lua.counting import count, parameter_regions
from t7convert.lua.sharing import Geometry, Region, overlap, regions
from t7convert.lua.tree import build
from tests.build import linear, sequential, storage, view

CASES = [
    (Geometry((4,), (1,), 0), Geometry((4,), (1,), 4), False),
    (Geometry((4,), (1,), 0), Geometry((4,), (1,), 3), True),
    (Geometry((2, 3), (3, 1), 0), Geometry((3, 2), (1, 3), 0), True),
    (Geometry((3,), (2,), 0), Geometry((3,), (2,), 1), False),  # even and odd elements
    (Geometry((3, 1), (2, 1), 0), Geometry((3, 1), (2, 1), 1), False),  # columns of a matrix
    (Geometry((3,), (2,), 0), Geometry((1,), (1,), 4), True),
    (Geometry((0,), (1,), 2), Geometry((4,), (1,), 0), False),
]


@pytest.mark.parametrize(("a", "b", "expected"), CASES)
def test_overlap(a: Geometry, b: Geometry, expected: bool) -> None:
    assert overlap(a, b) is expected
    assert overlap(b, a) is expected


@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 7)), min_size=1, max_size=4),
    st.integers(0, 3),
)
def test_what_a_view_covers(axes: list[tuple[int, int]], offset: int) -> None:
    size, stride = zip(*axes, strict=True)
    view = Geometry(size, stride, offset)
    elements = set(view.elements().reshape(-1).tolist())

    assert set((np.flatnonzero(view.covered()) + offset).tolist()) == elements
    assert Region(1, ((view, "a"),)).numel == len(elements)


def test_an_expanded_view_takes_no_more_memory_than_its_storage() -> None:
    wide = Geometry((2**40, 3), (0, 1), 2)
    sliding = Geometry((2**20, 2**20), (1, 1), 0)

    assert overlap(wide, Geometry((2,), (2,), 0))
    assert not overlap(wide, Geometry((2,), (5,), 0))
    (found,) = regions([(1, wide, "wide"), (1, Geometry((2,), (2,), 0), "other")])
    assert found.numel == 4
    assert Region(1, ((sliding, "sliding"),)).numel == 2**21 - 1


def test_the_same_storage_alone_is_no_sharing() -> None:
    flat = Geometry((2, 2), (2, 1), 0), Geometry((2, 2), (2, 1), 4), Geometry((2,), (1,), 8)

    assert len(regions([(1, g, n) for n, g in enumerate(flat)])) == 3


def test_regions_join_through_a_third() -> None:
    left, right = Geometry((4,), (1,), 0), Geometry((4,), (1,), 4)
    bridge = Geometry((4,), (1,), 2)
    (found,) = regions([(1, left, "l"), (1, right, "r"), (1, bridge, "b")])

    assert [owner for _, owner in found.members] == ["l", "r", "b"]
    assert not found.uniform
    assert found.numel == 8


def test_another_shape_of_the_same_memory_is_a_tie() -> None:
    (found,) = regions(
        [(1, Geometry((2, 3), (3, 1), 5), "matrix"), (1, Geometry((6,), (1,), 5), "flat")]
    )

    assert found.uniform


def test_the_transposed_view_is_a_tie_that_differs() -> None:
    base = storage(range(6))
    encoder = linear(3, 2, weight=view(base, (2, 3)))
    decoder = linear(2, 3, weight=view(base, (3, 2), (1, 3)))
    tree = build(sequential(encoder, decoder))
    found = [region for region in parameter_regions(tree) if len(region.members) > 1]

    assert [region.uniform for region in found] == [False]
    assert count(tree).unique == 6 + 2 + 3
    assert count(tree).naive == 12 + 2 + 3


def test_a_module_used_three_times_counts_once_and_three_times() -> None:
    shared = linear(2, 2)
    counts = count(build(sequential(shared, shared, sequential(shared))))

    assert (counts.unique, counts.naive) == (6, 18)
    assert (counts.tensors, counts.tensors_naive) == (2, 6)
