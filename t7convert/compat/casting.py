"""``module.float()``, ``.cuda()``: all tensors of modules change together, ties kept."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from t7convert.compat.fields import ModuleFields

_TYPES: dict[str, tuple[torch.dtype, str]] = {
    f"torch.{place}{name}Tensor": (dtype, "cuda" if place else "cpu")
    for place in ("", "cuda.", "Cuda")
    for name, dtype in (
        ("Float", torch.float32),
        ("Double", torch.float64),
        ("Half", torch.float16),
    )
} | {"torch.CudaTensor": (torch.float32, "cuda")}
_NAMES = {dtype: name for name, (dtype, place) in _TYPES.items() if place == "cpu"}


def memory_of(tensor: Tensor) -> Tensor:
    """Return the whole memory that a tensor lies in, as a vector of its dtype."""
    whole = torch.empty(0, dtype=tensor.dtype, device=tensor.device)
    whole.set_(tensor.detach().untyped_storage())
    return whole


def memory_key(tensor: Tensor) -> tuple[int, torch.dtype]:
    """Return what tensors on one memory have in common."""
    return tensor.untyped_storage()._cdata, tensor.dtype


class Cast:
    """One conversion of whole memories."""

    def __init__(self, dtype: torch.dtype | None, device: torch.device) -> None:
        self._dtype, self._device = dtype, device
        self._made: dict[tuple[int, torch.dtype], tuple[Tensor, Tensor]] = {}
        self._seen: dict[int, Any] = {}

    @classmethod
    def to(cls, type: str | torch.dtype) -> Cast:
        """Return the conversion to a type of torch, by its name or dtype.

        Raises:
            ValueError: if it is no floating type.
        """
        if isinstance(type, torch.dtype):
            return cls(type, torch.device("cpu"))
        if type not in _TYPES:
            raise ValueError(f"{type!r} is no type of modules; known are {', '.join(_TYPES)}")
        dtype, place = _TYPES[type]
        return cls(dtype, torch.device(place))

    def modules(self, modules: Iterable[ModuleFields]) -> None:
        """Convert the fields of modules, each once."""
        for module in {id(each): each for each in modules}.values():
            module.__dict__.update({k: self._value(v) for k, v in module.__dict__.items()})
            if self._dtype is not None:
                module.__dict__["_type"] = _NAMES.get(self._dtype)

    def _value(self, value: Any) -> Any:
        if isinstance(value, Tensor):
            return self._tensor(value)
        if isinstance(value, list) and id(value) not in self._seen:
            self._seen[id(value)] = value
            value[:] = [self._value(item) for item in value]
        elif isinstance(value, dict) and id(value) not in self._seen:
            self._seen[id(value)] = value
            value.update({key: self._value(item) for key, item in value.items()})
        return value

    def _tensor(self, tensor: Tensor) -> Tensor:
        dtype = self._dtype if tensor.is_floating_point() and self._dtype else tensor.dtype
        if (dtype, self._device.type) == (tensor.dtype, tensor.device.type):
            return tensor
        if not tensor.numel():
            return tensor.to(self._device, dtype)
        whole = memory_of(tensor)
        key = memory_key(tensor)
        if key not in self._made:
            self._made[key] = (whole, whole.to(self._device, dtype))
        return self._made[key][1].as_strided(tensor.shape, tensor.stride(), tensor.storage_offset())
