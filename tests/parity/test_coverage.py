"""Every class that converts has a reference, and the other way round."""

from __future__ import annotations

from t7convert.conversion.registry import converters
from t7convert.reference import implemented

#: Classes with only one side, and why.
ONE_SIDED: dict[str, str] = {}


def test_converters_and_references_cover_the_same_classes() -> None:
    ours, theirs = set(converters()), set(implemented())

    assert sorted(ours ^ theirs) == sorted(ONE_SIDED)
