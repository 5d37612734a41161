"""Where the tests find their data."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
#: Files that a real Torch7 wrote, carried by the project.
FIXTURES = ROOT / "fixtures"
#: The whole collection; the project's users don't have it, so tests that need it skip.
SHARED = ROOT.parent / "shared"


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
