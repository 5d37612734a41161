"""Is it a .t7, and is it the one that was published?"""

from __future__ import annotations

from pathlib import Path

from t7convert.errors import T7FormatError
from t7convert.fetch.cache import digest_of
from t7convert.fetch.faults import RefusedError
from t7convert.fetch.schema import Checksum

#: gzip, xz, bzip2, zip: what is inside shows when the whole is there.
_PACKED = (b"\x1f\x8b", b"\xfd7zXZ", b"BZh", b"PK\x03\x04")


def check_head(head: bytes) -> None:
    """Refuse first bytes that no .t7 begins with, before the rest is fetched.

    Raises:
        RefusedError: naming what the bytes are.
    """
    if not head:
        raise RefusedError("the answer is empty")
    if head.startswith(_PACKED):
        return
    from t7convert.format.diagnose import identify  # noqa: PLC0415  # see check_t7

    unlike = identify(head, len(head), "the answer")
    if unlike is not None:
        raise RefusedError(f"{unlike.kind} came instead of the file")


def check_t7(path: Path) -> None:
    """Read the structure of the whole file, without its numbers.

    Raises:
        RefusedError: if it is no .t7, or not a whole one.
    """
    from t7convert.format import open_file  # noqa: PLC0415  # numpy is slow; a list needs none

    try:
        with open_file(path):
            pass
    except T7FormatError as error:
        raise RefusedError(f"what came is no whole .t7 file: {error.problem}") from error


def check_published(path: Path, checksum: Checksum | None) -> None:
    """Compare with the published checksum, if there is one.

    Raises:
        RefusedError: naming both digests.
    """
    if checksum is None:
        return
    found = digest_of(path, checksum.algorithm)
    if found != checksum.digest:
        raise RefusedError(
            f"the {checksum.algorithm} is {found}, published is {checksum.digest} "
            f"({checksum.source})"
        )
