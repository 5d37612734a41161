"""What the binary and the ASCII reader share: the stack, the classes, the places in the graph.

Each container that is being read is a frame ``(sink, left, auto, key)``: the dict that takes the
values, how many are still to come, the next key where keys are not read from the file (0 where
they are), and the key that waits for its value. An object's own values (fields, header) have
negative keys and are handed over in ``finish``, so that filling a dict is all the loop does.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from t7convert import paths
from t7convert.errors import T7FormatError
from t7convert.format.encoding import Encoding
from t7convert.format.layouts import layout_of
from t7convert.format.objects import (
    BOOLEAN_KEYS,
    FALSE_KEY,
    TRUE_KEY,
    LuaFunction,
    Written,
    dtype_of,
    is_storage_type,
    is_tensor_type,
)
from t7convert.format.views import MalformedError

Frame = tuple[dict[Any, Any], int, int, Any]


class _NoKey:
    """Stands where a frame has no key that waits for its value."""

    def __repr__(self) -> str:
        return "<no key>"


NO_KEY = _NoKey()
#: The key of an object's first value; the next has the next number, and all are negative.
SLOT = -(2**20)


class Kind(NamedTuple):
    """What the readers know of a class: ``what`` is a layout, or ``tensor`` or ``storage``."""

    what: str
    typename: str
    version: int | float | None
    dtype: np.dtype[Any]
    storage: str


_NO_DTYPE = np.dtype("u1")


def kind_of(raw: bytes, version: int | float | None) -> Kind:
    """Return what is known of the class with this name."""
    typename = raw.decode("utf-8", "surrogateescape")
    if is_tensor_type(typename):
        storage = typename[: -len("Tensor")] + "Storage"
        return Kind("tensor", typename, version, dtype_of(typename), storage)
    if is_storage_type(typename):
        return Kind("storage", typename, version, dtype_of(typename), "")
    return Kind(layout_of(typename, version), typename, version, _NO_DTYPE, "")


def parse_version(raw: bytes) -> tuple[int | float | None, bytes | None]:
    """Return the number of ``V 1``, and the text itself where it is written in another way.

    Without a number it is a class name: the file is older than versions (``File.lua``).
    """
    if raw == b"V 1":
        return 1, None
    if not raw.startswith(b"V "):
        return None, None
    try:
        number = float(raw[2:])
    except ValueError:
        return None, None
    if not math.isfinite(number):
        return None, None
    if not number.is_integer():
        return number, raw
    return int(number), None if raw == b"V %d" % int(number) else raw


def written_as(index: int, version: int | float | None, text: bytes | None) -> int | Written:
    """Return what to remember of a tensor or a storage, which keep no version themselves."""
    return index if version == 1 and text is None else Written(index, version, text)


def table_key(value: Any, at: int) -> Any:
    """Return what stands for ``value`` among a table's keys.

    Raises:
        MalformedError: if Lua allows no such key.
    """
    if value is None or (value.__class__ is float and math.isnan(value)):
        raise MalformedError("a table key that is nil or not a number", at)
    if value.__class__ is bool:
        return TRUE_KEY if value else FALSE_KEY
    return value


@dataclass
class Parsed:
    """What a reader has found: the objects at the root, and what stands unfinished.

    Attributes:
        roots: the objects of the file.
        ends: the byte after each.
        memo: what has an index, by it.
        slots: the objects whose contents wait in a dict, and how many values those are.
        count: how many objects have an index.
        unfinished: the places of containers that the file's end cut, outermost first.
        longs: whether there was a value of type ``long``, so that the word size matters.
    """

    encoding: Encoding
    roots: list[Any] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)
    memo: dict[int, Any] = field(default_factory=dict)
    slots: list[tuple[Any, dict[int, Any], int]] = field(default_factory=list)
    count: int = 0
    unfinished: list[str] = field(default_factory=list)
    longs: bool = False

    def add_root(self, value: Any, end: int, *, restart: bool) -> None:
        """Add an object at the root; with ``restart``, count the next one's indices anew."""
        self.roots.append(value)
        self.ends.append(end)
        if restart:
            self.count += len(self.memo)
            self.memo.clear()

    def finish(self) -> None:
        """Hand the values that were read to the objects that own them."""
        self.count += len(self.memo)
        for owner, values, count in self.slots:
            if owner.__class__ is LuaFunction:
                owner.upvalues = values.get(SLOT)
            elif count == 1:
                owner.payload = values.get(SLOT)
            else:
                owner.header = (values.get(SLOT),)
                owner.payload = values.get(SLOT + 1)
        self.slots.clear()

    def failed(self, problem: str, file: str, offset: int, stack: list[Frame]) -> ReadError:
        """Return the error for ``problem``; what was read so far is kept for salvaging."""
        self.finish()
        if SLOT in stack[0][0]:
            self.roots.append(stack[0][0][SLOT])
        depths = range(1, min(len(stack), 64) + 1)
        self.unfinished = list(dict.fromkeys(container_of(stack[:depth]) for depth in depths))
        return ReadError(problem, file=file, offset=offset, path=path_of(stack), parsed=self)


class ReadError(T7FormatError):
    """A format error that keeps what was read until it."""

    def __init__(self, problem: str, *, file: str, offset: int, path: str, parsed: Parsed) -> None:
        super().__init__(problem, file=file, offset=offset, path=path)
        self.parsed = parsed


def path_of(stack: list[Frame]) -> str:
    """Return the place that is being read, e.g. ``model.modules[3].weight``.

    Of a place deeper than 64 steps, the first and the last 32 are told.
    """
    keys = _keys(stack)
    _, _, auto, key = stack[-1]
    return _join([*keys, key] if auto >= 0 and key is not NO_KEY else keys)


def container_of(stack: list[Frame]) -> str:
    """Return the place of the innermost container that is being read."""
    return _join(_keys(stack))


def _keys(stack: list[Frame]) -> list[object]:
    keys: list[object] = []
    for sink, _, auto, key in stack[:-1]:
        if auto == 0 and key is not NO_KEY:
            keys.append(key)
        elif auto >= 0:
            keys.append(next(reversed(sink)))
    return keys


def _join(keys: list[object]) -> str:
    keys = [BOOLEAN_KEYS.get(key, key) for key in keys]
    if len(keys) > 64:
        return paths.join("", *keys[:32]) + " ... " + paths.join("", *keys[-32:])
    return paths.join("", *keys)
