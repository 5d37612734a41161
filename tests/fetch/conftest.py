"""A server per test, a cache per test, and no proxy between them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fetch_server import Site, serving

from t7convert.fetch.addresses import Address, Direct
from t7convert.fetch.limits import Endpoints, Limits
from t7convert.fetch.obtaining import Wish
from t7convert.fetch.schema import Entry

QUICK = Limits(
    connect=2.0,
    stall=1.0,
    total=20.0,
    attempts=3,
    backoff=0.01,
    longest_pause=0.2,
    max_bytes=4 << 20,
    least_rate=1000.0,
    rate_window=0.3,
    checkpoint=20_000,
    lock=10.0,
)


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "T7CONVERT_HOME", "TORCH_HOME"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def site() -> Iterator[Site]:
    with serving() as running:
        yield running


@pytest.fixture
def wish(site: Site, tmp_path: Path) -> Wish:
    return Wish(
        cache_dir=tmp_path / "cache",
        limits=QUICK,
        endpoints=Endpoints(drive=site.url, yandex=site.url),
    )


@pytest.fixture
def entry_at() -> Callable[..., Entry]:
    """Return an entry called ``net`` with these addresses."""

    def make(*addresses: Address | str, **fields: Any) -> Entry:
        typed = tuple(Direct(item) if isinstance(item, str) else item for item in addresses)
        entry = Entry(
            name="net",
            addresses=typed or (Direct("http://127.0.0.1:9/"),),
            source="the tests",
            licence="none stated",
            architecture="a tensor",
            task="other",
        )
        return replace(entry, **fields)

    return make
