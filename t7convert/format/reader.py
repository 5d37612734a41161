"""Opening a file: which encoding it has, what it holds."""

from __future__ import annotations

from types import TracebackType
from typing import Any

from t7convert.format.binary_reader import parse_binary
from t7convert.format.encoding import ENCODINGS
from t7convert.format.frames import Parsed, ReadError
from t7convert.format.source import Openable, Source, open_source


class T7File:
    """An open file and what it holds."""

    def __init__(self, source: Source, parsed: Parsed) -> None:
        self._source = source
        self.objects: list[Any] = parsed.roots
        self.encoding = parsed.encoding
        self.name, self.size, self.count = source.name, source.size, parsed.count

    def close(self) -> None:
        self._source.close()

    def __enter__(self) -> T7File:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def open_file(source: Openable) -> T7File:
    """Open a .t7 file and read its structure."""
    opened = open_source(source)
    errors: list[ReadError] = []
    for encoding in ENCODINGS[:4]:
        try:
            return T7File(opened, parse_binary(opened, encoding))
        except ReadError as error:
            errors.append(error)
    raise max(errors, key=lambda error: error.offset)


def load(source: Openable, *, index: int = 1, reader: str = "native") -> Any:
    """Return the object of a .t7 file."""
    return open_file(source).objects[index - 1]
