"""Plain Python values as what a .t7 file holds."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from t7convert.format.objects import (
    DTYPES,
    ArrayPayload,
    LuaFunction,
    LuaObject,
    LuaStorage,
    LuaTable,
    LuaTensor,
)

_FAMILIES = {dtype: name for name, dtype in DTYPES.items()} | {np.dtype(np.bool_): "Byte"}
_LOW = {bool, float, LuaTable, LuaTensor, LuaStorage, LuaObject, LuaFunction}
_WHOLE = 2**53


class UnwritableError(Exception):
    """A value that has no form in a .t7 file; ``value`` is it."""

    def __init__(self, problem: str, value: Any) -> None:
        super().__init__(problem)
        self.problem, self.value = problem, value


def tensor_from(array: npt.NDArray[Any]) -> LuaTensor:
    """Return ``array`` as a tensor of its own storage; booleans become bytes.

    An array without elements becomes Torch's empty tensor, a single number one of size 1.

    Raises:
        UnwritableError: if Torch has no such element type.
    """
    native = array.dtype.newbyteorder("=")
    if native not in _FAMILIES:
        raise UnwritableError(f"an array of {array.dtype}, for which Torch has no tensor", array)
    family = _FAMILIES[native]
    if array.size == 0:
        return LuaTensor(f"torch.{family}Tensor", (), (), 0, None)
    flat = np.ascontiguousarray(array, DTYPES[family]).reshape(-1)
    storage = LuaStorage(f"torch.{family}Storage", flat.size, ArrayPayload(flat))
    size = array.shape or (1,)
    stride = [1]
    for n in reversed(size[1:]):
        stride.insert(0, stride[0] * n)
    return LuaTensor(f"torch.{family}Tensor", size, tuple(stride), 0, storage)


class Lowering:
    """Turns values into Lua's; the same value becomes the same object every time."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[Any, Any]] = {}

    def __call__(self, value: Any) -> Any:
        """Return None, a bool, int, float, bytes, or one of the Lua classes; not recursively.

        Raises:
            UnwritableError: if the value has no form in a .t7 file.
        """
        if value is None or value.__class__ in _LOW:
            return value
        if isinstance(value, str):
            return value.encode("utf-8", "surrogateescape")
        if isinstance(value, float):
            return float(value)
        if isinstance(value, int):
            if abs(value) > _WHOLE and (abs(value) >= 2**1024 or int(float(value)) != value):
                raise UnwritableError(
                    f"the whole number {value}: a Lua number can't hold it", value
                )
            return value
        if isinstance(value, (bytes, bytearray)):
            return bytes(value)
        if isinstance(value, np.generic):
            return self(value.item())
        known = self._known.get(id(value))
        if known is None:
            known = self._known[id(value)] = value, self._container(value)
        return known[1]

    @staticmethod
    def _container(value: Any) -> Any:
        if isinstance(value, np.ndarray):
            return tensor_from(value)
        if isinstance(value, dict):
            return LuaTable(value)
        if isinstance(value, (list, tuple)):
            return LuaTable(dict(enumerate(value, 1)))
        raise UnwritableError(f"a Python {type(value).__name__}", value)
