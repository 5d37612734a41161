"""Every fault in turn: each ends in the right file or a right message, never in a wrong file."""

from __future__ import annotations

import base64
import gzip
import hashlib
from dataclasses import replace

import pytest
from fetch_outcomes import BODY, MakeEntry, arrives, fails, leftovers
from fetch_server import (
    Site,
    endless,
    file,
    page,
    redirect,
    silent,
    status,
    trickle,
)

from t7convert.errors import DownloadError
from t7convert.fetch.obtaining import Wish, obtain
from t7convert.fetch.schema import Checksum

HTML = "<!DOCTYPE html><html><head><title>Moved away</title></head><body>gone</body></html>"


def test_plain_file(site: Site, wish: Wish, entry_at: MakeEntry) -> None:
    seen: list[tuple[int, int | None]] = []
    entry = entry_at(site.on("/a", file(BODY, chunk=10_000)))

    arrives(entry, replace(wish, progress=lambda done, total: seen.append((done, total))))

    assert (len(BODY), len(BODY)) == seen[-1]
    assert len(site.requests) == 1


def test_hit_asks_nothing(site: Site, wish: Wish, entry_at: MakeEntry) -> None:
    entry = entry_at(site.on("/a", file(BODY)))
    obtain(entry, wish)
    obtain(entry, wish)

    assert len(site.requests) == 1


@pytest.mark.parametrize("code", [401, 403, 404, 410])
def test_refusals_are_final(site: Site, wish: Wish, entry_at: MakeEntry, code: int) -> None:
    fails(entry_at(site.on("/a", status(code))), wish, f"HTTP {code}")

    assert len(site.requests) == 1


@pytest.mark.parametrize("code", [429, 500, 503])
def test_passing_faults_are_retried(site: Site, wish: Wish, entry_at: MakeEntry, code: int) -> None:
    arrives(entry_at(site.on("/a", status(code), status(code), file(BODY))), wish)

    assert len(site.requests) == 3


def test_lasting_faults_end(site: Site, wish: Wish, entry_at: MakeEntry) -> None:
    fails(entry_at(site.on("/a", status(500))), wish, r"HTTP 500.*3 attempts")

    assert len(site.requests) == 3


def test_retry_after_is_respected_within_bounds(
    site: Site, wish: Wish, entry_at: MakeEntry
) -> None:
    fails(entry_at(site.on("/a", status(429, Retry_After=3600))), wish, "wait for 3600 s")

    assert len(site.requests) == 1


def test_mirrors_in_turn(site: Site, wish: Wish, entry_at: MakeEntry) -> None:
    entry = entry_at(
        site.on("/a", status(404)), site.on("/b", page(HTML)), site.on("/c", file(BODY))
    )

    arrives(entry, wish)


def test_all_mirrors_are_named(site: Site, wish: Wish, entry_at: MakeEntry) -> None:
    entry = entry_at(site.on("/a", status(404)), site.on("/b", status(403)))

    message = fails(entry, wish, "could not be downloaded")

    assert "/a: HTTP 404" in message
    assert "/b: HTTP 403" in message
    assert entry.source in message


def test_redirect(site: Site, wish: Wish, entry_at: MakeEntry) -> None:
    url = site.on("/a", redirect(site.on("/b", file(BODY))))

    arrives(entry_at(url), wish)


def test_redirect_to_html(site: Site, wish: Wish, entry_at: MakeEntry) -> None:
    url = site.on("/a", redirect(site.on("/b", page(HTML))))

    fails(entry_at(url), wish, "HTML page came instead of the file .*Moved away")


def test_redirect_without_end(site: Site, wish: Wish, entry_at: MakeEntry) -> None:
    url = site.on("/a", redirect(f"{site.url}/a"))

    fails(entry_at(url), wish, "redirects without end")


def test_html_that_claims_to_be_a_file(site: Site, wish: Wish, entry_at: MakeEntry) -> None:
    entry = entry_at(site.on("/a", file(HTML.encode())))

    fails(entry, wish, "an HTML or XML page came instead of the file")


@pytest.mark.parametrize(
    "content",
    [b"PK\x03\x04" + bytes(500), b"\x80\x02\x8a\x0a" + bytes(500), b"version https://git-lfs"],
    ids=["zip", "pickle", "lfs pointer"],
)
def test_what_is_no_t7(site: Site, wish: Wish, entry_at: MakeEntry, content: bytes) -> None:
    fails(entry_at(site.on("/a", file(content))), wish, "came instead of the file|no whole")


def test_empty_answer(site: Site, wish: Wish, entry_at: MakeEntry) -> None:
    fails(entry_at(site.on("/a", file(b""))), wish, "empty")


def test_slow_but_steady(site: Site, wish: Wish, entry_at: MakeEntry) -> None:
    arrives(entry_at(site.on("/a", file(BODY, chunk=20_000, pause=0.1))), wish)


