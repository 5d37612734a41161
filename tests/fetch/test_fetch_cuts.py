"""Downloads that break off, or give another length or piece than they said: they go on, or fail."""

from __future__ import annotations

import pytest
from fetch_outcomes import BODY, MakeEntry, arrives, fails
from fetch_server import (
    Site,
    etag_of,
    file,
    no_ranges,
    t7_bytes,
    until_closed,
)

from t7convert.fetch.obtaining import Wish, obtain

OTHER = t7_bytes(20_000, first=7.0)


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
