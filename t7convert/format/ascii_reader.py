"""The structure of an ASCII file: the same loop as for binary files, over words of text.

Numbers that the file writes in another way than ``%.17g`` (files of 2011 to 2013 have ``%.6g``)
are remembered as they stand, so that the file can be written back.
"""

from __future__ import annotations

import re
from typing import Any, NoReturn

from t7convert.format.cursor import Cursor
from t7convert.format.encoding import Encoding
from t7convert.format.frames import NO_KEY, SLOT, Frame, Kind, Parsed, table_key
from t7convert.format.objects import LuaFunction, LuaObject, LuaTable, Payload, Written
from t7convert.format.payloads import MappedPayload, TextPayload
from t7convert.format.source import Source
from t7convert.format.text_numbers import format_double, parse_double
from t7convert.format.views import MalformedError

_INTEGER = re.compile(rb"[ \t\n\v\f\r]*(-?[0-9]{1,20})(?=[ \t\n\v\f\r])")
_WORD = re.compile(rb"[ \t\n\v\f\r]*([^ \t\n\v\f\r]{1,64})(?=[ \t\n\v\f\r])")
_NOT_NUMBERS = bytes(set(range(256)) - set(b"0123456789+-.eEnaifNAIF# \t\n\v\f\rQSD"))
_WHOLE = 2.0**53
_LINE = 1 << 16


class _AsciiCursor(Cursor):
    least = 2

    def integer(self, pos: int) -> tuple[int, int]:
        match = _INTEGER.match(self.buf, pos)
        if match is None:
            self.fail("a whole number", pos)
        value = int(match[1])
        if not -(2**31) <= value < 2**31:
            raise MalformedError(f"the number {value:,}, too large for an int", pos)
        return value, self._line(match.end())

    def longs(self, count: int, pos: int) -> tuple[tuple[int, ...], int]:
        values = []
        for _ in range(count):
            match = _INTEGER.match(self.buf, pos)
            if match is None:
                self.fail("a whole number", pos)
            value, pos = int(match[1]), match.end()
            if not -(2**63) <= value < 2**63:
                raise MalformedError(f"the number {value:,}, too large for a long", pos)
            values.append(value)
        return tuple(values), self._line(pos)

    def number(self, pos: int) -> tuple[float, bytes | None, int]:
        """Return a number, its text where that is not ``%.17g``, and where it ends."""
        match = _WORD.match(self.buf, pos)
        value = None if match is None else parse_double(match[1])
        if match is None or value is None:
            self.fail("a number", pos)
        text = match[1]
        odd = None if text == format_double(value) else text
        if value.is_integer() and abs(value) <= _WHOLE and (value or text[:1] != b"-"):
            value = int(value)
        return value, odd, self._line(match.end())

    def raw(self, count: int, pos: int) -> tuple[bytes, int]:
        end = pos + count
        if count and self.buf[end : end + 1] != b"\n":
            what = "truncated: the file ends" if end >= self.size else "no newline"
            raise MalformedError(f"{what} after a text of {count:,} bytes", pos)
        return self.buf[pos:end], end + 1 if count else end

    def elements(self, kind: Kind, count: int, pos: int) -> tuple[Payload, int]:
        itemsize = kind.dtype.itemsize
        least = count if itemsize == 1 else 2 * count
        self.need(least, self.size - pos, f"a {kind.typename} of {count:,} elements", pos)
        if itemsize == 1:
            if count and self.buf[pos + count : pos + count + 1] != b"\n":
                raise MalformedError(f"no newline after {count:,} elements", pos + count)
            payload = MappedPayload(self.source, pos, count, kind.dtype, kind.dtype.str)
            return payload, pos + count + 1 if count else pos
        end = self._words(count, pos)
        return TextPayload(self.source, pos, end - pos, count, kind.dtype), self._line(end)

    def _words(self, count: int, pos: int) -> int:
        """Return where ``count`` numbers end; what they say is looked at when they are read."""
        start, missing = pos, count
        while missing:
            line = self.buf.find(b"\n", pos)
            if line < 0:
                raise MalformedError(
                    f"truncated: {count:,} numbers expected, {count - missing:,} found in full",
                    start,
                )
            text = self.buf[pos:line]
            if text.translate(None, _NOT_NUMBERS) != text:
                raise MalformedError("something else among a storage's numbers", pos)
            found = len(text.split()) if len(text) < _LINE else self._count(text)
            if found > missing:
                for _ in range(missing):
                    pos = _WORD.match(self.buf, pos).end()  # type: ignore[union-attr]  # found > missing
                return pos
            missing -= found
            pos = line if missing == 0 else line + 1
        return pos

    @staticmethod
    def _count(text: bytes) -> int:
        return sum(1 for _ in re.finditer(rb"[^ \t\n\v\f\r]+", text))

    def _line(self, pos: int) -> int:
        return pos + 1 if self.buf[pos : pos + 1] == b"\n" else pos

    def fail(self, expected: str, pos: int) -> NoReturn:
        """Raise the error for a word that is not what it must be."""
        found = self.buf[pos : pos + 30].strip().split(b"\n")[0]
        if len(self.buf) - pos < 64 and b"\n" not in self.buf[pos:].lstrip():
            raise MalformedError(f"truncated: the file ends at byte {self.size:,}", pos)
        raise MalformedError(f"{found!r}, expected {expected}", pos)


