"""What a killed process left in the cache goes with the next download; a file is no cache."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from fetch_server import Site, file, t7_bytes

from t7convert.errors import DownloadError
from t7convert.fetch.obtaining import Wish, obtain
from t7convert.fetch.schema import Entry

BODY = t7_bytes(500)


def test_a_note_that_was_being_written(
    site: Site, wish: Wish, entry_at: Callable[..., Entry]
) -> None:
    cache = Path(str(wish.cache_dir))
    cache.mkdir()
    (cache / ".net.t7.part.json.0123456789ab.part.json").write_text('{"si')
    obtain(entry_at(site.on("/a", file(BODY))), wish)

    assert sorted(path.name for path in cache.iterdir()) == [
        "net.t7",
        "net.t7.json",
        "net.t7.lock",
    ]


def test_a_file_in_place_of_the_cache(
    wish: Wish, entry_at: Callable[..., Entry], tmp_path: Path
) -> None:
    (tmp_path / "c").write_text("")
    with pytest.raises(DownloadError, match=r"c is no folder; choose another one with --cache-dir"):
        obtain(entry_at(), replace(wish, cache_dir=tmp_path / "c"))
