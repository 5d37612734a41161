"""How a download ends: in the right file, or in a message that leaves nothing behind."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from fetch_server import t7_bytes

from t7convert.errors import DownloadError
from t7convert.fetch.obtaining import Wish, obtain
from t7convert.fetch.schema import Entry

BODY = t7_bytes(20_000)
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
