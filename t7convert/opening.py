"""A source, as every function takes it: a path, bytes, a file object, or what ``load`` returned."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from t7convert.errors import (
    ArchitectureError,
    ConversionError,
    PathError,
    SelectionError,
    T7FormatError,
)
from t7convert.format import LuaObject, T7File, open_file
from t7convert.format.source import Openable
from t7convert.lua import find

Source = Openable | Any


@dataclass(frozen=True)
class Reading:
    """What is read of a file, and how, where the file does not tell; see ``open_file``.

    Attributes:
        long_size, byteorder: of a binary file.
        member: which file of a zip archive.
        index: which of several objects, from 1; None for the first, with a warning if there are
            several.
    """

    long_size: Literal[4, 8] | None = None
    byteorder: Literal["little", "big"] | None = None
    member: str | None = None
    index: int | None = None

    def open(self, source: Openable) -> T7File:
        """Open a file so.

        Raises:
            NotTorch7Error, T7FormatError: if it is no such file.
        """
        return open_file(
            source, long_size=self.long_size, byteorder=self.byteorder, member=self.member
        )


#: A file tells everything by itself.
TOLD = Reading()


@dataclass(frozen=True)
class Opened:
    """A source: the root object, and the file where there is one."""

    root: Any
    path: Path | None
    file: T7File | None
    index: int = 1

    @property
    def name(self) -> str:
        """What messages and reports call the source."""
        return "<object>" if self.file is None else self.file.name

    def model(self, select: str | None = None) -> tuple[str, LuaObject]:
        """Return the path and object of the model; errors name the file.

        Raises:
            SelectionError: if there is no model, or several and no choice.
            PathError: if ``select`` leads nowhere.
        """
        with self.named():
            return find.model(self.root, select)

    def by_torchfile(self) -> Any:
        """Return the root object as the torchfile package reads it.

        Raises:
            T7FormatError: if it can't read the file, or there is no file.
        """
        if self.file is None:
            raise T7FormatError("there is no file, but an object in memory", file=self.name)
        return self.file.reparsed().object(self.index)

    @contextmanager
    def named(self) -> Iterator[None]:
        """Let errors about places in the file, or what it is not, begin with its name."""
        try:
            yield
        except (SelectionError, PathError, ArchitectureError) as error:
            if self.file is None or str(error).startswith(f"{self.file.name}: "):
                raise
            raise type(error)(f"{self.file.name}: {error}") from error
        except ConversionError as error:
            if self.file is None or error.file:
                raise
            raise ConversionError(error.problems, file=self.file.name) from error


def open_source(source: Source, reading: Reading = TOLD) -> Opened:
    """Return the root object of a path, bytes or file object; a loaded object as it is."""
    if isinstance(source, Opened):
        return source
    path = Path(source) if isinstance(source, (str, os.PathLike)) else None
    if not (
        path is not None
        or isinstance(source, (bytes, bytearray, memoryview))
        or callable(getattr(source, "read", None))
    ):
        return Opened(source, None, None)
    file = reading.open(source)
    if reading.index is None and len(file.objects) > 1:
        warnings.warn(
            f"{file.name}: holds {len(file.objects)} objects; this is about the first one "
            "(--object N, load(..., index=N); t7convert.load_all returns all of them)",
            stacklevel=3,
        )
    index = reading.index or 1
    return Opened(file.object(index), path, file, index)
