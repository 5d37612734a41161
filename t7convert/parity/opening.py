"""Opening the output to check: one opener per kind of file, in one table.

An opener returns the network as something that runs, and what is known of its tensors. A file from
which our converters rebuild the network (``.pt``) gives ``converted``: every module, parameter and
tie is compared. A file that only runs (an exported program) gives ``state``, its tensors by
state_dict key: they are compared with those of a conversion of the source, and the network by its
outputs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from torch import Tensor, nn

from t7convert.conversion.convert import Converted
from t7convert.errors import CheckpointError
from t7convert.export.checkpoint import rebuild
from t7convert.export.reading import read_output

Plugins = Sequence["str | Path | ModuleType"]


@dataclass(frozen=True)
class Output:
    """An opened output.

    Attributes:
        network: takes what the Lua module takes, tensors or lists of them.
        provenance: what the file says about its origin; ``until`` and ``dtype`` are looked at.
        converted: the rebuilt network with its bindings, where the file allows that.
        state: the tensors by state_dict key, where it doesn't.
        fixed_dtype: whether the network runs only in the dtype that it was written in.
    """

    network: nn.Module
    provenance: Mapping[str, Any] = field(default_factory=dict)
    converted: Converted | None = None
    state: Mapping[str, Tensor] = field(default_factory=dict)
    fixed_dtype: bool = False


Opener = Callable[[Path, Plugins], Output]
_OPENERS: dict[str, Opener] = {}


def opens(*suffixes: str) -> Callable[[Opener], Opener]:
    """Register the decorated function for files with these suffixes.

    Raises:
        ValueError: if a suffix has an opener already.
    """

    def register(opener: Opener) -> Opener:
        for suffix in suffixes:
            if suffix in _OPENERS:
                raise ValueError(f"{suffix} is opened by {_OPENERS[suffix].__qualname__} already")
            _OPENERS[suffix] = opener
        return opener

    return register


def open_output(path: Path, plugins: Plugins = ()) -> Output:
    """Open a file that t7convert made.

    Raises:
        CheckpointError: if it is of no kind that can be checked, or damaged.
    """
    opener = _OPENERS.get(path.suffix.lower())
    if opener is None:
        known = ", ".join(sorted(_OPENERS))
        raise CheckpointError(f"{path}: can't be checked; the kinds that can are {known}")
    return opener(path, plugins)


@opens(".pt", ".pth", ".safetensors")
def open_checkpoint(path: Path, plugins: Plugins) -> Output:
    """Open a file from which the network can be built again."""
    content = read_output(path)
    converted = rebuild(
        content["architecture"], content["state_dict"], name=str(path), plugins=plugins
    )
    return Output(converted.network, content["provenance"], converted)
