"""Storages and tensors: flat runs of elements, and views of them."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

#: Element type of each storage and tensor family; Cuda and Cl families mirror these.
DTYPES: dict[str, np.dtype[Any]] = {
    "Byte": np.dtype("u1"),
    "Char": np.dtype("i1"),
    "Short": np.dtype("i2"),
    "Int": np.dtype("i4"),
    "Long": np.dtype("i8"),
    "Half": np.dtype("f2"),
    "Float": np.dtype("f4"),
    "Double": np.dtype("f8"),
}


_FAMILY: dict[str, np.dtype[Any]] = {
    f"torch.{prefix}{name}{kind}": dtype
    for name, dtype in DTYPES.items()
    for prefix in ("", "Cuda", "Cl")
    for kind in ("Tensor", "Storage")
} | {
    f"torch.{prefix}{kind}": DTYPES["Float"]
    for prefix in ("Cuda", "Cl")
    for kind in ("Tensor", "Storage")
}


def dtype_of(typename: str) -> np.dtype[Any]:
    """Return the element type of a tensor or storage class, e.g. ``torch.CudaTensor``.

    Raises:
        KeyError: if it is no tensor or storage class.
    """
    return _FAMILY[typename]


def is_tensor_type(typename: str) -> bool:
    """Tell whether this is a tensor class."""
    return typename in _FAMILY and typename.endswith("Tensor")


def is_storage_type(typename: str) -> bool:
    """Tell whether this is a storage class."""
    return typename in _FAMILY and typename.endswith("Storage")


class Payload(Protocol):
    """Where a storage's elements come from; nothing is read before somebody asks."""

    def read(self, start: int, stop: int) -> Array:
        """Return elements ``start`` to ``stop`` as a read-only array in native byte order."""

    def copy(self, start: int, stop: int) -> Array:
        """Return elements ``start`` to ``stop`` as a new array; no mapped page stays behind."""


class ArrayPayload:
    """Elements that are already in memory."""

    def __init__(self, array: Array) -> None:
        self._array = array

    def read(self, start: int, stop: int) -> Array:
        view = self._array[start:stop]
        view.flags.writeable = False
        return view

    def copy(self, start: int, stop: int) -> Array:
        copied: Array = self._array[start:stop].copy()
        return copied


def _as_array(array: Array, dtype: npt.DTypeLike | None, copy: bool | None) -> Array:
    if dtype is not None and np.dtype(dtype) != array.dtype:
        if copy is False:
            raise ValueError(f"{array.dtype} can't become {np.dtype(dtype)} without a copy")
        return array.astype(dtype)
    return array.copy() if copy else array


class LuaStorage:
    """A flat run of elements; tensors are views of it."""

    __slots__ = ("_payload", "size", "typename", "written")

    def __init__(self, typename: str, size: int, payload: Payload) -> None:
        self.typename, self.size, self._payload = typename, size, payload
        self.written: Any = None

    @property
    def dtype(self) -> np.dtype[Any]:
        """The element type, e.g. float32 for ``torch.FloatStorage`` and ``torch.CudaStorage``."""
        return dtype_of(self.typename)

    def __len__(self) -> int:
        return self.size

    def read(self, start: int, stop: int) -> Array:
        """Return elements ``start`` to ``stop``, read-only; only these are touched.

        Raises:
            IndexError: if the storage does not have them.
            T7FormatError: if they are in a file that was changed or closed.
        """
        self._check(start, stop)
        return self._payload.read(start, stop)

    def _check(self, start: int, stop: int) -> None:
        if not 0 <= start <= stop <= self.size:
            raise IndexError(f"elements {start} to {stop} of {self!r}")

    def numpy(self) -> Array:
        """Return all elements as a read-only array of shape (size,)."""
        return self.read(0, self.size)

    def __array__(self, dtype: npt.DTypeLike | None = None, copy: bool | None = None) -> Array:
        """Let numpy take the elements: read-only without a copy, unless one is asked for."""
        return _as_array(self.numpy(), dtype, copy)

    def copy(self, start: int = 0, stop: int | None = None) -> Array:
        """Return elements as a new writable array; no mapped page of the file stays behind.

        Raises:
            IndexError: if the storage does not have them.
            T7FormatError: if they are in a file that was changed or closed.
        """
        stop = self.size if stop is None else stop
        self._check(start, stop)
        return self._payload.copy(start, stop)

    @property
    def payload(self) -> Payload:
        """Where the elements come from."""
        return self._payload

    @property
    def span(self) -> tuple[int, int] | None:
        """Where the elements stand in the file: first byte and number of bytes.

        None if they come from elsewhere. In a compressed file, of the uncompressed bytes.
        """
        offset = getattr(self._payload, "offset", None)
        return None if offset is None else (offset, getattr(self._payload, "nbytes", 0))

    def __repr__(self) -> str:
        return f"<{self.typename} of {self.size}>"


