"""Where a converted network came from: the source file, and the plain values beside the model."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np

from t7convert._version import __version__
from t7convert.format.objects import LuaFunction, LuaObject, LuaStorage, LuaTable, LuaTensor
from t7convert.lua.find import beside
from t7convert.lua.tree import is_module

#: Tensors beside the model with more elements than this are named, not copied.
MAX_ELEMENTS = 4096
_MAX_DEPTH = 8
_CHUNK = 1 << 20


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def provenance(root: Any, path: str, source: Path | None) -> dict[str, Any]:
    """Return what is known of the network's origin, as plain values.

    ``beside`` holds numbers, strings and small tensors that stand next to the model in its file
    (mean, std, epoch, opt...); ``left_out`` names what stands there and is no such value.
    """
    origin: dict[str, Any] = {"t7convert": __version__, "model": path}
    if source is not None:
        origin["source"] = source.name
    if source is not None and source.is_file():  # what came through a pipe is gone
        origin |= {"size": source.stat().st_size, "sha256": sha256(source)}
    values: dict[str, Any] = {}
    left_out: list[str] = []
    for name, value in beside(root, path):
        plain = _plain(value, 0)
        if plain is _NOT_PLAIN:
            left_out.append(f"{name}: {value!r}")
        else:
            values[name] = plain
    return {**origin, "beside": values, "left_out": left_out}


_NOT_PLAIN = object()


def _plain(value: Any, depth: int) -> Any:
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, (LuaTensor, LuaStorage)):
        count = value.numel() if isinstance(value, LuaTensor) else value.size
        return np.array(value.numpy()).tolist() if count <= MAX_ELEMENTS else _NOT_PLAIN
    if not isinstance(value, LuaTable) or depth == _MAX_DEPTH:
        return _NOT_PLAIN
    if value.is_list():
        items = [_plain(item, depth + 1) for item in value.list()]
        return _NOT_PLAIN if any(item is _NOT_PLAIN for item in items) else items
    if not all(isinstance(key, (str, int, float)) for key in value):
        return _NOT_PLAIN
    if any(_opaque(item) for item in value.values()):
        return _NOT_PLAIN
    pairs = {str(key): _plain(item, depth + 1) for key, item in value.items()}
    return _NOT_PLAIN if any(item is _NOT_PLAIN for item in pairs.values()) else pairs


def _opaque(value: Any) -> bool:
    return isinstance(value, (LuaObject, LuaFunction)) or is_module(value)
