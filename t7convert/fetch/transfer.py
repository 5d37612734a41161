"""One address, several attempts: the bytes of a file go into the part, and go on where they ended.

Nothing here decides whether the bytes are the right ones; ``obtain`` verifies the whole part.
"""

from __future__ import annotations

import base64
import contextlib
import logging
import re
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import requests

from t7convert.errors import DownloadError
from t7convert.fetch.addresses import Address, Direct, GoogleDrive
from t7convert.fetch.cache import Slot, digest_of
from t7convert.fetch.decision import Kind, PartNote, judge
from t7convert.fetch.faults import BrokenError, RefusedError
from t7convert.fetch.gdrive import Page, advice
from t7convert.fetch.limits import Conditions
from t7convert.fetch.part import PartWriter, check_space, flush, full_disk_named, read_note
from t7convert.fetch.verify import check_head
from t7convert.fetch.web import ask

logger = logging.getLogger(__name__)

_HEAD = 4096


@dataclass(frozen=True)
class Arrival:
    """A part that is complete as far as the server's words go."""

    origin: str


@dataclass(frozen=True)
class Transfer:
    """Brings the whole file at ``address`` into ``slot.part``."""

    address: Address
    slot: Slot
    session: requests.Session
    conditions: Conditions

    def run(self) -> Arrival:
        """Try until the part is complete.

        Raises:
            RefusedError: if this address does not give the file, another one may.
            DownloadError: if no address can help: the disk is full, or the time is up.
        """
        local = self.address.local_path if isinstance(self.address, Direct) else None
        if local is not None:
            return _copy(local, self.slot, self.conditions)
        failures, farthest = 0, 0
        while True:
            try:
                return self._attempt()
            except BrokenError as error:
                note = read_note(self.slot, str(self.address))
                reached = note.kept if note else 0
                if reached > farthest:
                    failures, farthest = 0, reached
                failures += 1
                pause = self._pause(error, failures)
                logger.warning("%s: %s; trying again in %.0f s", self.address, error, pause)
                time.sleep(pause)

    def _pause(self, error: BrokenError, failures: int) -> float:
        """Return for how long to wait before the next attempt, or give up."""
        limits = self.conditions.limits
        if failures >= limits.attempts:
            raise RefusedError(f"{error} ({failures} attempts)") from error
        pause: float = min(limits.backoff * 2 ** (failures - 1), limits.longest_pause)
        if error.wait is not None:
            if error.wait > limits.longest_pause:
                asked = f"the server asks to wait for {error.wait:.0f} s"
                raise RefusedError(f"{error}; {asked}") from error
            pause = max(pause, error.wait)
        if pause >= self.conditions.time_left():
            raise DownloadError(
                f"{self.address}: {error}; the time for this download is up"
            ) from error
        return pause

    def _attempt(self) -> Arrival:
        note = read_note(self.slot, str(self.address))
        if note is not None and note.kept == note.total:
            return Arrival(str(self.address))  # whole, but never verified
        headers = {"Accept-Encoding": "identity"}
        if note is None:
            self.slot.discard_part()
        else:
            headers |= {"Range": f"bytes={note.kept}-", "If-Range": note.validator}
        offset = note.kept if note else 0
        reply = ask(self.address, headers, self.session, self.conditions)
        with reply.response as response:
            verdict = judge(response.status_code, response.headers, offset=offset, note=note)
            if verdict.kind is Kind.FAIL:
                raise RefusedError(self._explained(verdict.reason))
            if verdict.kind is Kind.RETRY:
                raise BrokenError(verdict.reason, verdict.wait)
            if verdict.kind is Kind.RESTART:
                self.slot.discard_part()
                raise BrokenError(verdict.reason, 0.0)
            if verdict.kind is Kind.START or note is None:
                self.slot.discard_part()
                note = _note_of(response, self.address, verdict.total)
            self._receive(reply.chunks, verdict.total, note)
        _check_digests(response, self.slot, whole=verdict.kind is Kind.START)
        return Arrival(str(self.address))

    def _explained(self, reason: str) -> str:
        if isinstance(self.address, GoogleDrive):
            return f"{reason}; {advice(Page.NO_ACCESS, self.address)}"
        return reason

    def _receive(self, chunks: Iterator[bytes], total: int | None, note: PartNote) -> None:
        limits = self.conditions.limits
        bound = limits.max_bytes if total is None else total
        if bound > limits.max_bytes:
            raise RefusedError(
                f"the file has {bound:,} bytes, more than the limit of {limits.max_bytes:,}"
            )
        check_space(self.slot, (total or 0) - note.kept)
        if not note.kept:
            chunks = _checked_head(chunks)
        writer = PartWriter(self.slot, note, limits.checkpoint)
        with full_disk_named(self.slot), contextlib.closing(writer):
            writer.open()
            try:
                for chunk in chunks:
                    if writer.done + len(chunk) > bound:
                        raise RefusedError(f"the answer does not end after {bound:,} bytes")
                    writer.write(chunk)
                    self.conditions.progress(writer.done, total)
            except RefusedError:
                self.slot.discard_part()
                raise
            except (DownloadError, KeyboardInterrupt):
                writer.mark()
                raise
            writer.mark()
        if total is not None and writer.done < total:
            raise BrokenError(f"the connection ended after {writer.done:,} of {total:,} bytes")


def _note_of(response: requests.Response, address: Address, total: int | None) -> PartNote:
    return PartNote(
        url=str(address),
        etag=response.headers.get("ETag", ""),
        last_modified=response.headers.get("Last-Modified", ""),
        total=total,
    )


def _checked_head(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Look at the first bytes before anything is written: most wrong answers show there."""
    head = b""
    for chunk in chunks:
        head += chunk
        if len(head) >= _HEAD:
            break
    check_head(head)
    yield head
    yield from chunks


def _check_digests(response: requests.Response, slot: Slot, *, whole: bool) -> None:
    """Compare with digests that the server stated; a difference means damage on the way."""
    if response.headers.get("Content-Encoding", "identity").lower() not in {"", "identity"}:
        return  # they are of the encoded bytes
    stated = []
    google = re.search(r"md5=([A-Za-z0-9+/=]+)", response.headers.get("x-goog-hash", ""))
    if google:
        stated.append(("md5", google.group(1)))
    for name in ("Repr-Digest", "Digest"):
        match = re.search(
            r"sha-256=:?([A-Za-z0-9+/=]+?):?(?:,|$)", response.headers.get(name, ""), re.IGNORECASE
        )
        if match:
            stated.append(("sha256", match.group(1)))
    if whole and response.headers.get("Content-MD5"):
        stated.append(("md5", response.headers["Content-MD5"].strip()))
    for algorithm, text in stated:
        try:
            expected = base64.b64decode(text, validate=True).hex()
        except ValueError:
            continue  # no digest that we can read
        found = digest_of(slot.part, algorithm)
        if found != expected:
            slot.discard_part()
            raise BrokenError(f"the {algorithm} is {found}, the server states {expected}")


def _copy(source: Path, slot: Slot, conditions: Conditions) -> Arrival:
    """Copy a file of this machine into the part."""
    slot.discard_part()
    try:
        size = source.stat().st_size
        if not source.is_file():
            raise RefusedError(f"{source} is no file")
        check_space(slot, size)
        with full_disk_named(slot), source.open("rb") as file, slot.part.open("wb") as out:
            shutil.copyfileobj(file, out, 1 << 20)
            flush(out)
    except OSError as error:
        if isinstance(error, DownloadError):
            raise
        raise RefusedError(str(error)) from error
    conditions.progress(size, size)
    return Arrival(f"file://{source}")
