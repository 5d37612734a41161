"""Killed, in the way of each other, out of space: what real processes do to a cache."""

from __future__ import annotations

import errno
import io
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fetch_server import Site, file, page, t7_bytes

from t7convert.errors import DownloadError
from t7convert.fetch.obtaining import Wish, obtain
from t7convert.fetch.schema import Entry

MakeEntry = Callable[..., Entry]
BODY = t7_bytes(50_000)
ROOT = Path(__file__).resolve().parents[2]


def start(url: str, cache: Path, **options: Any) -> subprocess.Popen[str]:
    script = Path(__file__).with_name("fetch_once.py")
    return subprocess.Popen(
        [sys.executable, str(script), url, str(cache)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def wait_for(condition: Callable[[], bool], seconds: float = 15.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def test_kill_in_the_middle(site: Site, wish: Wish, entry_at: MakeEntry, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    url = site.on("/a", file(BODY, chunk=20_000, pause=0.5), file(BODY))
    part = cache / "net.t7.part"
    process = start(url, cache)
    wait_for(lambda: part.exists() and part.stat().st_size > 20_000)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=10)

    assert not (cache / "net.t7").exists()
    assert not (cache / "net.t7.json").exists()

    path = obtain(entry_at(url), wish)

    assert path.read_bytes() == BODY
    assert site.asked("/a")[1]["range"].startswith("bytes=")
    assert {"net.t7", "net.t7.json", "net.t7.lock"} == {item.name for item in cache.iterdir()}


@pytest.mark.parametrize("position", [0, 41, 59_999])
def test_a_damaged_part_is_not_trusted(
    site: Site, wish: Wish, entry_at: MakeEntry, tmp_path: Path, position: int
) -> None:
    """A part whose bytes changed after the kill is not continued."""
    cache = tmp_path / "cache"
    url = site.on("/a", file(BODY, cut=60_000))
    once = replace(wish, limits=replace(wish.limits, attempts=1))
    with pytest.raises(DownloadError, match=r"connection (broke|ended)"):
        obtain(entry_at(url), once)
    part = cache / "net.t7.part"
    damaged = bytearray(part.read_bytes())
    damaged[position] ^= 0xFF
    part.write_bytes(damaged)
    url = site.on("/a", file(BODY))

    assert obtain(entry_at(url), wish).read_bytes() == BODY
    assert "range" not in site.asked("/a")[1]


def test_a_part_without_its_note_is_not_continued(
    site: Site, wish: Wish, entry_at: MakeEntry, tmp_path: Path
) -> None:
    cache = tmp_path / "cache"
    cache.mkdir()
    (cache / "net.t7.part").write_bytes(b"rubbish")
    url = site.on("/a", file(BODY))

    assert obtain(entry_at(url), wish).read_bytes() == BODY
    assert "range" not in site.asked("/a")[0]


def test_two_processes_at_once(site: Site, tmp_path: Path) -> None:
    url = site.on("/a", file(BODY, chunk=20_000, pause=0.1))
    both = [start(url, tmp_path / "cache") for _ in range(2)]
    outputs = [process.communicate(timeout=60) for process in both]

    assert [process.returncode for process in both] == [0, 0], outputs
    assert {f"{tmp_path / 'cache' / 'net.t7'}\n"} == {out for out, _ in outputs}
    assert len(site.requests) == 1
    assert (tmp_path / "cache" / "net.t7").read_bytes() == BODY


@pytest.mark.skipif(sys.platform == "win32", reason="limits of a process are POSIX's")
def test_no_room_for_the_file(site: Site, tmp_path: Path) -> None:
    """The system refuses to write beyond 100,000 bytes, in the middle of the download."""
    resource = pytest.importorskip("resource")

    def little_room() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))

    url = site.on("/a", file(BODY, etag=""))
    process = start(url, tmp_path / "cache", preexec_fn=little_room)
    out, err = process.communicate(timeout=30)

    assert process.returncode != 0
    assert out == ""
    assert "no space left on the disk after" in err
    assert [item.name for item in (tmp_path / "cache").iterdir()] == ["net.t7.lock"]


def test_disk_full_before(
    site: Site, wish: Wish, entry_at: MakeEntry, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage("/")._replace(free=1000)
    monkeypatch.setattr("shutil.disk_usage", lambda folder: usage)
    with pytest.raises(DownloadError, match=r"no space left.*200,\d+ bytes are needed, 1,000"):
        obtain(entry_at(site.on("/a", file(BODY))), wish)


def test_disk_full_in_the_middle_does_not_try_mirrors(
    site: Site, wish: Wish, entry_at: MakeEntry, monkeypatch: pytest.MonkeyPatch
) -> None:
    real_open = Path.open

    class Full(io.FileIO):
        def write(self, data: Any) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

    def open_full(self: Path, mode: str = "r", *args: Any, **kwargs: Any) -> Any:
        if self.name == "net.t7.part":
            return Full(self, mode)
        return real_open(self, mode, *args, **kwargs)

    monkeypatch.setattr(Path, "open", open_full)
    with pytest.raises(DownloadError, match="no space left on the disk"):
        obtain(entry_at(site.on("/a", file(BODY)), site.on("/b", file(BODY))), wish)

    assert [path for path, _ in site.requests] == ["/a"]


def test_interrupted_lock_is_free_again(
    site: Site, wish: Wish, entry_at: MakeEntry, tmp_path: Path
) -> None:
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "net.t7.lock").touch()

    assert obtain(entry_at(site.on("/a", file(BODY))), wish).exists()


def test_failure_of_the_first_lets_the_second_try(site: Site, tmp_path: Path) -> None:
    url = site.on("/a", page("<html><title>no</title></html>"), file(BODY))
    both = [start(url, tmp_path / "cache") for _ in range(2)]
    for process in both:
        process.communicate(timeout=60)

    assert sorted(process.returncode for process in both) == [0, 1]
    assert (tmp_path / "cache" / "net.t7").read_bytes() == BODY


@pytest.mark.skipif(sys.platform == "win32", reason="modes are POSIX's")
@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_mode_follows_the_umask(
    site: Site, wish: Wish, entry_at: MakeEntry, umask: int, mode: int
) -> None:
    before = os.umask(umask)
    try:
        path = obtain(entry_at(site.on("/a", file(BODY))), wish)
    finally:
        os.umask(before)

    assert mode == path.stat().st_mode & 0o777
