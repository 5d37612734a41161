"""What errors of others become in a message."""

from __future__ import annotations

import pytest

from t7convert.errors import first_line


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ValueError("one\ntwo"), "one"),
        (ValueError("\n one\n"), "one"),
        (AssertionError(), "AssertionError"),
        (RuntimeError(" \n"), "RuntimeError"),
    ],
)
def test_the_first_line_of_an_error_that_may_say_nothing(error: Exception, said: str) -> None:
    assert first_line(error) == said
