"""Nested values between Lua, NumPy and torch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from t7convert.format.objects import LuaStorage, LuaTable, LuaTensor


def tensors_in(value: Any) -> Iterator[Tensor]:
    """Iterate over the tensors of a nested value."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, (list, tuple, dict)):
        for item in value.values() if isinstance(value, dict) else value:
            yield from tensors_in(item)


def to_arrays(value: Any) -> Any:
    """Return Lua or torch values as numpy arrays, lists and dicts."""
    if isinstance(value, (LuaTensor, LuaStorage)):
        return np.array(value.numpy())
    if isinstance(value, LuaTable):
        if value.is_list():
            return [to_arrays(item) for item in value.list()]
        return {key: to_arrays(item) for key, item in value.items()}
    if isinstance(value, Tensor):
        plain = value.detach().cpu()
        return (plain.float() if plain.dtype == torch.bfloat16 else plain).numpy()
    if isinstance(value, (list, tuple)):
        return [to_arrays(item) for item in value]
    if isinstance(value, dict):
        return {key: to_arrays(item) for key, item in value.items()}
    return value


def to_tensors(
    value: Any, *, dtype: torch.dtype | None = None, device: torch.device | None = None
) -> Any:
    """Return arrays as fresh tensors; floating ones in ``dtype``."""
    if isinstance(value, list):
        return [to_tensors(item, dtype=dtype, device=device) for item in value]
    if isinstance(value, dict):
        return {k: to_tensors(item, dtype=dtype, device=device) for k, item in value.items()}
    if isinstance(value, np.ndarray):
        tensor = torch.from_numpy(np.array(value))
        if dtype is not None and tensor.is_floating_point():
            tensor = tensor.to(dtype)
        return tensor.to(device) if device is not None else tensor
    return value
