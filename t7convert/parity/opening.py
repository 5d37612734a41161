"""Opening the output to check: one opener per kind of file, in one table.

A file may describe its network (``.pt``, ``.safetensors``, ``.t7``), run by itself (``.py``,
``.pt2``, ``.onnx``) or hold tensors only (``.npz``, a bare state_dict). What a kind lacks comes
from a conversion of the source: its network then runs with the file's tensors. What can't be
compared is said in ``limits``, which every report shows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import nn

from t7convert.conversion.convert import Converted
from t7convert.options import Plugins
from t7convert.parity.report import Fact, Row


@dataclass(frozen=True)
class Findings:
    """What a file's tensors are, beside those of a conversion.

    Attributes:
        rows: the comparisons that fail; with ``complete``, all of them.
        facts: yes-or-no checks, such as the ties.
        limits: what can't be compared in this kind of file.
        fits: whether the network can run with these tensors.
        complete: whether ``rows`` compare every tensor, so that nobody else has to.
        dtype: the type that the floating tensors were cast to, where they were.
        unfit: keys without a value.
    """

    rows: tuple[Row, ...] = ()
    facts: tuple[Fact, ...] = ()
    limits: tuple[str, ...] = ()
    fits: bool = True
    complete: bool = False
    dtype: str | None = None
    unfit: frozenset[str] = frozenset()


class Tensors(Protocol):
    """The tensors of a file."""

    def compare(self, converted: Converted) -> Findings:
        """Compare keys, shapes and ties; put the values into the network where they fit."""
        ...

    def misfits(self, converted: Converted) -> int:
        """Return how many tensors have no equal in a conversion: which of several is meant."""
        ...


@dataclass(frozen=True)
class Graph:
    """A traced graph: a network in one dtype that takes inputs of a given shape.

    Attributes:
        dtype: the one it runs in.
        shapes: of its inputs, None where a dimension is free.
    """

    dtype: torch.dtype
    shapes: tuple[tuple[int | None, ...], ...]


@dataclass(frozen=True)
class Output:
    """An opened output.

    Attributes:
        network: what runs, and takes what the Lua module takes; None for the conversion's.
        provenance: what the file says about its origin; ``until`` and ``dtype`` are looked at.
        converted: the network that the file describes; None where it describes none.
        tensors: its tensors, to be compared with a conversion's and put into it.
        graph: set if ``network`` is a traced graph.
        names: whether the modules of ``network`` have the names that the conversion's have.
        runs: whether there is anything to run at all.
        facts: what opening it showed.
        limits: what can't be compared in this kind of file.
    """

    network: nn.Module | None = None
    provenance: Mapping[str, Any] = field(default_factory=dict)
    converted: Converted | None = None
    tensors: Tensors | None = None
    graph: Graph | None = None
    names: bool = False
    runs: bool = True
    facts: tuple[Fact, ...] = ()
    limits: tuple[str, ...] = ()


@dataclass(frozen=True)
class Wish:
    """What an opener is told: the file, the place of the network in the source, plugins."""

    path: Path
    place: str = ""
    plugins: Plugins = ()


Opener = Callable[[Wish], Output]
#: Suffix → opener.
OPENERS: dict[str, Opener] = {}


def opens(*suffixes: str) -> Callable[[Opener], Opener]:
    """Register the decorated function for files with these suffixes.

    Raises:
        ValueError: if a suffix has an opener already.
    """

    def register(opener: Opener) -> Opener:
        for suffix in suffixes:
            if suffix in OPENERS:
                raise ValueError(f"{suffix} is opened by {OPENERS[suffix].__qualname__} already")
            OPENERS[suffix] = opener
        return opener

    return register


def told(error: Exception) -> str:
    """Return what an error of a file's own code says: in one line, of 500 characters at most."""
    return " ".join(str(error).split())[:500]
