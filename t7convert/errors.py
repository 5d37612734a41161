"""The package's exceptions: one root, each subclass means something different to a caller.

Every error carries ``exit_code``, which the command line returns.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass


class T7Error(Exception):
    """Root of the package's errors; the command line prints these without a traceback."""

    exit_code = 1


class T7FormatError(T7Error, ValueError):
    """The bytes are not, or do not follow, the .t7 format.

    Attributes:
        problem: what is wrong, with the number found and the number expected.
        file: the name of the file, or ``<bytes>``.
        offset: the byte at which the problem stands (in the uncompressed stream).
        path: the place in the object graph, e.g. ``model.modules[3].name``.
    """

    exit_code = 4

    def __init__(self, problem: str, *, file: str, offset: int = 0, path: str = "") -> None:
        self.problem, self.file, self.offset, self.path = problem, file, offset, path
        where = f"{file}: byte {offset:,}" + (f", at {path}" if path else "")
        super().__init__(f"{where}: {problem}")


class NotTorch7Error(T7FormatError):
    """The file is something else than a .t7; ``kind`` names it and ``remedy`` says what to do."""

    def __init__(self, kind: str, remedy: str, *, file: str) -> None:
        self.kind, self.remedy = kind, remedy
        super().__init__(f"{kind}; {remedy}" if remedy else kind, file=file)
        self.args = (f"{file}: not a .t7 file but {self.problem}",)


class PathError(T7Error, KeyError):
    """A path that does not parse, or that leads nowhere in this file."""

    def __str__(self) -> str:
        return str(self.args[0])


class SelectionError(T7Error, ValueError):
    """No model, or several models, where one was wanted."""


def in_words(error: Exception) -> str:
    """Return what an error says, for a line of its own; the system's errors name the file."""
    if not isinstance(error, OSError) or isinstance(error, T7Error) or not error.strerror:
        return str(error)
    named = error.filename is not None
    return f"{os.fsdecode(error.filename)}: {error.strerror}" if named else error.strerror


def first_line(error: Exception) -> str:
    """Return the first line of what an error says, or its class where it says nothing."""
    return next(iter(str(error).strip().splitlines()), type(error).__name__)


@dataclass(frozen=True)
class Problem:
    """One thing that can't be converted: the Lua class, where it stands and why."""

    typename: str
    path: str
    reason: str

    def __str__(self) -> str:
        return f"{self.path or '<root>'}: {self.typename}: {self.reason}"


class ConversionError(T7Error, ValueError):
    """Something in the network can't be converted faithfully; ``problems`` lists all of it.

    ``file`` is the name of the file that holds the network, where it is known.
    """

    exit_code = 3

    def __init__(self, problems: Sequence[Problem] | str, *, file: str = "") -> None:
        if isinstance(problems, str):
            problems = [Problem("conversion", "", problems)]
        self.problems, self.file = tuple(problems), file
        count = len(self.problems)
        head = "1 thing" if count == 1 else f"{count} things"
        lines = "\n".join(f"  {problem}" for problem in self.problems)
        where = f"{file}: " if file else ""
        super().__init__(f"{where}{head} can't be converted faithfully:\n{lines}")


class ArchitectureError(T7Error, ValueError):
    """The network is not of the architecture that was asked for; the message says why."""


class CheckpointError(T7Error, ValueError):
    """A converted file (.pt and the like) does not hold what it should."""


class ParityError(T7Error, AssertionError):
    """The converted network does not compute what the Lua network computes."""

    exit_code = 5


class DownloadError(T7Error, OSError):
    """A file could not be fetched, or what came is not what was asked for."""


class OutputError(T7Error, OSError):
    """An output can't be written: it exists, or it is the input."""


class OutputKindError(OutputError, ValueError):
    """There is no such kind of output, or it has no such option: a mistake in the call."""

    exit_code = 2