class LuaTensor:
    """A view of a storage: ``size`` and ``stride`` in elements, ``offset`` from 0."""

    __slots__ = ("offset", "size", "storage", "stride", "typename", "written")

    def __init__(
        self,
        typename: str,
        size: tuple[int, ...],
        stride: tuple[int, ...],
        offset: int,
        storage: LuaStorage | None,
    ) -> None:
        self.typename, self.size, self.stride = typename, size, stride
        self.offset, self.storage = offset, storage
        self.written: Any = None

    @property
    def dtype(self) -> np.dtype[Any]:
        """The element type."""
        return dtype_of(self.typename)

    @property
    def shape(self) -> tuple[int, ...]:
        """The size as numpy calls it; an empty tensor (no dimensions in Lua) is ``(0,)``."""
        return self.size or (0,)

    def numel(self) -> int:
        """Return the number of elements."""
        count = 1 if self.size else 0
        for size in self.size:
            count *= size
        return count

    def extent(self) -> int:
        """Return how many storage elements the view spans, from its first to its last."""
        if self.numel() == 0:
            return 0
        return 1 + sum((n - 1) * s for n, s in zip(self.size, self.stride, strict=True) if n > 1)

    def numpy(self) -> Array:
        """Return the elements as a read-only array of this tensor's shape and strides.

        Only the part of the storage that the view spans is read.
        """
        if self.storage is None or self.numel() == 0:
            empty: Array = np.empty(self.shape, self.dtype)
            empty.flags.writeable = False
            return empty
        flat = self.storage.read(self.offset, self.offset + self.extent())
        return self._view(flat)

    def __array__(self, dtype: npt.DTypeLike | None = None, copy: bool | None = None) -> Array:
        """Let numpy take the elements: read-only without a copy, unless one is asked for."""
        return _as_array(self.numpy(), dtype, copy)

    def copy(self) -> Array:
        """Return the elements as a new, writable, contiguous array.

        What is read from a file is read, not mapped: the only memory taken is the array's, twice
        that where the view is not contiguous.
        """
        if self.storage is None or self.numel() == 0:
            return np.empty(self.shape, self.dtype)
        flat = self.storage.copy(self.offset, self.offset + self.extent())
        if self.is_contiguous():
            return flat.reshape(self.size)
        return np.ascontiguousarray(self._view(flat))

    def is_contiguous(self) -> bool:
        """Tell whether the elements follow each other in the storage, last dimension first."""
        expected = 1
        for size, stride in zip(reversed(self.size), reversed(self.stride), strict=True):
            if size != 1:
                if stride != expected:
                    return False
                expected *= size
        return True

    def _view(self, flat: Array) -> Array:
        strides = tuple(
            s * flat.itemsize if n > 1 else flat.itemsize
            for n, s in zip(self.size, self.stride, strict=True)
        )
        return np.lib.stride_tricks.as_strided(flat, self.size, strides, writeable=False)

    def __repr__(self) -> str:
        return f"<{self.typename} {'x'.join(map(str, self.size)) or 'empty'}>"
