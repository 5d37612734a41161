"""From a name to a verified file: decide, lock, fetch from each address, verify, rename."""

from __future__ import annotations

import contextlib
import logging
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from t7convert.errors import DownloadError
from t7convert.fetch.addresses import Address, GoogleDrive
from t7convert.fetch.cache import (
    Record,
    Slot,
    cache_folder,
    digest_of,
    locked,
    make_folder,
    make_record,
)
from t7convert.fetch.decision import Action, decide
from t7convert.fetch.faults import RefusedError
from t7convert.fetch.limits import Conditions, Endpoints, Limits, Progress, no_progress
from t7convert.fetch.schema import Entry
from t7convert.fetch.verify import check_published, check_t7

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Wish:
    """How a name is to be obtained; everything but the name.

    Attributes:
        offline: use the cache only.
        force: download although the file is there.
        accept_change: take a file that differs from the first one seen, and record it.
        resource_key: for Google Drive.
        addresses: instead of the entry's.
        cache_dir: instead of the environment's.
        progress: called with (bytes so far, bytes in all or None).
    """

    offline: bool = False
    force: bool = False
    accept_change: bool = False
    resource_key: str | None = None
    addresses: tuple[Address, ...] = ()
    cache_dir: str | os.PathLike[str] | None = None
    limits: Limits = field(default_factory=Limits)
    endpoints: Endpoints = field(default_factory=Endpoints)
    progress: Progress = no_progress


def obtain(entry: Entry, wish: Wish | None = None) -> Path:
    """Return the path of ``entry``'s file in the cache, downloading it first if it is not there.

    The file under the final name was verified: it is a whole .t7, has the published checksum where
    there is one, and is what was first seen under this name.

    Raises:
        DownloadError: if it can't be had; the message says what each address answered.
    """
    wish = wish or Wish()
    slot = Slot(cache_folder(wish.cache_dir), entry.filename)
    if wish.offline or _is_read_only(slot, wish):
        return _from_cache(entry, slot, wish)
    make_folder(slot.folder)
    if slot.target.is_dir():
        raise DownloadError(f"{slot.target}: a folder stands where the file belongs")

    def on_wait() -> None:
        logger.warning("%s: waiting for another process that downloads it", entry.name)

    with locked(slot, timeout=wish.limits.lock, on_wait=on_wait):
        found, record, action = _looked(slot, wish, offline=False)
        if action is Action.USE:
            return slot.target
        if action is Action.ADOPT and found is not None:
            return _adopt(entry, slot, found)
        if action is Action.REFUSE_CHANGED and record is not None and found is not None:
            raise _changed_in_cache(slot, record, found)
        return _Job(entry, slot, record, wish).run()


def _looked(slot: Slot, wish: Wish, *, offline: bool) -> tuple[str | None, Record | None, Action]:
    """Return the digest of the file that is there, what is on record, and what follows."""
    found = digest_of(slot.target) if slot.target.is_file() else None
    record = slot.read_record()
    recorded = record.sha256 if record else None
    action = decide(found_sha256=found, recorded_sha256=recorded, offline=offline, force=wish.force)
    return found, record, action


def _is_read_only(slot: Slot, wish: Wish) -> bool:
    """Tell whether there is a file to use in a folder that nothing can be written to."""
    return slot.target.is_file() and not wish.force and not os.access(slot.folder, os.W_OK)


def _from_cache(entry: Entry, slot: Slot, wish: Wish) -> Path:
    """Answer offline, without a lock: a cache may be on a disk that can't be written."""
    found, record, action = _looked(slot, wish, offline=True)
    if action is Action.REFUSE_OFFLINE:
        raise DownloadError(
            f"{entry.name}: not in the cache, and --offline forbids to download it; "
            f"put the file at {slot.target}"
        )
    if action is Action.REFUSE_CHANGED and record is not None and found is not None:
        raise _changed_in_cache(slot, record, found)
    if action is Action.ADOPT and found is not None:
        _verify(slot.target, entry)
        with contextlib.suppress(OSError):
            slot.write_record(make_record(found, slot.target.stat().st_size, "put into the cache"))
    return slot.target


def _adopt(entry: Entry, slot: Slot, found: str) -> Path:
    """Take a file that somebody put into the cache."""
    _verify(slot.target, entry)
    slot.write_record(make_record(found, slot.target.stat().st_size, "put into the cache"))
    return slot.target


def _verify(path: Path, entry: Entry) -> None:
    try:
        check_t7(path)
        check_published(path, entry.checksum)
    except RefusedError as error:
        raise DownloadError(f"{path}: {error}; delete it to download it again") from error


def _changed_in_cache(slot: Slot, record: Record, found: str) -> DownloadError:
    return DownloadError(
        f"{slot.target}: the SHA-256 is {found}, first seen was {record.sha256} on "
        f"{record.first_seen} ({record.origin}): the file was damaged or replaced; delete it to "
        f"download it again, or delete {slot.record_path} if you trust it"
    )


@dataclass(frozen=True)
class _Job:
    """One name's download, under the lock."""

    entry: Entry
    slot: Slot
    record: Record | None
    wish: Wish

    def run(self) -> Path:
        """Fetch from the addresses in turn."""
        from t7convert.fetch import transfer, web  # noqa: PLC0415  # requests is slow to import

        wish, entry = self.wish, self.entry
        conditions = Conditions(
            limits=wish.limits,
            endpoints=wish.endpoints,
            progress=wish.progress,
            deadline=time.monotonic() + wish.limits.total,
        )
        reasons: list[str] = []
        with web.new_session() as session:
            for address in _addresses(entry, wish):
                try:
                    arrival = transfer.Transfer(address, self.slot, session, conditions).run()
                    self._accept(arrival.origin)
                except RefusedError as error:
                    logger.info("%s: %s", address, error)
                    reasons.append(f"  {address}: {error}")
                    continue
                return self.slot.target
        listed = "\n".join(reasons)
        raise DownloadError(
            f"{entry.name} could not be downloaded:\n{listed}\n"
            f"the page that states the address: {entry.source}\n"
            f"a file obtained otherwise belongs at {self.slot.target}"
        )

    def _accept(self, origin: str) -> None:
        """Verify the part; only then does it get the final name."""
        slot, record = self.slot, self.record
        try:
            check_t7(slot.part)
            check_published(slot.part, self.entry.checksum)
            found = digest_of(slot.part)
            if record is not None and found != record.sha256 and not self.wish.accept_change:
                raise RefusedError(
                    f"the SHA-256 is {found}, but {record.sha256} was first seen under this name "
                    f"on {record.first_seen} ({record.origin}); take the new one with "
                    "--accept-change"
                )
        except RefusedError:
            slot.discard_part()
            raise
        size = slot.part.stat().st_size
        slot.part.replace(slot.target)
        slot.discard_part()
        if record is None or found != record.sha256:
            slot.write_record(make_record(found, size, origin))


def _addresses(entry: Entry, wish: Wish) -> Iterator[Address]:
    for address in wish.addresses or entry.addresses:
        if isinstance(address, GoogleDrive) and wish.resource_key:
            yield replace(address, resource_key=wish.resource_key)
        else:
            yield address
