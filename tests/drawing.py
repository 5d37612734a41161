"""Generators of random numbers that every test finds at their beginning."""

from __future__ import annotations

import random
import sys
from typing import Any

import numpy as np

_MADE: list[tuple[np.random.Generator, Any]] = []


def generator(seed: int) -> np.random.Generator:
    """Return a generator for the top of a module of tests.

    What a test draws from it does not hang on the tests that ran before in the same process,
    which are others each time that several processes share them out.
    """
    made = np.random.default_rng(seed)
    _MADE.append((made, made.bit_generator.state))
    return made


def rewind() -> None:
    """Set these generators, and those of Python, NumPy and PyTorch, to their beginning."""
    for made, state in _MADE:
        made.bit_generator.state = state
    random.seed(0)
    np.random.seed(0)  # the tested code may draw from it
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.manual_seed(0)
