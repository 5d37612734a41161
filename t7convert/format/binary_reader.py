"""The structure of a binary file, in one loop with a stack of its own.

The loop is written out, with local names only: the files hold up to millions of small objects,
and a call for each field would cost more than the field. What the bytes mean is in ``spec``.
"""

from __future__ import annotations

import struct
from typing import Any

from t7convert.format.encoding import Encoding
from t7convert.format.frames import NO_KEY, Frame, Kind, Parsed, kind_of, parse_version, written_as
from t7convert.format.layouts import generator_size
from t7convert.format.objects import (
    DTYPES,
    FALSE_KEY,
    TRUE_KEY,
    LuaFunction,
    LuaObject,
    LuaStorage,
    LuaTable,
    LuaTensor,
    Written,
)
from t7convert.format.source import MappedPayload, Source
from t7convert.format.views import MAX_DIMENSIONS, Malformed, check_view

LONG = DTYPES["Long"]
_WHOLE = 2.0**53
_CACHED_STRING = 40  # field names and class names; longer strings rarely come twice
_RELEASE_EVERY = 32  # payloads skipped before the pages passed are given back
_RELEASE_ABOVE = 32768


class _Cursor:
    """The parts of a file that are read once for an object, not once for a value."""

    def __init__(self, source: Source, encoding: Encoding, memo: dict[int, Any]) -> None:
        self.source, self.buf, self.size, self.memo = source, source.buffer, source.size, memo
        self.order, self.long_size = encoding.order, encoding.long_size
        long_code = "q" if self.long_size == 8 else "i"
        self.int_at = struct.Struct(self.order + "i").unpack_from
        self.long_at = struct.Struct(self.order + long_code).unpack_from
        self.geometry_at = [
            struct.Struct(f"{self.order}{2 * n + 1}{long_code}").unpack_from
            for n in range(MAX_DIMENSIONS + 1)
        ]
        self.kinds: dict[tuple[bytes, int | float | None], Kind] = {}
        self._passed = self._released = 0

    def text_at(self, pos: int, what: str) -> tuple[bytes, int]:
        """Return a counted string and where it ends."""
        (n,) = self.int_at(self.buf, pos)
        end = pos + 4 + n
        if n < 0 or end > self.size:
            raise Malformed(f"{what} of {n:,} bytes, but {self.size - pos - 4:,} are left", pos)
        return self.buf[pos + 4 : end], end

    def class_at(self, pos: int) -> tuple[Kind, bytes | None, int]:
        """Return what is known of a class, the text of an odd version, and where both end."""
        raw, end = self.text_at(pos, "a version string")
        version, odd = parse_version(raw)
        if version is not None:
            raw, end = self.text_at(end, "a class name")
        kind = self.kinds.get((raw, version))
        if kind is None:
            kind = self.kinds[raw, version] = kind_of(raw, version)
        return kind, odd, end

    def storage_at(self, index: int, kind: Kind, odd: bytes | None, pos: int) -> int:
        """Register a storage and return where its payload ends."""
        (n,) = self.long_at(self.buf, pos)
        start = pos + self.long_size
        itemsize = self.long_size if kind.dtype is LONG else kind.dtype.itemsize
        end = start + n * itemsize
        if n < 0:
            raise Malformed(f"a {kind.typename} of {n:,} elements", pos)
        if end > self.size:
            raise Malformed(
                f"truncated: a {kind.typename} of {n:,} elements needs the bytes up to {end:,}, "
                f"but the file ends at byte {self.size:,}",
                pos,
            )
        payload = MappedPayload(self.source, start, n, self.order, itemsize, kind.dtype)
        self.memo[index] = storage = LuaStorage(kind.typename, n, payload)
        storage.written = written_as(index, kind.version, odd)
        if end - start > _RELEASE_ABOVE:
            self._passed += 1
            if self._passed == _RELEASE_EVERY:
                self.source.release(self._released, end)
                self._passed, self._released = 0, end
        return end

    def tensor_at(self, index: int, kind: Kind, odd: bytes | None, pos: int) -> int:
        """Register a tensor and the storage that may follow it; return where they end."""
        buf, where = self.buf, pos
        (dimensions,) = self.int_at(buf, pos)
        if not 0 <= dimensions <= MAX_DIMENSIONS:
            raise Malformed(
                f"a tensor of {dimensions:,} dimensions, expected 0 to {MAX_DIMENSIONS}", pos
            )
        geometry = self.geometry_at[dimensions](buf, pos + 4)
        pos += 4 + (2 * dimensions + 1) * self.long_size
        size, stride, offset = geometry[:dimensions], geometry[dimensions:-1], geometry[-1] - 1
        tensor = LuaTensor(kind.typename, size, stride, offset, None)
        tensor.written = written_as(index, kind.version, odd)
        self.memo[index] = tensor
        (tag,) = self.int_at(buf, pos)
        if tag == 0:
            check_view(size, stride, offset, None, kind.dtype.itemsize, where)
            return pos + 4
        if tag != 4:
            raise Malformed(f"the tag {tag:,} where a tensor's storage is, expected 0 or 4", pos)
        (number,) = self.int_at(buf, pos + 4)
        storage = self.memo.get(number)
        if storage is None:
            found, odd, end = self.class_at(pos + 8)
            if found.typename != kind.storage or number <= 0:
                raise Malformed(
                    f"a {kind.typename} on a {found.typename} of index {number:,}, expected a "
                    f"{kind.storage}",
                    pos,
                )
            end = self.storage_at(number, found, odd, end)
            storage = self.memo[number]
        else:
            end = pos + 8
            if storage.__class__ is not LuaStorage or storage.typename != kind.storage:
                raise Malformed(f"a {kind.typename} on {storage!r}, expected {kind.storage}", pos)
        tensor.storage = storage
        check_view(size, stride, offset, storage.size, kind.dtype.itemsize, where)
        return end


