"""The prose says what the code does."""

from __future__ import annotations

import subprocess
import sys

import pytest

from t7convert.format import layouts, spec
from t7convert.format.objects import DTYPES
from tests.conftest import ROOT


@pytest.mark.parametrize("name", [*layouts.SPECIAL, *DTYPES])
def test_every_class_with_a_payload_of_its_own_is_told(name: str) -> None:
    assert name in (spec.__doc__ or "")


def test_the_sizes_of_generators_are_told() -> None:
    for size in layouts.GENERATOR_SIZES:
        assert f"{size:,}" in (spec.__doc__ or "")


def test_the_format_needs_numpy_only() -> None:
    code = "import sys, t7convert.format; print(*sys.modules)"
    command = [sys.executable, "-c", code]
    output = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT).stdout
    assert not {"torch", "torchfile", "zipfile", "requests"} & set(output.split())
