"""What to do, decided without doing anything: pure functions of what is known.

``decide`` looks at the cache; ``judge`` at the head of an HTTP answer.
"""

from __future__ import annotations

import email.utils
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

_RETRIED = frozenset({408, 425, 429, 500, 502, 503, 504})
_CONTENT_RANGE = re.compile(r"bytes\s+(\d+)-(\d+)/(\d+|\*)\s*\Z", re.IGNORECASE)


class Action(Enum):
    """What ``obtain`` does next."""

    USE = "use the file in the cache"
    ADOPT = "record and use a file that somebody put into the cache"
    DOWNLOAD = "download"
    REFUSE_CHANGED = "the file in the cache is not what was first seen"
    REFUSE_OFFLINE = "nothing in the cache, and offline"


def decide(
    *, found_sha256: str | None, recorded_sha256: str | None, offline: bool, force: bool
) -> Action:
    """Return what to do about a name.

    Args:
        found_sha256: the digest of the file in the cache, None if there is none.
        recorded_sha256: what was first seen under this name, None if nothing was.
        offline: whether the network may not be used.
        force: whether to download although the file is there.
    """
    if force and not offline:
        return Action.DOWNLOAD
    if found_sha256 is None:
        return Action.REFUSE_OFFLINE if offline else Action.DOWNLOAD
    if recorded_sha256 is None:
        return Action.ADOPT
    return Action.USE if found_sha256 == recorded_sha256 else Action.REFUSE_CHANGED


@dataclass(frozen=True)
class PartNote:
    """What is known of an unfinished download.

    Attributes:
        url: where it came from.
        etag: the server's words, to tell whether it is still the same file.
        last_modified: likewise.
        total: the length of the whole.
        kept: how many bytes of the part are known to be on the disk.
        kept_sha256: their digest; what doesn't have it is not continued.
    """

    url: str
    etag: str = ""
    last_modified: str = ""
    total: int | None = None
    kept: int = 0
    kept_sha256: str = ""

    @property
    def validator(self) -> str:
        """What ``If-Range`` may carry: a strong ETag or a date; empty if there is neither."""
        if self.etag and not self.etag.startswith("W/"):
            return self.etag
        return self.last_modified


class Kind(Enum):
    """What an answer's head means."""

    START = "the file from its beginning"
    CONTINUE = "the file from where the part ends"
    RESTART = "what is there can't be continued: ask again from the beginning"
    RETRY = "may work later"
    FAIL = "will not work here"


@dataclass(frozen=True)
class Verdict:
    """The meaning of an answer; ``reason`` for people, ``wait`` in seconds if the server asked."""

    kind: Kind
    reason: str = ""
    wait: float | None = None
    total: int | None = None


def judge(
    status: int, headers: Mapping[str, str], *, offset: int = 0, note: PartNote | None = None
) -> Verdict:
    """Return what the answer to a request from byte ``offset`` on means.

    ``headers`` must find names whatever their case. ``note`` is what an earlier answer said of the
    same file; a partial answer that contradicts it is never appended.
    """
    if status == 200:
        return Verdict(Kind.START, total=_whole_length(headers))
    if status == 206:
        return _judge_partial(headers, offset, note)
    if status == 416 and offset:
        return Verdict(Kind.RESTART, "the server has no such range")
    if status in _RETRIED:
        return Verdict(
            Kind.RETRY, f"HTTP {status} {_MEANING.get(status, '')}".strip(), _retry_after(headers)
        )
    return Verdict(Kind.FAIL, f"HTTP {status} {_MEANING.get(status, '')}".strip())


_MEANING = {
    401: "(sign-in needed)",
    403: "(access denied)",
    404: "(not found)",
    408: "(the server waited too long)",
    410: "(gone)",
    429: "(too many requests)",
    500: "(server error)",
    502: "(bad gateway)",
    503: "(unavailable)",
    504: "(gateway timed out)",
}


def _judge_partial(headers: Mapping[str, str], offset: int, note: PartNote | None) -> Verdict:
    match = _CONTENT_RANGE.match(headers.get("Content-Range", ""))
    if not match:
        return Verdict(Kind.RESTART, "a partial answer that does not say which part it is")
    start, end = int(match.group(1)), int(match.group(2))
    total = None if match.group(3) == "*" else int(match.group(3))
    if start != offset:
        return Verdict(Kind.RESTART, f"asked for byte {offset:,} on and got byte {start:,} on")
    if total is None or end != total - 1:
        return Verdict(Kind.RESTART, "the server sends only a piece of what was asked for")
    if note is not None:
        for name, before in (("ETag", note.etag), ("Last-Modified", note.last_modified)):
            now = headers.get(name, "")
            if before and now and now != before:
                return Verdict(Kind.RESTART, f"the file changed on the server ({name})")
        if note.total is not None and note.total != total:
            return Verdict(Kind.RESTART, "the file changed on the server (size)")
    return Verdict(Kind.CONTINUE, total=total)


def _whole_length(headers: Mapping[str, str]) -> int | None:
    if headers.get("Content-Encoding", "identity").lower() not in {"", "identity"}:
        return None  # the length is that of the encoded bytes
    text = headers.get("Content-Length", "")
    return int(text) if text.isascii() and text.isdigit() else None


def _retry_after(headers: Mapping[str, str]) -> float | None:
    text = headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdigit():
        return float(text)
    if not text:
        return None
    try:
        when = email.utils.parsedate_to_datetime(text)
    except ValueError:
        return None
    return max(0.0, when.timestamp() - time.time())
