"""The structure of a binary file, in one loop with a stack of its own.

What comes once for a value is written out in the loop, with local names only: files hold up to
millions of small values, and a call for each would cost more than the value. What the bytes mean
is told in ``spec``.
"""

from __future__ import annotations

import struct
from typing import Any

from t7convert.format.cursor import Cursor
from t7convert.format.encoding import Encoding
from t7convert.format.frames import NO_KEY, SLOT, Frame, Kind, Parsed, table_key
from t7convert.format.objects import DTYPES, LuaFunction, LuaTable, Payload
from t7convert.format.payloads import MappedPayload
from t7convert.format.source import Source
from t7convert.format.views import MAX_DIMENSIONS, MalformedError

_LONG = DTYPES["Long"]
_WHOLE = 2.0**53
_CACHED_STRING = 40  # field names and class names; longer strings rarely come twice
_HEAD = 128  # bytes of a version and a class name; longer ones are rare
_RELEASE_ABOVE = 32768  # bytes of a payload whose neighbourhood the kernel maps in passing
_RELEASE_EVERY = 32  # such payloads, before the pages passed are given back


class _BinaryCursor(Cursor):
    def __init__(self, source: Source, parsed: Parsed) -> None:
        super().__init__(source, parsed)
        self.order, self.long_size = self.encoding.order, self.encoding.long_size
        code = "q" if self.long_size == 8 else "i"
        self._int_at = struct.Struct(self.order + "i").unpack_from
        self._longs_at = [
            struct.Struct(f"{self.order}{n}{code}").unpack_from
            for n in range(2 * MAX_DIMENSIONS + 2)
        ]
        self._passed = self._released = 0
        self._parsed = parsed
        self._heads: dict[bytes, Kind] = {}

    def class_of(self, pos: int) -> tuple[Kind, bytes | None, int]:
        """Return a class as every cursor does; one met before is known by its bytes."""
        version_end = pos + 4 + self._int_at(self.buf, pos)[0]
        if pos + 4 <= version_end <= pos + _HEAD:
            end = version_end + 4 + self._int_at(self.buf, version_end)[0]
            if version_end + 4 <= end <= pos + _HEAD:
                head = self.buf[pos:end]
                kind = self._heads.get(head)
                if kind is not None:
                    return kind, None, end
                found, odd, stop = super().class_of(pos)
                if stop == end and odd is None:
                    self._heads[head] = found
                return found, odd, stop
        return super().class_of(pos)

    def integer(self, pos: int) -> tuple[int, int]:
        return self._int_at(self.buf, pos)[0], pos + 4

    def longs(self, count: int, pos: int) -> tuple[tuple[int, ...], int]:
        self._parsed.longs = True
        return self._longs_at[count](self.buf, pos), pos + count * self.long_size

    def raw(self, count: int, pos: int) -> tuple[bytes, int]:
        return self.buf[pos : pos + count], pos + count

    def elements(self, kind: Kind, count: int, pos: int) -> tuple[Payload, int]:
        itemsize = self.long_size if kind.dtype is _LONG else kind.dtype.itemsize
        nbytes = count * itemsize
        end = pos + nbytes
        if end > self.size:
            raise MalformedError(
                f"truncated: a {kind.typename} of {count:,} elements needs the bytes up to "
                f"{end:,}, but the file ends at byte {self.size:,}",
                pos,
            )
        if nbytes > _RELEASE_ABOVE:
            self._passed += 1
            if self._passed == _RELEASE_EVERY:
                self.source.release(self._released, end)
                self._passed, self._released = 0, end
        payload = MappedPayload(
            self.source, pos, nbytes, kind.dtype, f"{self.order}{kind.dtype.kind}{itemsize}"
        )
        return payload, end


def parse_binary(  # noqa: PLR0912, PLR0915 -- one loop without calls, see above
    source: Source, encoding: Encoding, *, restart: bool = False
) -> Parsed:
    """Read the structure of all objects of ``source``; payloads are skipped.

    Args:
        restart: whether every object of the file counts its indices anew, as in files that were
            appended to each other.

    Raises:
        ReadError: if the bytes do not follow the format.
    """
    buf, size = source.buffer, source.size
    parsed = Parsed(encoding)
    memo = parsed.memo
    cursor = _BinaryCursor(source, parsed)
    torch_object, read_function = cursor.torch_object, cursor.function
    two_at = struct.Struct(encoding.order + "ii").unpack_from
    int_at = struct.Struct(encoding.order + "i").unpack_from
    double_at = struct.Struct(encoding.order + "d").unpack_from
    new_table = LuaTable.__new__
    strings: dict[bytes, str] = {}

    stack: list[Frame] = []
    sink: dict[Any, Any] = {}
    left, auto = 1, SLOT
    key: Any = SLOT
    value: Any
    frame: Frame | None
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
                    raise MalformedError(f"truncated: the file ends at byte {size:,}", at)
            frame = None
            if tag == 2:
                end = pos + n
                if n < 0 or end > size:
                    cursor.need(n, size - pos, f"a string of {n:,} bytes", at)
                raw = buf[pos:end]
                pos = end
                value = strings.get(raw)
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
                    value, frame, pos = torch_object(n, pos)
                elif value.__class__ is LuaTable or value.__class__ is LuaFunction:
                    raise MalformedError(f"a reference to the object {n:,}: {value!r}", at)
            elif tag == 3:
                value = memo.get(n)
                if value is None:
                    (count,) = int_at(buf, pos)
                    pos += 4
                    if n <= 0:
                        raise MalformedError(f"a table of index {n:,}, expected 1 or more", at)
                    if not 0 <= count <= (size - pos) >> 3:
                        cursor.need(count, (size - pos) >> 3, f"a table of {count:,} entries", at)
                    entries: dict[Any, Any] = {}
                    memo[n] = value = new_table(LuaTable)
                    value._entries = entries
                    value.written = n
                    frame = (entries, count, 0, NO_KEY)
                elif value.__class__ is not LuaTable:
                    raise MalformedError(f"a reference to the table {n:,}: {value!r}", at)
            elif tag == 5:
                value = cursor.boolean(n, at)
            elif tag == 0:
                value = None
                pos = at + 4
            elif 6 <= tag <= 8:
                value, frame, pos = read_function(tag, at + 4)
            else:
                raise MalformedError(f"the tag {tag:,}, expected 0 to 8", at)

            if key is NO_KEY:
                key = value if tag == 2 else table_key(value, at)
                if key in sink:
                    raise MalformedError(f"the key {key!r} comes twice in one table", at)
            else:
                sink[key] = value
                left -= 1
                if auto:
                    auto += 1
                    key = auto
                else:
                    key = NO_KEY
            if frame is not None:
                stack.append((sink, left, auto, key))
                sink, left, auto, key = frame
            while not left:
                if stack:
                    sink, left, auto, key = stack.pop()
                    continue
                parsed.add_root(sink[SLOT], pos, restart=restart)
                if pos == size:
                    parsed.finish()
                    return parsed
                sink, left, auto, key = {}, 1, SLOT, SLOT
    except MalformedError as error:
        stack.append((sink, left, auto, key))
        raise parsed.failed(error.problem, source.name, error.offset, stack) from None
    except struct.error:
        stack.append((sink, left, auto, key))
        problem = f"truncated: the file ends at byte {size:,} within an object"
        raise parsed.failed(problem, source.name, at, stack) from None
