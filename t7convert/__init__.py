"""t7convert: Lua Torch (.t7) files become PyTorch networks that compute the same numbers.

The public names are loaded when they are first used, so that ``import t7convert`` costs nothing and
reading a file never imports torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from t7convert._version import __version__
from t7convert.errors import (
    ArchitectureError,
    CheckpointError,
    ConversionError,
    DownloadError,
    NotTorch7Error,
    OutputError,
    OutputKindError,
    ParityError,
    PathError,
    SelectionError,
    T7Error,
    T7FormatError,
)

if TYPE_CHECKING:
    from t7convert.api import convert, inspect, load_model, to_module
    from t7convert.conversion import converts
    from t7convert.conversion.flat import flat_vector, load_flat
    from t7convert.export.optimizer import optimizer_state
    from t7convert.export.torch7.network import to_torch7
    from t7convert.format import (
        LuaFunction,
        LuaObject,
        LuaStorage,
        LuaTable,
        LuaTensor,
        load,
        load_all,
        open_file,
        save,
    )
    from t7convert.parity.verifying import verify

_HOMES = {
    "load": "format",
    "load_all": "format",
    "open_file": "format",
    "save": "format",
    "LuaTable": "format",
    "LuaTensor": "format",
    "LuaStorage": "format",
    "LuaObject": "format",
    "LuaFunction": "format",
    "to_module": "api",
    "to_torch7": "export.torch7.network",
    "convert": "api",
    "load_model": "api",
    "inspect": "api",
    "verify": "parity.verifying",
    "converts": "conversion",
    "load_flat": "conversion.flat",
    "flat_vector": "conversion.flat",
    "optimizer_state": "export.optimizer",
}

__all__ = [
    "ArchitectureError",
    "CheckpointError",
    "ConversionError",
    "DownloadError",
    "LuaFunction",
    "LuaObject",
    "LuaStorage",
    "LuaTable",
    "LuaTensor",
    "NotTorch7Error",
    "OutputError",
    "OutputKindError",
    "ParityError",
    "PathError",
    "SelectionError",
    "T7Error",
    "T7FormatError",
    "__version__",
    "convert",
    "converts",
    "flat_vector",
    "inspect",
    "load",
    "load_all",
    "load_flat",
    "load_model",
    "open_file",
    "optimizer_state",
    "save",
    "to_module",
    "to_torch7",
    "verify",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        value = getattr(importlib.import_module(f"t7convert.{_HOMES[name]}"), name)
    elif name in {"compat", "errors", "format", "lua", "models", "nn", "paths"}:
        value = importlib.import_module(f"t7convert.{name}")
    else:
        raise AttributeError(f"module 't7convert' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*__all__, *globals()})
