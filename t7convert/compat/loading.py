"""``load_lua``, with its old signature."""

from __future__ import annotations

import os
from typing import Any, Literal

from t7convert.compat.reading import Reading, T7ReaderException
from t7convert.format import load

__all__ = ["T7ReaderException", "load_lua"]


def load_lua(
    filename: str | os.PathLike[str],
    unknown_classes: bool = False,
    long_size: Literal[4, 8] | None = None,
) -> Any:
    """Load a .t7 file as ``torch.utils.serialization.load_lua`` did.

    A table whose keys are 1..n is a list, another one a dict with ``table.key``; a tensor is a
    torch tensor, on the same memory as others where Lua's share it; a module has its Lua fields,
    ``modules``, ``get`` (from 0), ``forward``, ``evaluate``, ``float``...

    Args:
        filename: the file.
        unknown_classes: make a TorchObject of an object of a class that nobody knows.
        long_size: 4 for files of 32-bit machines; by default this is found out.

    Raises:
        T7ReaderException: if a class is unknown, naming it and its place.
        NotTorch7Error, T7FormatError: if the file can't be read.
        OSError: if it can't be opened.
    """
    return Reading(unknown_classes).of(load(os.fspath(filename), long_size=long_size))
