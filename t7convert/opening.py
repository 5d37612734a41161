"""A source, as every function takes it: a path, bytes, a file object, or what ``load`` returned."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from t7convert.errors import PathError, SelectionError
from t7convert.format import LuaObject, T7File, open_file
from t7convert.format.source import Openable
from t7convert.lua import find

Source = Openable | Any


@dataclass(frozen=True)
class Opened:
    """A source: the root object, and the file where there is one."""

    root: Any
    path: Path | None
    file: T7File | None

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

    @contextmanager
    def named(self) -> Iterator[None]:
        """Let errors about places in the file begin with its name."""
        try:
            yield
        except (SelectionError, PathError) as error:
            if self.file is None:
                raise
            raise type(error)(f"{self.file.name}: {error}") from error


def open_source(source: Source) -> Opened:
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
    file = open_file(source)
    if len(file.objects) > 1:
        warnings.warn(
            f"{file.name}: holds {len(file.objects)} objects; this is about the first one, "
            "t7convert.load_all returns all of them",
            stacklevel=3,
        )
    return Opened(file.object(), path, file)
