"""Sizes that a module doesn't keep are found again: those that give its tensors their shapes."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any

import torch
from torch import nn

#: So many trials are made at most.
MOST_TRIALS = 4096


class Unknown:
    """In place of a value: one integer (or None, if ``optional``), or with ``many`` any number."""

    def __init__(self, name: str, *, many: bool = False, optional: bool = False) -> None:
        self.name, self.many, self.optional = name, many, optional

    def choices(self, wanted: dict[str, tuple[int, ...]]) -> list[Any]:
        """Return the values that may be tried, likely ones first."""
        if self.many:
            return list(_sequences(wanted))
        return [*([None] if self.optional else []), *_integers(wanted)]


def shapes(module: nn.Module) -> dict[str, tuple[int, ...]]:
    """Return the shapes of the module's own parameters and buffers."""
    own = {**module._parameters, **module._buffers}
    return {name: tuple(t.shape) for name, t in own.items() if t is not None}


def solve(
    module: nn.Module, kind: type[nn.Module], args: Sequence[Any], named: dict[str, Any]
) -> list[Any] | None:
    """Return the values of the :class:`Unknown` among the arguments, in order; None if none fit."""
    wanted = shapes(module)
    unknown = [a for a in [*args, *named.values()] if isinstance(a, Unknown)]
    choices = [value.choices(wanted) for value in unknown]
    for number, values in enumerate(product(*choices)):
        if number == MOST_TRIALS:
            return None
        found = iter(values)
        given: list[Any] = []
        for value in args:
            if isinstance(value, Unknown):
                given += next(found) if value.many else [next(found)]
            else:
                given.append(copy.deepcopy(value))
        rest = {k: next(found) if isinstance(v, Unknown) else v for k, v in named.items()}
        try:
            with torch.device("meta"):
                made = kind(*given, **rest)
        except Exception:  # a constructor may refuse sizes in any way; then they don't fit
            continue
        if shapes(made) == wanted:
            return list(values)
    return None


def _integers(wanted: dict[str, tuple[int, ...]]) -> Iterator[int]:
    dims = [size for shape in wanted.values() for size in shape]
    parts = [size // n for n in (2, 3, 4) for size in dims if size and size % n == 0]
    yield from dict.fromkeys([*dims, *(size - 1 for size in dims if size > 1), 1, *parts])


def _sequences(wanted: dict[str, tuple[int, ...]]) -> Iterator[tuple[int, ...]]:
    found = [part for shape in wanted.values() for part in (shape, shape[1:], shape[:-1])]
    yield from dict.fromkeys([*found, ()])
