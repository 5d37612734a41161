"""The types of options that functions and commands share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Literal

#: How a network is recognised: see :func:`t7convert.to_module`.
Arch = Literal["auto", "generic", "sharesnet"]
#: What floating tensors are cast to.
Dtype = Literal["float64", "float32", "float16", "bfloat16"]
#: Files, names of modules, or modules that register converters of their own.
Plugins = Sequence[str | Path | ModuleType]
#: Called with a phase, how much is done, and how much there is in all.
Report = Callable[[str, int, int], None]