def test_trickle_counts_as_broken(site: Site, wish: Wish, entry_at: MakeEntry) -> None:
    fails(entry_at(site.on("/a", trickle(BODY, pause=0.02))), wish, "too slow")


def test_silence(site: Site, wish: Wish, entry_at: MakeEntry) -> None:
    limits = replace(wish.limits, attempts=1, stall=0.3)

    fails(entry_at(site.on("/a", silent())), replace(wish, limits=limits), "(?i)timed out")


def test_time_is_bounded(site: Site, wish: Wish, entry_at: MakeEntry) -> None:
    limits = replace(wish.limits, total=0.5, least_rate=0.0)
    entry = entry_at(site.on("/a", file(BODY, chunk=100, pause=0.05)))

    fails(entry, replace(wish, limits=limits), "time for this download is up")


def test_corrupt_byte_with_a_published_checksum(
    site: Site, wish: Wish, entry_at: MakeEntry
) -> None:
    damaged = bytearray(BODY)
    damaged[50_000] ^= 1
    checksum = Checksum("md5", hashlib.md5(BODY).hexdigest(), "the tests")
    bad = entry_at(site.on("/a", file(bytes(damaged))), checksum=checksum)
    good = entry_at(f"{site.url}/a", site.on("/b", file(BODY)), checksum=checksum)

    fails(bad, wish, "the md5 is .*, published is")
    arrives(good, wish)


def test_corrupt_byte_that_the_server_tells(site: Site, wish: Wish, entry_at: MakeEntry) -> None:
    damaged = bytearray(BODY)
    damaged[50_000] ^= 1
    md5 = base64.b64encode(hashlib.md5(BODY).digest()).decode()
    sha = base64.b64encode(hashlib.sha256(BODY).digest()).decode()
    stated = {"x_goog_hash": f"crc32c=AAAAAA==,md5={md5}", "Repr_Digest": f"sha-256=:{sha}:"}
    arrives(entry_at(site.on("/a", file(bytes(damaged), **stated), file(BODY, **stated))), wish)

    assert len(site.requests) == 2


def test_corrupt_byte_in_the_structure(site: Site, wish: Wish, entry_at: MakeEntry) -> None:
    damaged = bytearray(BODY)
    damaged[41] ^= 0xFF  # the tensor's size: more than its storage holds

    fails(entry_at(site.on("/a", file(bytes(damaged)))), wish, "no whole .t7")


def test_corrupt_byte_after_the_first_download(site: Site, wish: Wish, entry_at: MakeEntry) -> None:
    """Nobody published a checksum, but the first download's was recorded."""
    damaged = bytearray(BODY)
    damaged[50_000] ^= 1
    entry = entry_at(site.on("/a", file(BODY), file(bytes(damaged)), file(bytes(damaged))))
    obtain(entry, wish).unlink()

    fails(entry, wish, "was first seen under this name")
    accepting = replace(wish, accept_change=True)
    arrives(entry, accepting, bytes(damaged))


def test_endless_body(site: Site, wish: Wish, entry_at: MakeEntry) -> None:
    fails(entry_at(site.on("/a", endless(BODY))), wish, "does not end after 4,194,304 bytes")

    assert leftovers(wish) == []


def test_size_beyond_the_limit(site: Site, wish: Wish, entry_at: MakeEntry) -> None:
    limits = replace(wish.limits, max_bytes=1000)

    fails(entry_at(site.on("/a", file(BODY))), replace(wish, limits=limits), "limit of 1,000")


def test_nobody_listens(wish: Wish, entry_at: MakeEntry) -> None:
    limits = replace(wish.limits, attempts=2)

    fails(entry_at("http://127.0.0.1:9/x"), replace(wish, limits=limits), "no answer.*2 attempts")


def test_an_old_file_survives_a_failed_download(
    site: Site, wish: Wish, entry_at: MakeEntry
) -> None:
    entry = entry_at(site.on("/a", file(BODY), page(HTML)))
    path = obtain(entry, wish)
    with pytest.raises(DownloadError, match="HTML page"):
        obtain(entry, replace(wish, force=True))

    assert path.read_bytes() == BODY


def test_a_file_that_is_labelled_as_a_page(site: Site, wish: Wish, entry_at: MakeEntry) -> None:
    arrives(entry_at(site.on("/a", file(BODY, kind="text/html"))), wish)


def test_a_compressed_answer_is_unpacked(site: Site, wish: Wish, entry_at: MakeEntry) -> None:
    packed = gzip.compress(BODY)

    arrives(entry_at(site.on("/a", file(packed, Content_Encoding="gzip"))), wish)


def test_a_damaged_compressed_answer(site: Site, wish: Wish, entry_at: MakeEntry) -> None:
    packed = bytearray(gzip.compress(BODY))
    packed[100] ^= 0xFF

    fails(
        entry_at(site.on("/a", file(bytes(packed), Content_Encoding="gzip"))),
        wish,
        "connection broke|no whole|came instead",
    )
