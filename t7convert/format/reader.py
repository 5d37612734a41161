"""Opening a file: what it is, which encoding it has, what it holds."""

from __future__ import annotations

import gc
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Literal

from t7convert.errors import T7FormatError
from t7convert.format.ascii_reader import parse_ascii
from t7convert.format.binary_reader import parse_binary
from t7convert.format.diagnose import identify
from t7convert.format.encoding import ENCODINGS, Encoding
from t7convert.format.frames import Parsed, ReadError
from t7convert.format.source import Openable, Source, open_source

ReaderName = Literal["native", "torchfile"]
_HEAD = 4096
_SHORT = 1 << 16  # a longer file has too many longs to read with the wrong word size by chance


class SalvageWarning(UserWarning):
    """A file was damaged, and what was whole of it was returned because the caller asked so."""


class T7File:
    """An open file: its structure is read, its payloads are not yet.

    Attributes:
        objects: what the file holds, mostly one object.
        encoding: text or binary, byte order, word size.
        name: the file's path, or ``<bytes>``.
        size: how many bytes, unpacked.
        count: how many objects in it have an index.
        problem: None, or why the file had to be salvaged.
        unfinished: of a salvaged file, the places of the containers that its damage cut.
    """

    def __init__(self, source: Source, parsed: Parsed, problem: T7FormatError | None) -> None:
        self._source = source
        self.objects: list[Any] = parsed.roots
        self.encoding: Encoding = parsed.encoding
        self.name, self.size, self.count = source.name, source.size, parsed.count
        self.problem, self.unfinished = problem, tuple(parsed.unfinished)

    def object(self, index: int = 1) -> Any:
        """Return the ``index``-th object, counted from 1.

        Raises:
            T7FormatError: if the file does not hold so many.
        """
        if not 1 <= index <= len(self.objects):
            problem = f"object {index} was asked for, the file holds {len(self.objects)}"
            raise T7FormatError(problem, file=self.name)
        return self.objects[index - 1]

    def reparsed(self) -> T7File:
        """Return the same file, parsed by the torchfile package in the encoding that was found.

        Raises:
            T7FormatError: if torchfile can't read it.
        """
        # a second opinion, rarely asked for
        from t7convert.format.torchfile_reader import parse_torchfile  # noqa: PLC0415

        return T7File(self._source, parse_torchfile(self._source, [self.encoding]), None)

    def release(self) -> None:
        """Give back the mapped pages that were read; they are read again when needed."""
        self._source.release(0, self.size)

    def close(self) -> None:
        """Close the file: what was not read can't be read any more; arrays stay."""
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

    def __repr__(self) -> str:
        return f"<T7File {self.name}: {len(self.objects)} objects, {self.encoding}>"


def open_file(
    source: Openable,
    *,
    reader: ReaderName = "native",
    ascii: bool | None = None,
    byteorder: Literal["little", "big"] | None = None,
    long_size: Literal[4, 8] | None = None,
    member: str | None = None,
    salvage: bool = False,
) -> T7File:
    """Open a .t7 file and read its structure.

    A path's file is mapped: tensors are read when somebody asks for them, so it must not be
    changed while anything of it is in use. Size and time of modification are compared before
    each read; a file that is cut in the middle of one still ends the process.

    Args:
        source: a path, bytes, or a binary file object (read to its end); may be compressed.
        reader: ``torchfile`` parses with the torchfile package, as an independent check.
        ascii: text or binary; by default, like the next two, this is told by trial.
        byteorder: of a binary file.
        long_size: bytes of a C ``long`` in a binary file.
        member: which file of a zip archive.
        salvage: of a damaged file, return what is whole, with a ``SalvageWarning``.

    Raises:
        OSError: if the path can't be opened.
        NotTorch7Error: if the file is something else; it says what, and what to do.
        T7FormatError: if the file is truncated or damaged.
    """
    opened = open_source(source, member=member)
    try:
        unlike = identify(opened.buffer[:_HEAD], opened.size, opened.name)
        if unlike is not None:
            raise unlike
        wanted = [
            each
            for each in _possible(opened.buffer[:64])
            if (ascii is None or each.ascii == ascii)
            and (byteorder is None or each.ascii or each.byteorder == byteorder)
            and (long_size is None or each.ascii or each.long_size == long_size)
        ]
        if not wanted:
            problem = "the file's first bytes do not fit the encoding that was asked for"
            raise T7FormatError(problem, file=opened.name)
        if reader == "torchfile":
            # a second opinion, rarely asked for
            from t7convert.format.torchfile_reader import parse_torchfile  # noqa: PLC0415

            return T7File(opened, parse_torchfile(opened, wanted), None)
        if reader != "native":
            raise ValueError(f"reader={reader!r}, expected 'native' or 'torchfile'")
        with _uncollected():
            return _read(opened, wanted, salvage)
    except BaseException:
        opened.close()
        raise


