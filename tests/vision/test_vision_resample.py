"""Torch7's bicubic against its formula, computed number by number as the C source does."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from t7convert.fetch.schema import IMAGENET_PREPROCESSING
from t7convert.format import load
from t7convert.vision.resample import scale_bicubic, scaled_size
from t7convert.vision.transforms import transform_for
from tests.conftest import FIXTURES

F = np.float32


def cubic_line(source: list[F], length: int) -> list[F]:
    """One row, written from the formula: every operation in float, the last one in double."""
    old = len(source)
    if length == old:
        return list(source)
    result = [source[-1]] * length
    if old == 1:
        return result
    scale = F(F(old - 1) / F(length - 1)) if length > 1 else F(old - 1)
    for target in range(length - 1):
        place = F(F(target) * scale)
        index = int(place)
        x = F(place - F(index))
        p1, p2 = source[index], source[index + 1]
        p0 = source[index - 1] if index > 0 else F(F(F(2) * p1) - p2)
        p3 = source[index + 2] if index + 2 < old else F(F(F(2) * p2) - p1)
        a1 = F(p2 - p0)
        a2 = F(F(F(F(F(2) * p0) - F(F(5) * p1)) + F(F(4) * p2)) - p3)
        a3 = F(F(F(F(3) * F(p1 - p2)) + p3) - p0)
        inner = F(a1 + F(x * F(a2 + F(x * a3))))
        result[target] = F(float(p1) + (0.5 * float(x)) * float(inner))
    return result


def reference(image: np.ndarray, width: int, height: int) -> np.ndarray:
    """Rows first, then columns, plane by plane."""
    planes = []
    for plane in image:
        rows = [cubic_line(list(row), width) for row in plane]
        columns = [cubic_line([row[x] for row in rows], height) for x in range(width)]
        planes.append([[column[y] for column in columns] for y in range(height)])
    return np.array(planes, F)


def same_bits(found: np.ndarray, expected: np.ndarray) -> bool:
    return found.shape == expected.shape and bool(
        (found.view(np.uint32) == expected.view(np.uint32)).all()
    )


@pytest.mark.parametrize(
    ("height", "width", "new_height", "new_width"),
    [
        (5, 7, 5, 7), (5, 7, 9, 4), (4, 4, 11, 13), (12, 9, 5, 6), (2, 2, 5, 5), (3, 8, 1, 4),
        (8, 3, 4, 1), (1, 6, 3, 6), (6, 1, 6, 3), (1, 1, 3, 3), (17, 5, 16, 6),
    ],
)  # fmt: skip
def test_sizes(height: int, width: int, new_height: int, new_width: int) -> None:
    image = np.random.default_rng(height * width).random((3, height, width), F)
    found = scale_bicubic(image, new_width, new_height)

    assert same_bits(found, reference(image, new_width, new_height))


@settings(max_examples=30, deadline=None)
@given(
    sizes=st.tuples(*[st.integers(1, 12)] * 4),
    seed=st.integers(0, 1 << 30),
    spread=st.sampled_from([1.0, 255.0, 1e-3]),
)
def test_any_size(sizes: tuple[int, int, int, int], seed: int, spread: float) -> None:
    height, width, new_height, new_width = sizes
    values = np.random.default_rng(seed).standard_normal((1, height, width))
    image = (values * spread).astype(F)

    assert same_bits(
        scale_bicubic(image, new_width, new_height), reference(image, new_width, new_height)
    )


def test_known_vector() -> None:
    """Four points to seven: every second one is kept, the others follow from the formula."""
    line = np.array([[[0, 1, 4, 9]]], F)
    found = scale_bicubic(line, 7, 1)[0, 0]
    p0, p1, p2, p3 = -1.0, 0.0, 1.0, 4.0
    a1, a2, a3 = p2 - p0, 2 * p0 - 5 * p1 + 4 * p2 - p3, 3 * (p1 - p2) + p3 - p0
    first = p1 + 0.25 * (a1 + 0.5 * (a2 + 0.5 * a3))

    assert found.tolist() == [0.0, first, 1.0, 2.25, 4.0, 6.375, 9.0]


def test_corners_are_kept() -> None:
    image = np.random.default_rng(0).random((3, 40, 50), F)
    found = scale_bicubic(image, 23, 61)

    for row, column in ((0, 0), (0, -1), (-1, 0), (-1, -1)):
        assert (found[:, row, column] == image[:, row, column]).all()


def test_channels_are_independent() -> None:
    image = np.random.default_rng(1).random((3, 20, 30), F)

    assert same_bits(
        scale_bicubic(image, 12, 14),
        np.concatenate([scale_bicubic(p[None], 12, 14) for p in image]),
    )


@pytest.mark.parametrize(
    ("width", "height", "expected"),
    [
        (500, 375, (341, 256)),
        (375, 500, (256, 341)),
        (256, 256, (256, 256)),
        (300, 300, (256, 256)),
        (100, 1000, (256, 2560)),
        (333, 500, (256, 384)),
        (500, 333, (384, 256)),
    ],
)
def test_scaled_size(width: int, height: int, expected: tuple[int, int]) -> None:
    assert scaled_size(width, height, 256) == expected


def test_fractions_are_cut_off() -> None:
    assert scaled_size(1000, 999, 256) == (256, 256)
    assert scaled_size(1005, 1000, 256) == (257, 256)


@pytest.mark.parametrize("size", [(0, 5), (5, 0)])
def test_empty_sizes(size: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="can't resize"):
        scale_bicubic(np.zeros((3, 4, 4), F), *size)


@pytest.mark.parametrize("number", range(1, 6))
def test_a_real_torch7_made_the_same_floats(number: int) -> None:
    case = load(FIXTURES / "images" / "pictures.t7.xz")[number]
    values = case["pixels"].numpy().astype(F) * F(1 / 255)

    assert same_bits(
        scale_bicubic(values, int(case["width"]), int(case["height"])), case["scaled"].numpy()
    )


@pytest.mark.parametrize("number", range(1, 6))
def test_a_real_torch7_made_the_same_input_of_a_picture(number: int) -> None:
    case = load(FIXTURES / "images" / "pictures.t7.xz")[number]
    small = replace(IMAGENET_PREPROCESSING, resize=32, crop=28)

    assert same_bits(transform_for(small)(case["pixels"].numpy()).numpy(), case["cropped"].numpy())
