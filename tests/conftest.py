"""Where the tests find their data."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import settings

from tests.drawing import rewind

#: The same examples in every run, however slow the machine.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")

ROOT = Path(__file__).resolve().parent.parent
#: Files that a real Torch7 wrote, carried by the project.
FIXTURES = ROOT / "fixtures"
#: The whole collection; the project's users don't have it, so tests that need it skip.
SHARED = ROOT.parent / "shared"


@pytest.fixture(autouse=True)
def _same_numbers() -> None:
    """Let every test draw the same numbers, whichever tests ran before it."""
    rewind()


@pytest.fixture
def shared() -> Path:
    """Return the folder of the whole collection, or skip."""
    if not SHARED.is_dir():
        pytest.skip("needs the whole collection of golden files, ../shared")
    return SHARED


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name a case by its argument where its value is bytes.

    An archive made while the tests are collected holds the time, and two processes of
    pytest-xdist must collect the same names.
    """
    return argname if isinstance(val, bytes) else None
