"""What a test registers ends with it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from t7convert.conversion.registry import converters


@pytest.fixture(autouse=True)
def no_converter_is_left_behind() -> Iterator[None]:
    """Fail the test that leaves a converter: tests that run later in the process would see it."""
    before = dict(converters())
    yield
    assert dict(converters()) == before