def parse_ascii(source: Source, encoding: Encoding, *, restart: bool = False) -> Parsed:
    """Read the structure of all objects of ``source``; the arguments are those of parse_binary.

    Raises:
        ReadError: if the text does not follow the format.
    """
    parsed = Parsed(encoding)
    cursor = _AsciiCursor(source, parsed)
    stack: list[Frame] = []
    frame: Frame | None
    top: Frame = ({}, 1, SLOT, SLOT)
    texts: dict[int, dict[int, bytes]] = {}
    pos = at = 0
    try:
        while True:
            at = pos
            sink, left, auto, key = top
            tag, pos = cursor.integer(pos)
            frame = None
            value: Any
            if tag == 1:
                value, odd, pos = cursor.number(pos)
                if odd is not None:
                    texts.setdefault(id(sink), {})[2 * len(sink) + (key is not NO_KEY)] = odd
            else:
                value, frame, pos = _other(cursor, tag, at, pos)
            if key is NO_KEY:
                key = table_key(value, at)
                if key in sink:
                    raise MalformedError(f"the key {key!r} comes twice in one table", at)
            else:
                sink[key] = value
                left -= 1
                auto, key = (auto + 1, auto + 1) if auto else (0, NO_KEY)
            top = (sink, left, auto, key)
            if frame is not None:
                stack.append(top)
                top = frame
            while not top[1]:
                if stack:
                    top = stack.pop()
                    continue
                parsed.add_root(top[0][SLOT], pos, restart=restart)
                if pos == source.size:
                    parsed.finish()
                    _keep(parsed, texts)
                    return parsed
                top = ({}, 1, SLOT, SLOT)
    except MalformedError as error:
        raise parsed.failed(error.problem, source.name, error.offset, [*stack, top]) from None


def _other(cursor: _AsciiCursor, tag: int, at: int, pos: int) -> tuple[Any, Frame | None, int]:
    """Read a value that is no number, up to the head of what it contains."""
    if tag == 0:
        return None, None, pos
    if tag == 2:
        raw, pos = cursor.text(pos, "a string")
        return raw.decode("utf-8", "surrogateescape"), None, pos
    if tag == 5:
        number, pos = cursor.integer(pos)
        return cursor.boolean(number, at), None, pos
    if tag in {6, 7, 8}:
        return cursor.function(tag, pos)
    if tag not in {3, 4}:
        raise MalformedError(f"the tag {tag:,}, expected 0 to 8", at)
    index, pos = cursor.integer(pos)
    known = cursor.memo.get(index)
    if known is not None:
        if (known.__class__ is LuaTable) != (tag == 3) or known.__class__ is LuaFunction:
            what = "table" if tag == 3 else "object"
            raise MalformedError(f"a reference to the {what} {index:,}: {known!r}", at)
        return known, None, pos
    if tag == 4:
        return cursor.torch_object(index, pos)
    if index <= 0:
        raise MalformedError(f"a table of index {index:,}, expected 1 or more", at)
    count, pos = cursor.integer(pos)
    cursor.need(count, (cursor.size - pos) >> 2, f"a table of {count:,} entries", at)
    entries: dict[Any, Any] = {}
    cursor.memo[index] = table = LuaTable.around(entries)
    table.written = index
    return table, (entries, count, 0, NO_KEY), pos


def _keep(parsed: Parsed, texts: dict[int, dict[int, bytes]]) -> None:
    """Give the tables the numbers that are written in a way of their own."""
    for value in parsed.memo.values():
        table = value.payload if value.__class__ is LuaObject else value
        if table.__class__ is LuaTable and id(table._entries) in texts:
            index = table.written.index if isinstance(table.written, Written) else table.written
            table.written = Written(index, numbers=texts[id(table._entries)])