def parse_binary(source: Source, encoding: Encoding, *, restart: bool = False) -> Parsed:
    """Read the structure of all objects of ``source``; payloads are skipped.

    Args:
        restart: whether every object of the file counts its indices anew, as in files that were
            appended to each other.

    Raises:
        T7FormatError: if the bytes do not follow the format. Its ``partial`` is what was read.
    """
    buf, size = source.buffer, source.size
    parsed = Parsed(encoding)
    roots, memo, slots = parsed.roots, parsed.memo, parsed.slots
    cursor = _Cursor(source, encoding, memo)
    text_at, class_at = cursor.text_at, cursor.class_at
    storage_at, tensor_at = cursor.storage_at, cursor.tensor_at
    int_at, long_at, long_size = cursor.int_at, cursor.long_at, cursor.long_size
    two_at = struct.Struct(encoding.order + "ii").unpack_from
    double_at = struct.Struct(encoding.order + "d").unpack_from
    new_table = LuaTable.__new__
    strings: dict[bytes, str] = {}

    stack: list[Frame] = []
    sink: dict[Any, Any] = {}
    left, auto, key = 1, -1, -1
    pos = at = 0

    try:
        while True:
            at = pos
            if pos + 8 <= size:
                tag, n = two_at(buf, pos)
                pos += 8
            else:
                (tag,) = int_at(buf, pos)
                pos += 4
                if tag:
                    raise Malformed(f"truncated: the file ends at byte {size:,} in an object", at)
            child = None
            if tag == 2:
                end = pos + n
                if n < 0 or end > size:
                    raise Malformed(
                        f"a string of {n:,} bytes, but {size - pos:,} bytes are left", at
                    )
                raw = buf[pos:end]
                pos = end
                value: Any = strings.get(raw)
                if value is None:
                    value = raw.decode("utf-8", "surrogateescape")
                    if n < _CACHED_STRING:
                        strings[raw] = value
            elif tag == 1:
                (value,) = double_at(buf, pos - 4)
                pos += 4
                if value.is_integer() and -_WHOLE <= value <= _WHOLE:
                    if value:
                        value = int(value)
                    elif buf[pos - 8 : pos] == b"\0\0\0\0\0\0\0\0":
                        value = 0
            elif tag == 4:
                value = memo.get(n)
                if value is None:
                    if n <= 0:
                        raise Malformed(f"an object with the index {n:,}, expected 1 or more", at)
                    kind, odd, pos = class_at(pos)
                    what = kind.what
                    if what == "tensor":
                        pos = tensor_at(n, kind, odd, pos)
                        value = memo[n]
                    elif what == "storage":
                        pos = storage_at(n, kind, odd, pos)
                        value = memo[n]
                    else:
                        value = LuaObject(kind.typename, version=kind.version)
                        memo[n] = value
                        value.written = n if odd is None else Written(n, kind.version, odd)
                        if what == "objects":
                            child = {}
                            slots.append((value, child))
                            frame = (child, 1, -1)
                        elif what == "two objects":
                            child = {}
                            slots.append((value, child))
                            frame = (child, 2, -2)
                        elif what == "hash" or what == "vec" or what == "samples":
                            if what == "samples":
                                resized, count = two_at(buf, pos)
                                if resized not in (0, 1):
                                    raise Malformed(f"the boolean {resized}, expected 0 or 1", pos)
                                value.header = (bool(resized),)
                                pos += 8
                            else:
                                (count,) = long_at(buf, pos)
                                pos += long_size
                            least = 8 if what == "hash" else 4
                            if not 0 <= count <= (size - pos) // least:
                                raise Malformed(
                                    f"a {kind.typename} of {count:,} entries, but {size - pos:,} bytes "
                                    "are left",
                                    pos,
                                )
                            value.payload = table = LuaTable()
                            child = table._entries
                            frame = (child, count, 0 if what == "hash" else 1)
                        elif what == "counter":
                            (value.payload,) = long_at(buf, pos)
                            pos += long_size
                        elif what == "generator":
                            length = generator_size(buf[pos : pos + 5048])
                            if pos + length > size:
                                raise Malformed(
                                    f"truncated: a torch.Generator needs {length:,} bytes, but "
                                    f"{size - pos:,} are left",
                                    pos,
                                )
                            value.payload = buf[pos : pos + length]
                            pos += length
                elif value.__class__ is LuaTable or value.__class__ is LuaFunction:
                    raise Malformed(
                        f"a reference to the Torch object {n:,}, which is {value!r}", at
                    )
            elif tag == 3:
                value = memo.get(n)
                if value is None:
                    if n <= 0:
                        raise Malformed(f"a table with the index {n:,}, expected 1 or more", at)
                    (count,) = int_at(buf, pos)
                    pos += 4
                    if not 0 <= count <= (size - pos) >> 3:
                        raise Malformed(
                            f"a table of {count:,} entries, but {size - pos:,} bytes are left", at
                        )
                    child = {}
                    memo[n] = value = new_table(LuaTable)
                    value._entries = child
                    value.written = n
                    frame = (child, count, 0)
                elif value.__class__ is not LuaTable:
                    raise Malformed(f"a reference to the table {n:,}, which is {value!r}", at)
            elif tag == 5:
                if n >> 1:
                    raise Malformed(f"the boolean {n:,}, expected 0 or 1", at)
                value = n == 1
            elif tag == 0:
                value = None
                pos = at + 4
            elif 6 <= tag <= 8:
                index: int | None = n
                if tag == 6 and buf[pos : pos + 2] == b"\x1bL":
                    # File.lua writes no index here
                    index, pos = None, pos - 4
                value = memo.get(index) if index is not None else None
                if value is None:
                    if index is not None and index <= 0:
                        raise Malformed(f"a function with the index {n:,}, expected 1 or more", at)
                    raw, pos = text_at(pos, "a function")
                    child = {}
                    value = LuaFunction(raw, tag=tag)
                    value.written = index
                    if index is not None:
                        memo[index] = value
                    slots.append((value, child))
                    frame = (child, 1, -1)
                elif value.__class__ is not LuaFunction:
                    raise Malformed(f"a reference to the function {n:,}, which is {value!r}", at)
            else:
                raise Malformed(f"the tag {tag:,}, expected 0 to 8", at)

            if key is NO_KEY:
                if tag == 5:
                    value = TRUE_KEY if value else FALSE_KEY
                elif tag == 0 or value != value:
                    raise Malformed("a table key that is nil or not a number", at)
                if value in sink:
                    raise Malformed(f"the key {value!r} comes twice in one table", at)
                key = value
            else:
                sink[key] = value
                left -= 1
                if auto:
                    auto += 1
                    key = auto
                else:
                    key = NO_KEY
            if child is not None:
                stack.append((sink, left, auto, key))
                sink, left, auto = frame
                key = auto or NO_KEY
            while not left:
                if stack:
                    sink, left, auto, key = stack.pop()
                    continue
                roots.append(sink[-1])
                parsed.ends.append(pos)
                if pos == size:
                    parsed.finish()
                    return parsed
                if restart:
                    parsed.count += len(memo)
                    memo.clear()
                sink, left, auto, key = {}, 1, -1, -1
    except (Malformed, struct.error) as caught:
        if isinstance(caught, Malformed):
            problem, at = caught.problem, caught.offset
        else:
            problem = f"truncated: the file ends at byte {size:,} in an object"
        stack.append((sink, left, auto, key))
        raise parsed.failed(problem, source.name, at, stack) from None