@contextmanager
def _uncollected() -> Iterator[None]:
    """Keep Python from looking for garbage: all that is read stays, and a third of the time went.

    A parser that fails leaves cycles; they are found later.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _possible(head: bytes) -> Iterator[Encoding]:
    """Yield the encodings that a file can have that begins so, the commonest first."""
    if head.lstrip()[:1].isdigit():
        yield ENCODINGS[-1]
        return
    first = next((i for i in range(0, len(head), 4) if any(head[i : i + 4])), 0)
    little = int.from_bytes(head[first : first + 4], "little") <= 8
    big = int.from_bytes(head[first : first + 4], "big") <= 8
    for encoding in ENCODINGS[:-1]:
        if (little or not big) if encoding.byteorder == "little" else big:
            yield encoding


def _read(source: Source, encodings: list[Encoding], salvage: bool) -> T7File:
    """Read with the encoding that fits; if none does, report how far the best one came."""
    errors: list[ReadError] = []
    for restart in (False, True):
        for encoding in encodings:
            parse = parse_ascii if encoding.ascii else parse_binary
            try:
                parsed = parse(source, encoding, restart=restart)
            except ReadError as error:
                errors.append(error)
                continue
            other = encoding._replace(long_size=4)
            if encoding.long_size == 8 and other in encodings:
                parsed = _likelier(source, parsed, other, restart)
            return T7File(source, parsed, None)
        if not any(error.parsed.ends for error in errors):
            break
    best = max(errors, key=lambda error: error.offset)
    if not (salvage and best.parsed.roots):
        raise T7FormatError(
            best.problem, file=source.name, offset=best.offset, path=best.path
        ) from None
    warnings.warn(f"salvaged what is whole: {best}", SalvageWarning, stacklevel=4)
    return T7File(source, best.parsed, best)


def _likelier(source: Source, parsed: Parsed, other: Encoding, restart: bool) -> Parsed:
    """Return the likelier of two readings, if both read the whole file.

    After an empty tensor or a small number, 4 bytes of zeros are the rest of a long, or a nil.
    People write one object, and no nil; a reading like that is likelier than another.

    Raises:
        T7FormatError: if both are as likely.
    """
    if not parsed.longs or source.size > _SHORT:
        return parsed
    try:
        second = parse_binary(source, other, restart=restart)
    except ReadError:
        return parsed
    first_odd, second_odd = ((len(r) > 1, r.count(None)) for r in (parsed.roots, second.roots))
    if first_odd == second_odd:
        problem = (
            "it reads with longs of 8 bytes and of 4: say which with long_size=8 or 4 (--long-size)"
        )
        raise T7FormatError(problem, file=source.name)
    return parsed if first_odd < second_odd else second


def load(
    source: Openable,
    *,
    index: int = 1,
    reader: ReaderName = "native",
    ascii: bool | None = None,
    byteorder: Literal["little", "big"] | None = None,
    long_size: Literal[4, 8] | None = None,
    member: str | None = None,
    salvage: bool = False,
) -> Any:
    """Return the ``index``-th object of a .t7 file, lazily; see ``open_file`` for the rest."""
    opened = open_file(
        source,
        reader=reader,
        ascii=ascii,
        byteorder=byteorder,
        long_size=long_size,
        member=member,
        salvage=salvage,
    )
    return opened.object(index)


def load_all(
    source: Openable,
    *,
    reader: ReaderName = "native",
    ascii: bool | None = None,
    byteorder: Literal["little", "big"] | None = None,
    long_size: Literal[4, 8] | None = None,
    member: str | None = None,
    salvage: bool = False,
) -> list[Any]:
    """Return all objects of a .t7 file, lazily; see ``open_file`` for the arguments."""
    return open_file(
        source,
        reader=reader,
        ascii=ascii,
        byteorder=byteorder,
        long_size=long_size,
        member=member,
        salvage=salvage,
    ).objects
