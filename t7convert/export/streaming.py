"""The tensors of a state_dict as streams from the file they came from: memory stays flat.

A network that was converted with ``read=None`` knows the place of every tensor and holds no values;
the values then go from the source file to the output in pieces.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from t7convert.conversion.bindings import Origin, read_region
from t7convert.conversion.convert import Converted
from t7convert.format.objects import Array

#: Elements per piece.
PIECE = 1 << 20


@dataclass(frozen=True)
class Stream:
    """One tensor of the state_dict.

    Attributes:
        keys: its names; several for a tie, the first one is the one that is stored.
        shape, dtype: as it is stored.
    """

    keys: tuple[str, ...]
    shape: tuple[int, ...]
    dtype: torch.dtype
    tensor: Tensor
    origin: Origin | None

    @property
    def nbytes(self) -> int:
        """The number of bytes that :meth:`pieces` gives in all."""
        return torch.Size(self.shape).numel() * self.dtype.itemsize

    def pieces(self) -> Iterator[bytes]:
        """Yield the elements in C order, little-endian, piece by piece."""
        for array in self._arrays():
            tensor = torch.from_numpy(np.ascontiguousarray(array))
            yield _raw(tensor.to(self.dtype))

    def array(self) -> Array:
        """Return all elements as an array of ``shape`` (bfloat16 as float32)."""
        joined = np.concatenate([a.reshape(-1) for a in self._arrays()] or [np.empty(0)])
        tensor = torch.from_numpy(joined).to(self.dtype)
        plain = tensor.float() if self.dtype == torch.bfloat16 else tensor
        return np.asarray(plain.numpy()).reshape(self.shape)

    def _arrays(self) -> Iterator[Array]:
        origin = self.origin
        if origin is None:
            yield np.asarray(self.tensor.detach().cpu().reshape(-1).numpy())
        elif origin.geometry.is_contiguous and origin.transform is None and origin.kept is None:
            start, stop = origin.geometry.offset, origin.geometry.stop
            for at in range(start, stop, PIECE):
                yield origin.storage.copy(at, min(at + PIECE, stop))
        else:
            values = read_region(origin.storage, origin.geometry)
            if origin.transform is not None:
                values = origin.transform.forward(values)
            flat = values.reshape(-1)
            yield flat if origin.kept is None else flat[origin.kept]


def _raw(tensor: Tensor) -> bytes:
    return tensor.contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()


def streams(converted: Converted, dtype: torch.dtype | None = None) -> list[Stream]:
    """Return the tensors of the network's state_dict, each tie once, in state_dict order."""
    state = converted.network.state_dict(keep_vars=True)
    keys: dict[int, list[str]] = {}
    for key, tensor in state.items():
        keys.setdefault(id(tensor), []).append(key)
    found = []
    for names in keys.values():
        tensor = state[names[0]]
        cast = dtype if dtype is not None and tensor.is_floating_point() else tensor.dtype
        origin = converted.origins.get(id(tensor))
        found.append(Stream(tuple(names), tuple(tensor.shape), cast, tensor, origin))
    return found
