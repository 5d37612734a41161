"""One grammar for places in a file, printed and parsed by everyone.

A path is a sequence of keys. ``model.modules[5].weight`` is the string key ``model``, then
``modules``, then the number key 5, then ``weight``. Strings that are no plain name are written
``["any string"]`` (JSON's escapes); ``.5`` is accepted for ``[5]``; ``[true]`` is the boolean key,
``[inf]`` and ``[-inf]`` are numbers.
Keys that have no spelling (tables, tensors) print as ``[<LuaTable>]``, which means the only key of
that kind.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from t7convert.errors import PathError


@dataclass(frozen=True, repr=False)
class Unspelled:
    """A key that has no spelling; ``kind`` is the Python class of such keys."""

    kind: str

    def __repr__(self) -> str:
        return f"<{self.kind}>"


Key = str | int | float | bool | Unspelled

_WHOLE = 2**53  # up to here whole numbers are read as int
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_TOKEN = re.compile(
    r"""(?P<dot>\.?)(?:(?P<name>[A-Za-z_][A-Za-z0-9_]*)|(?P<index>-?[0-9]+))"""
    r"""|\[(?:(?P<boolean>true|false)|(?P<number>-?(?:inf|[0-9]+(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?))"""
    r"""|(?P<string>"(?:[^"\\]|\\.)*")|<(?P<kind>\w+)>)\]"""
)


def step(key: object) -> str:
    """Return how ``key`` is written after a path, e.g. ``.weight``, ``[3]`` or ``["a b"]``."""
    if isinstance(key, str):
        return f".{key}" if _NAME.match(key) else f"[{json.dumps(key)}]"
    if isinstance(key, bool):
        return "[true]" if key else "[false]"
    if isinstance(key, (int, float)):
        whole = isinstance(key, int) or (key.is_integer() and abs(key) <= _WHOLE)
        return f"[{int(key)}]" if whole else f"[{key!r}]"
    return f"[<{key.kind if isinstance(key, Unspelled) else type(key).__name__}>]"


def join(path: str, *keys: object) -> str:
    """Return ``path`` extended by ``keys``."""
    text = path + "".join(step(key) for key in keys)
    return text[1:] if text.startswith(".") else text


def parse(path: str) -> tuple[Key, ...]:
    """Return the keys of ``path``; the empty path is the root.

    Raises:
        PathError: if the text does not follow the grammar.
    """
    keys: list[Key] = []
    position = 0
    while position < len(path):
        match = _TOKEN.match(path, position)
        if not match:
            raise PathError(
                f"path {path!r}: can't be read from character {position + 1} on; a key that is no "
                'plain name is written ["any string"]'
            )
        group = match.groupdict()
        bare = group["name"] is not None or group["index"] is not None
        if (bare and position > 0 and not group["dot"]) or (not bare and group["dot"]):
            raise PathError(f"path {path!r}: unexpected text at character {position + 1}")
        if group["name"] is not None:
            keys.append(group["name"])
        elif group["index"] is not None:
            keys.append(int(group["index"]))
        elif group["boolean"] is not None:
            keys.append(group["boolean"] == "true")
        elif group["number"] is not None:
            number = float(group["number"])
            whole = number.is_integer() and abs(number) <= _WHOLE
            keys.append(int(number) if whole else number)
        elif group["kind"] is not None:
            keys.append(Unspelled(group["kind"]))
        else:
            keys.append(_string(path, group["string"]))
        position = match.end()
    return tuple(keys)


def _string(path: str, literal: str) -> str:
    try:
        text: str = json.loads(literal, strict=False)
    except json.JSONDecodeError as error:
        raise PathError(f"path {path!r}: {literal} is no string: {error.msg}") from None
    return text
