"""The parts of a file that are read once for an object, for binary and ASCII files alike.

A cursor keeps no position: every method takes one and returns where it ended. The two readers
subclass it with the primitives; classes, tensors, storages and the classes with a payload of
their own are written once, here.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from t7convert.format.encoding import Encoding
from t7convert.format.frames import (
    NO_KEY,
    SLOT,
    Frame,
    Kind,
    Parsed,
    kind_of,
    parse_version,
    written_as,
)
from t7convert.format.layouts import GENERATOR_SIZES, generator_size
from t7convert.format.objects import (
    LuaFunction,
    LuaObject,
    LuaStorage,
    LuaTable,
    LuaTensor,
    Payload,
    Written,
)
from t7convert.format.source import Source
from t7convert.format.views import MAX_DIMENSIONS, MalformedError, check_view


class Cursor(ABC):
    """Reads parts of objects and registers what has an index.

    Attributes:
        least: the bytes of the shortest object, which bound how many can follow.
    """

    least = 4

    def __init__(self, source: Source, parsed: Parsed) -> None:
        self.source, self.buf, self.size = source, source.buffer, source.size
        self.encoding: Encoding = parsed.encoding
        self.memo, self.slots = parsed.memo, parsed.slots
        self.kinds: dict[tuple[bytes, int | float | None], Kind] = {}

    @abstractmethod
    def integer(self, pos: int) -> tuple[int, int]:
        """Return an ``int`` and where it ends."""

    @abstractmethod
    def longs(self, count: int, pos: int) -> tuple[tuple[int, ...], int]:
        """Return ``count`` values of type ``long`` and where they end."""

    @abstractmethod
    def raw(self, count: int, pos: int) -> tuple[bytes, int]:
        """Return ``count`` bytes (they are there) and where they end, with the newline of text."""

    @abstractmethod
    def elements(self, kind: Kind, count: int, pos: int) -> tuple[Payload, int]:
        """Return a storage's payload, unread, and where it ends."""

    def text(self, pos: int, what: str) -> tuple[bytes, int]:
        """Return a counted string and where it ends."""
        count, start = self.integer(pos)
        self.need(count, self.size - start, f"{what} of {count:,} bytes", pos)
        return self.raw(count, start)

    def need(self, count: int, possible: int, what: str, at: int) -> None:
        """Check a count against how many there can be.

        Raises:
            MalformedError: if it is negative or too large.
        """
        if count < 0:
            raise MalformedError(f"{what}: the count is negative", at)
        if count > possible:
            raise MalformedError(
                f"{what}, but the file ends at byte {self.size:,} and can't hold them; "
                "it is truncated or damaged",
                at,
            )

    def class_of(self, pos: int) -> tuple[Kind, bytes | None, int]:
        """Return what is known of a class, the text of an odd version, and where both end."""
        raw, end = self.text(pos, "a version string")
        version, odd = parse_version(raw)
        if version is not None:
            raw, end = self.text(end, "a class name")
        kind = self.kinds.get((raw, version))
        if kind is None:
            kind = self.kinds[raw, version] = kind_of(raw, version)
        return kind, odd, end

    def storage(self, index: int, kind: Kind, odd: bytes | None, pos: int) -> int:
        """Register a storage; return where its payload ends."""
        (count,), start = self.longs(1, pos)
        if count < 0:
            raise MalformedError(f"a {kind.typename} of {count:,} elements", pos)
        payload, end = self.elements(kind, count, start)
        self.memo[index] = storage = LuaStorage(kind.typename, count, payload)
        storage.written = written_as(index, kind.version, odd)
        return end

    def tensor(self, index: int, kind: Kind, odd: bytes | None, pos: int) -> int:
        """Register a tensor, and the storage if it follows; return where they end."""
        where = pos
        rank, pos = self.integer(pos)
        if not 0 <= rank <= MAX_DIMENSIONS:
            raise MalformedError(
                f"a tensor of {rank:,} dimensions, expected 0 to {MAX_DIMENSIONS}", where
            )
        geometry, pos = self.longs(2 * rank + 1, pos)
        size, stride, offset = geometry[:rank], geometry[rank:-1], geometry[-1] - 1
        tensor = LuaTensor(kind.typename, size, stride, offset, None)
        tensor.written = written_as(index, kind.version, odd)
        self.memo[index] = tensor
        at = pos
        tag, pos = self.integer(pos)
        if tag == 0:
            check_view(tensor, where)
            return pos
        if tag != 4:
            raise MalformedError(f"the tag {tag:,} where a storage is, expected 0 or 4", at)
        number, pos = self.integer(pos)
        storage = self.memo.get(number)
        if storage is None:
            found, odd, pos = self.class_of(pos)
            if found.typename != kind.storage or number <= 0:
                raise MalformedError(
                    f"a {kind.typename} on a {found.typename} of index {number:,}, expected a "
                    f"{kind.storage}",
                    at,
                )
            pos = self.storage(number, found, odd, pos)
            storage = self.memo[number]
        elif storage.__class__ is not LuaStorage or storage.typename != kind.storage:
            raise MalformedError(f"a {kind.typename} on {storage!r}, expected {kind.storage}", at)
        tensor.storage = storage
        check_view(tensor, where)
        return pos

    def torch_object(self, index: int, pos: int) -> tuple[Any, Frame | None, int]:
        """Register the Torch object that begins after its index.

        Returns:
            The object, the frame of what is still to be read of it, and where its head ends.
        """
        if index <= 0:
            raise MalformedError(f"an object of index {index:,}, expected 1 or more", pos)
        kind, odd, pos = self.class_of(pos)
        what = kind.what
        if what == "tensor":
            pos = self.tensor(index, kind, odd, pos)
            return self.memo[index], None, pos
        if what == "storage":
            pos = self.storage(index, kind, odd, pos)
            return self.memo[index], None, pos
        value = LuaObject(kind.typename, version=kind.version)
        self.memo[index] = value
        value.written = index if odd is None else Written(index, kind.version, odd)
        if what in {"objects", "two objects"}:
            values: dict[Any, Any] = {}
            count = 1 if what == "objects" else 2
            self.slots.append((value, values, count))
            return value, (values, count, SLOT, SLOT), pos
        return self._special(value, what, pos)

    def _special(self, value: LuaObject, what: str, pos: int) -> tuple[Any, Frame | None, int]:
        """Read the head of an object whose class writes something else than objects."""
        at = pos
        if what == "counter":
            (value.payload,), pos = self.longs(1, pos)
        elif what == "generator":
            length = generator_size(self.buf[pos : pos + GENERATOR_SIZES[0]])
            self.need(length, self.size - pos, f"a torch.Generator of {length:,} bytes", pos)
            value.payload, pos = self.raw(length, pos)
        if what not in {"hash", "vec", "samples"}:
            return value, None, pos
        if what == "samples":
            resized, pos = self.integer(pos)
            value.header = (self.boolean(resized, at),)
            count, pos = self.integer(pos)
        else:
            (count,), pos = self.longs(1, pos)
        least = self.least * (2 if what == "hash" else 1)
        self.need(count, (self.size - pos) // least, f"a {value.typename} of {count:,}", at)
        entries: dict[Any, Any] = {}
        value.payload = LuaTable.around(entries)
        if what == "hash":
            return value, (entries, count, 0, NO_KEY), pos
        return value, (entries, count, 1, 1), pos

    @staticmethod
    def boolean(value: int, at: int) -> bool:
        """Return a boolean, which is written as an int."""
        if value not in {0, 1}:
            raise MalformedError(f"the boolean {value:,}, expected 0 or 1", at)
        return value == 1

    def function(self, tag: int, pos: int) -> tuple[LuaFunction, Frame | None, int]:
        """Read a function's index (if it has one) and bytecode, and register it."""
        at = pos
        number, after = self.integer(pos)
        index: int | None = None
        # File.lua writes no index after tag 6; then the bytecode's first bytes stand here
        if tag != 6 or self.buf[after : after + 2] != b"\x1bL":
            index, pos = number, after
            if index <= 0:
                raise MalformedError(f"a function of index {index:,}, expected 1 or more", at)
            known = self.memo.get(index)
            if known is not None:
                if known.__class__ is not LuaFunction:
                    raise MalformedError(f"a reference to the function {index:,}: {known!r}", at)
                return known, None, pos
        bytecode, pos = self.text(pos, "a function")
        value = LuaFunction(bytecode, tag=tag)
        value.written = index
        if index is not None:
            self.memo[index] = value
        upvalues: dict[Any, Any] = {}
        self.slots.append((value, upvalues, 1))
        return value, (upvalues, 1, SLOT, SLOT), pos
