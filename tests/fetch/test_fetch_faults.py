"""Every fault in turn: each ends in the right file or a right message, never in a wrong file."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from fetch_server import (
    Site,
    endless,
    etag_of,
    file,
    no_ranges,
    page,
    redirect,
    silent,
    status,
    t7_bytes,
    trickle,
    until_closed,
)

from t7convert.errors import DownloadError
from t7convert.fetch.obtaining import Wish, obtain
from t7convert.fetch.schema import Checksum, Entry

BODY = t7_bytes(20_000)
OTHER = t7_bytes(20_000, first=7.0)
HTML = "<!DOCTYPE html><html><head><title>Moved away</title></head><body>gone</body></html>"
MakeEntry = Callable[..., Entry]


def target(wish: Wish) -> Path:
    assert wish.cache_dir is not None
    return Path(wish.cache_dir) / "net.t7"


def leftovers(wish: Wish) -> list[str]:
    return sorted(path.name for path in target(wish).parent.iterdir() if ".part" in path.name)


def fails(entry: Entry, wish: Wish, words: str) -> str:
    """Obtain ``entry``, expect a message with ``words`` and nothing under the final name."""
    with pytest.raises(DownloadError, match=words) as caught:
        obtain(entry, wish)

    assert not target(wish).exists()
    assert str(target(wish)) in str(caught.value) or "disk" in words or "time" in words
    return str(caught.value)


def arrives(entry: Entry, wish: Wish, body: bytes = BODY) -> None:
    path = obtain(entry, wish)

    assert target(wish) == path
    assert body == path.read_bytes()
    assert leftovers(wish) == []
    assert json.loads((path.parent / "net.t7.json").read_text())["sha256"] == (
        hashlib.sha256(body).hexdigest()
    )


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


def test_cut_in_the_middle_goes_on(site: Site, wish: Wish, entry_at: MakeEntry) -> None:
    arrives(entry_at(site.on("/a", file(BODY, cut=30_000))), wish)

    ranges = [headers.get("range") for headers in site.asked("/a")]
    assert ranges == [None, "bytes=30000-", "bytes=60000-"]
    assert etag_of(BODY) == site.asked("/a")[1]["if-range"]


def test_cut_with_only_a_date_goes_on(site: Site, wish: Wish, entry_at: MakeEntry) -> None:
    date = "Mon, 01 Feb 2016 00:00:00 GMT"
    first = file(BODY, cut=30_000, etag="", Last_Modified=date)
    rest = file(BODY, etag="", Last_Modified=date, honest=False)
    arrives(entry_at(site.on("/a", first, rest)), wish)

    assert date == site.asked("/a")[1]["if-range"]


def test_cut_without_validators_begins_again(site: Site, wish: Wish, entry_at: MakeEntry) -> None:
    arrives(entry_at(site.on("/a", file(BODY, cut=30_000, etag=""), file(BODY, etag=""))), wish)

    assert "range" not in site.asked("/a")[1]


def test_cut_for_ever(site: Site, wish: Wish, entry_at: MakeEntry) -> None:
    fails(entry_at(site.on("/a", no_ranges(BODY, cut=30_000))), wish, "connection (broke|ended)")


def test_cut_where_the_end_of_the_connection_is_the_end(
    site: Site, wish: Wish, entry_at: MakeEntry
) -> None:
    fails(entry_at(site.on("/a", until_closed(BODY[:30_000]))), wish, "no whole .t7")


def test_whole_without_a_length(site: Site, wish: Wish, entry_at: MakeEntry) -> None:
    arrives(entry_at(site.on("/a", until_closed(BODY))), wish)


def test_length_too_great(site: Site, wish: Wish, entry_at: MakeEntry) -> None:
    entry = entry_at(site.on("/a", file(BODY, Content_Length=len(BODY) + 100)))

    fails(entry, wish, "connection (broke|ended)")


def test_length_too_small(site: Site, wish: Wish, entry_at: MakeEntry) -> None:
    entry = entry_at(site.on("/a", file(BODY, Content_Length=len(BODY) - 100)))

    fails(entry, wish, "no whole .t7")


def test_bytes_after_the_object(site: Site, wish: Wish, entry_at: MakeEntry) -> None:
    entry = entry_at(site.on("/a", file(BODY + b"<html>appended")))

    fails(entry, wish, "no whole .t7")


def test_range_ignored(site: Site, wish: Wish, entry_at: MakeEntry) -> None:
    arrives(entry_at(site.on("/a", file(BODY, cut=30_000), no_ranges(BODY))), wish)


def test_changed_between_ranges_honest_server(site: Site, wish: Wish, entry_at: MakeEntry) -> None:
    arrives(entry_at(site.on("/a", file(BODY, cut=30_000), file(OTHER))), wish, OTHER)


def test_changed_between_ranges_careless_server(
    site: Site, wish: Wish, entry_at: MakeEntry
) -> None:
    behaviours = (file(BODY, cut=30_000), file(OTHER, honest=False), file(OTHER))
    arrives(entry_at(site.on("/a", *behaviours)), wish, OTHER)


def test_wrong_piece(site: Site, wish: Wish, entry_at: MakeEntry) -> None:
    shifted = file(BODY, honest=False, Content_Range=f"bytes 0-{len(BODY) - 1}/{len(BODY)}")
    wrong = file(BODY, cut=30_000)

    def shift(handler: object) -> None:
        shifted(handler)  # type: ignore[arg-type]  # says byte 0 and sends byte 30,000

    arrives(entry_at(site.on("/a", wrong, shift, file(BODY))), wish)


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


def test_cut_again_and_again_with_progress(site: Site, wish: Wish, entry_at: MakeEntry) -> None:
    """Five cuts, more than the attempts without progress that are allowed."""
    arrives(entry_at(site.on("/a", *[file(BODY, cut=15_000)] * 5, file(BODY))), wish)

    assert len(site.requests) == 6


def test_a_whole_part_is_verified_without_asking(
    site: Site, wish: Wish, entry_at: MakeEntry, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = entry_at(site.on("/a", file(BODY)))
    with monkeypatch.context() as patch:
        patch.setattr("t7convert.fetch.obtaining.check_t7", lambda path: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            obtain(entry, wish)
    arrives(entry, wish)

    assert len(site.requests) == 1
