"""The options that functions and commands share: their types, and what they allow."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Literal, get_args

if TYPE_CHECKING:
    import torch

#: How a network is recognised: see :func:`t7convert.to_module`.
Arch = Literal["auto", "generic", "sharesnet"]
#: What floating tensors are cast to.
Dtype = Literal["float64", "float32", "float16", "bfloat16"]
#: Files, names of modules, or modules that register converters of their own.
Plugins = Sequence[str | Path | ModuleType]
#: Called with a phase, how much is done, and how much there is in all.
Report = Callable[[str, int, int], None]


def torch_dtype(name: str) -> torch.dtype:
    """Return the dtype that an option names.

    Raises:
        ValueError: if there is none of this name to cast to.
    """
    import torch  # noqa: PLC0415  many users of these types need none

    if name not in get_args(Dtype):
        raise ValueError(f"dtype={name!r}, expected one of {', '.join(get_args(Dtype))}")
    dtype: torch.dtype = getattr(torch, name)
    return dtype
