"""The folder of downloaded files: where it is, its records, and its locks.

``NAME.t7`` is a file that was verified; ``NAME.t7.part`` an unfinished download that nobody but the
next download reads; ``NAME.t7.json`` remembers the SHA-256 that was first seen under this name, and
stays when the file is deleted, so that a release cannot change unnoticed.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from t7convert.errors import DownloadError, in_words
from t7convert.files import remove_unfinished, replace_text

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

_BLOCK = 1 << 20


def cache_folder(
    explicit: str | os.PathLike[str] | None = None, environ: Mapping[str, str] | None = None
) -> Path:
    """Return the cache's folder without creating it.

    In order: ``explicit``, ``$T7CONVERT_HOME``, ``$TORCH_HOME/t7convert``,
    ``$XDG_CACHE_HOME/torch/t7convert``, ``~/.cache/torch/t7convert``.
    """
    if explicit is not None:
        return Path(explicit).expanduser()
    env = os.environ if environ is None else environ
    if env.get("T7CONVERT_HOME"):
        return Path(env["T7CONVERT_HOME"]).expanduser()
    if env.get("TORCH_HOME"):
        return Path(env["TORCH_HOME"]).expanduser() / "t7convert"
    base = Path(env["XDG_CACHE_HOME"]) if env.get("XDG_CACHE_HOME") else Path("~/.cache")
    return base.expanduser() / "torch" / "t7convert"


@dataclass(frozen=True)
class Record:
    """What was first seen under a name."""

    sha256: str
    size: int
    origin: str
    first_seen: str


@dataclass(frozen=True)
class Slot:
    """The places that belong to one name in the cache."""

    folder: Path
    filename: str

    @property
    def target(self) -> Path:
        """The verified file."""
        return self.folder / self.filename

    @property
    def part(self) -> Path:
        """The unfinished download."""
        return self.folder / f"{self.filename}.part"

    @property
    def part_note(self) -> Path:
        """What the server said of the unfinished download."""
        return self.folder / f"{self.filename}.part.json"

    @property
    def record_path(self) -> Path:
        """The record of what was first seen."""
        return self.folder / f"{self.filename}.json"

    @property
    def lock_path(self) -> Path:
        """The file that the lock is held on."""
        return self.folder / f"{self.filename}.lock"

    def read_record(self) -> Record | None:
        """Return the record, or None where nothing was seen yet.

        Raises:
            DownloadError: if the record is damaged; it is never thrown away silently.
        """
        try:
            fields = json.loads(self.record_path.read_text(encoding="utf-8"))
            return Record(
                sha256=str(fields["sha256"]),
                size=int(fields["size"]),
                origin=str(fields["origin"]),
                first_seen=str(fields["first_seen"]),
            )
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise DownloadError(
                f"{self.record_path}: the record of the first download is damaged ({error}); "
                "delete it if you trust what comes next"
            ) from error

    def write_record(self, record: Record) -> None:
        """Write the record atomically."""
        replace_text(self.record_path, json.dumps(asdict(record), indent=1) + "\n", force=True)

    def discard_part(self) -> None:
        """Remove what an unfinished download left."""
        self.part.unlink(missing_ok=True)
        self.part_note.unlink(missing_ok=True)
        remove_unfinished(self.part_note)  # of a process that was killed while it wrote


def make_record(sha256: str, size: int, origin: str) -> Record:
    """Return a record of something first seen now."""
    return Record(sha256, size, origin, time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()))


def digest_of(path: Path, algorithm: str = "sha256") -> str:
    """Return the hexadecimal digest of a file's bytes."""
    digest = hashlib.new(algorithm, usedforsecurity=False)
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def make_folder(folder: Path) -> None:
    """Create the cache's folder.

    Raises:
        DownloadError: naming the ways to choose another one.
    """
    try:
        if folder.exists() and not folder.is_dir():
            raise NotADirectoryError(f"{folder} is no folder")
        folder.mkdir(parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK):
            raise PermissionError(f"not writable: {folder}")
    except OSError as error:
        raise DownloadError(
            f"the cache can't be used: {in_words(error)}; choose another one with --cache-dir, "
            "T7CONVERT_HOME or TORCH_HOME"
        ) from error


if sys.platform == "win32":

    def _try_lock(descriptor: int) -> bool:
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:

    def _try_lock(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


def _locked_now(slot: Slot, descriptor: int) -> bool:
    try:
        return _try_lock(descriptor)
    except OSError as error:  # some network file systems have no locks
        raise DownloadError(
            f"{slot.lock_path} can't be locked: {error}; choose another folder with --cache-dir"
        ) from error


@contextlib.contextmanager
def locked(
    slot: Slot,
    *,
    timeout: float,
    on_wait: Callable[[], None] = lambda: None,
    patience: float = 2.0,
) -> Iterator[None]:
    """Hold the slot's lock; the system frees it when the process ends, however it ends.

    ``on_wait`` is called once, when another process has held it for ``patience`` seconds.

    Raises:
        DownloadError: if another process holds it for longer than ``timeout`` seconds.
    """
    start = time.monotonic()
    descriptor = os.open(slot.lock_path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        waited = False
        while not _locked_now(slot, descriptor):
            since = time.monotonic() - start
            if since >= patience and not waited:
                on_wait()
                waited = True
            if since > timeout:
                raise DownloadError(
                    f"{slot.lock_path}: another process has been writing this file for more than "
                    f"{timeout:.0f} s"
                )
            time.sleep(0.1)
        yield
    finally:
        os.close(descriptor)
