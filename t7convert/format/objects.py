"""What a .t7 file holds, as Python objects: identity in Python is identity in Lua.

Numbers are ``int`` where the double is a whole number that ``int`` keeps exactly, else ``float``;
booleans ``bool``; nil ``None``; strings ``str`` (UTF-8 with ``surrogateescape``, so every byte
survives). Everything with an identity of its own is one of the classes below.

Each object remembers its written form (``written``), so that a file that was read and not changed
is written back byte for byte.
"""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from dataclasses import dataclass
from typing import Any

from t7convert.format.tensors import (
    DTYPES,
    Array,
    ArrayPayload,
    LuaStorage,
    LuaTensor,
    Payload,
    dtype_of,
    is_storage_type,
    is_tensor_type,
)

__all__ = [
    "BOOLEAN_KEYS",
    "DTYPES",
    "FALSE_KEY",
    "TRUE_KEY",
    "Array",
    "ArrayPayload",
    "LuaFunction",
    "LuaObject",
    "LuaStorage",
    "LuaTable",
    "LuaTensor",
    "Payload",
    "Written",
    "dtype_of",
    "is_storage_type",
    "is_tensor_type",
]


class _BooleanKey:
    """Stands for a boolean among a table's keys, where Python takes ``True`` for ``1``."""

    def __init__(self, value: bool) -> None:
        self.value = value

    def __repr__(self) -> str:
        return str(self.value).lower()


TRUE_KEY, FALSE_KEY = _BooleanKey(True), _BooleanKey(False)
BOOLEAN_KEYS: dict[object, bool] = {TRUE_KEY: True, FALSE_KEY: False}


@dataclass(frozen=True)
class Written:
    """How an object stood in its file, where that is more than its index.

    ``written`` of an object is None (not from a file), its index, or this.

    Attributes:
        index: the object's number in the file; None where the file gives it none.
        version: the version of a tensor or storage; other objects keep theirs as an attribute.
        text: the version as it was written, where that is not ``V`` and the number.
        numbers: numbers that an ASCII file writes in another way than ``%.17g``: the text by
            position (2 i for the key and 2 i + 1 for the value of entry i, from 0).
    """

    index: int | None
    version: int | float | None = 1
    text: bytes | None = None
    numbers: dict[int, bytes] | None = None


class LuaTable(MutableMapping[Any, Any]):
    """A Lua table: a mapping, 1-based as in Lua, in the order of the file.

    ``1`` and ``True`` are distinct keys. Iterating gives keys, always; :meth:`list` gives the
    values 1..n. Tables compare and hash by identity, as in Lua.
    """

    __slots__ = ("_entries", "written")

    def __init__(self, entries: dict[Any, Any] | None = None) -> None:
        self._entries: dict[Any, Any] = {}
        self.written: Any = None
        for key, value in (entries or {}).items():
            self[key] = value

    @classmethod
    def around(cls, entries: dict[Any, Any]) -> LuaTable:
        """Return a table that keeps its entries in ``entries`` (booleans stand for themselves)."""
        table = cls.__new__(cls)
        table._entries, table.written = entries, None
        return table

    @staticmethod
    def _inner(key: Any) -> Any:
        if isinstance(key, bool):
            return TRUE_KEY if key else FALSE_KEY
        return key

    def __getitem__(self, key: Any) -> Any:
        return self._entries[self._inner(key)]

    def __setitem__(self, key: Any, value: Any) -> None:
        self._entries[self._inner(key)] = value

    def __delitem__(self, key: Any) -> None:
        del self._entries[self._inner(key)]

    def __iter__(self) -> Iterator[Any]:
        for key in self._entries:
            yield key.value if key.__class__ is _BooleanKey else key

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, key: object) -> bool:
        return self._inner(key) in self._entries

    __eq__ = object.__eq__
    __hash__ = object.__hash__

    def is_list(self) -> bool:
        """Tell whether the keys are exactly 1..n (the empty table is a list)."""
        return all(position in self._entries for position in range(1, len(self) + 1))

    def list(self) -> list[Any]:
        """Return the values 1..n.

        Raises:
            ValueError: if there are other keys, or gaps.
        """
        if not self.is_list():
            raise ValueError("this table is not a list: its keys are not exactly 1..n")
        return [self._entries[position] for position in range(1, len(self) + 1)]

    def __repr__(self) -> str:
        return f"<LuaTable of {len(self)}>"


class LuaObject:
    """An instance of a Torch class that is no tensor and no storage.

    Attributes:
        typename: e.g. ``nn.Linear``.
        version: the class version of the file, None where the file is older than versions.
        payload: what the object wrote, normally a LuaTable of its fields.
        header: the objects that some classes write before it (nn.GPU, nn.DataParallelTable).
    """

    __slots__ = ("header", "payload", "typename", "version", "written")

    def __init__(
        self,
        typename: str,
        payload: Any = None,
        *,
        version: int | float | None = 1,
        header: tuple[Any, ...] = (),
    ) -> None:
        self.typename, self.payload = typename, payload
        self.version, self.header = version, header
        self.written: Any = None

    @property
    def fields(self) -> LuaTable:
        """The object's fields.

        Raises:
            TypeError: if the object wrote something else than one table.
        """
        if not isinstance(self.payload, LuaTable):
            raise TypeError(f"{self.typename} holds no table of fields")
        return self.payload

    def __getitem__(self, name: Any) -> Any:
        return self.fields[name]

    def get(self, name: Any, default: Any = None) -> Any:
        """Return a field, or ``default``."""
        return self.fields.get(name, default)

    def __repr__(self) -> str:
        return f"<{self.typename}>"


class LuaFunction:
    """A Lua function, inert: its bytecode is kept and never executed."""

    __slots__ = ("bytecode", "tag", "upvalues", "written")

    def __init__(self, bytecode: bytes, upvalues: Any = None, *, tag: int = 8) -> None:
        self.bytecode, self.upvalues, self.tag = bytecode, upvalues, tag
        self.written: Any = None

    def __repr__(self) -> str:
        return f"<Lua function, {len(self.bytecode)} bytes>"
