"""What is in the cache: offline, put there by hand, damaged, read-only; proxies; resolve."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from fetch_server import Handler, Site, file, t7_bytes

from t7convert.errors import DownloadError
from t7convert.fetch import resolve
from t7convert.fetch.addresses import Direct
from t7convert.fetch.obtaining import Wish, obtain
from t7convert.fetch.schema import Checksum, Entry

MakeEntry = Callable[..., Entry]
BODY = t7_bytes(500)


@pytest.fixture
def cache(wish: Wish) -> Path:
    folder = Path(str(wish.cache_dir))
    folder.mkdir()
    return folder


def test_offline_without_a_file(wish: Wish, cache: Path, entry_at: MakeEntry) -> None:
    with pytest.raises(DownloadError, match="--offline forbids") as caught:
        obtain(entry_at(), replace(wish, offline=True))

    assert str(cache / "net.t7") in str(caught.value)


def test_offline_with_a_file(site: Site, wish: Wish, entry_at: MakeEntry) -> None:
    entry = entry_at(site.on("/a", file(BODY)))
    path = obtain(entry, wish)

    assert path == obtain(entry, replace(wish, offline=True))
    assert len(site.requests) == 1


def test_a_file_put_there_is_taken_and_recorded(
    wish: Wish, cache: Path, entry_at: MakeEntry
) -> None:
    (cache / "net.t7").write_bytes(BODY)

    assert cache / "net.t7" == obtain(entry_at(), replace(wish, offline=True))
    assert "put into the cache" in (cache / "net.t7.json").read_text()

    (cache / "net.t7").write_bytes(t7_bytes(501))
    with pytest.raises(DownloadError, match="damaged or replaced"):
        obtain(entry_at(), wish)


def test_a_file_put_there_must_be_a_t7(wish: Wish, cache: Path, entry_at: MakeEntry) -> None:
    (cache / "net.t7").write_bytes(BODY[:-1])
    with pytest.raises(DownloadError, match=r"no whole \.t7.*delete it"):
        obtain(entry_at(), wish)

    assert not (cache / "net.t7.json").exists()


def test_a_file_put_there_must_have_the_published_checksum(
    wish: Wish, cache: Path, entry_at: MakeEntry
) -> None:
    (cache / "net.t7").write_bytes(BODY)
    checksum = Checksum("sha256", "0" * 64, "the tests")
    with pytest.raises(DownloadError, match="published is 0000"):
        obtain(entry_at(checksum=checksum), wish)


def test_damage_in_the_cache_is_found_on_every_use(
    site: Site, wish: Wish, entry_at: MakeEntry
) -> None:
    entry = entry_at(site.on("/a", file(BODY)))
    path = obtain(entry, wish)
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    for offline in (False, True):
        with pytest.raises(DownloadError, match="damaged or replaced"):
            obtain(entry, replace(wish, offline=offline))


def test_a_damaged_record_is_not_forgotten(wish: Wish, cache: Path, entry_at: MakeEntry) -> None:
    (cache / "net.t7.json").write_text("{")
    with pytest.raises(DownloadError, match="record of the first download is damaged"):
        obtain(entry_at(), wish)


@pytest.mark.parametrize("name", ["a b.t7", "a%20b.t7", "a#b?c.t7"])
def test_file_addresses(wish: Wish, tmp_path: Path, entry_at: MakeEntry, name: str) -> None:
    source = tmp_path / name
    source.write_bytes(BODY)
    missing = Direct((tmp_path / "missing.t7").as_uri())

    path = obtain(entry_at(missing, Direct(source.as_uri())), wish)

    assert path.read_bytes() == BODY


def test_file_address_of_a_folder(wish: Wish, tmp_path: Path, entry_at: MakeEntry) -> None:
    with pytest.raises(DownloadError, match="no file"):
        obtain(entry_at(Direct(tmp_path.as_uri())), wish)


def test_a_folder_in_the_files_place(cache: Path, wish: Wish, entry_at: MakeEntry) -> None:
    (cache / "net.t7").mkdir()
    with pytest.raises(DownloadError, match="a folder stands where the file belongs"):
        obtain(entry_at(), wish)


def test_own_addresses_replace_the_entrys(site: Site, wish: Wish, entry_at: MakeEntry) -> None:
    site.on("/own", file(BODY))
    own = replace(wish, addresses=(Direct(f"{site.url}/own"),))

    assert obtain(entry_at(f"{site.url}/entry"), own).read_bytes() == BODY
    assert [path for path, _ in site.requests] == ["/own"]


def test_proxy_variables(
    site: Site, wish: Wish, entry_at: MakeEntry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server plays the proxy: it is asked for the whole address of a host that isn't there."""
    asked: list[str] = []

    def proxy(handler: Handler) -> None:
        asked.append(handler.path)
        file(BODY)(handler)

    site.on("/net.t7", proxy)
    monkeypatch.setenv("http_proxy", site.url)
    monkeypatch.setenv("no_proxy", "")

    assert obtain(entry_at("http://weights.invalid/net.t7"), wish).read_bytes() == BODY
    assert asked == ["http://weights.invalid/net.t7"]


def test_ca_variables(
    site: Site, wish: Wish, entry_at: MakeEntry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere/ca.pem")
    with pytest.raises(DownloadError, match="REQUESTS_CA_BUNDLE"):
        obtain(entry_at("https://127.0.0.1:9/net.t7"), wish)


def test_a_server_without_tls(site: Site, wish: Wish, entry_at: MakeEntry) -> None:
    with pytest.raises(DownloadError, match="certificate can't be verified"):
        obtain(entry_at(site.url.replace("http:", "https:") + "/a"), wish)


def test_a_path_beats_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("resnet50-shared").write_bytes(BODY)

    assert resolve("resnet50-shared", offline=True) == Path("resnet50-shared")


def test_resolve_by_name(cache: Path) -> None:
    (cache / "resnet50-shared.t7").write_bytes(BODY)

    found = resolve("resnet50-shared", offline=True, cache_dir=cache)

    assert found == cache / "resnet50-shared.t7"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("missing.t7", "no such file"),
        (f"a{os.sep}b", "no such file"),
        ("resnet50-sharde", "did you mean resnet50-shared"),
        ("zzz", "neither a file nor a name"),
    ],
)
def test_resolve_neither(text: str, words: str) -> None:
    with pytest.raises(DownloadError, match=words):
        resolve(text)


def test_an_unwritable_folder(tmp_path: Path, wish: Wish, entry_at: MakeEntry) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DownloadError, match="--cache-dir"):
        obtain(entry_at(), replace(wish, cache_dir=tmp_path / "file"))


def test_a_folder_that_can_only_be_read(
    wish: Wish, cache: Path, entry_at: MakeEntry, monkeypatch: pytest.MonkeyPatch
) -> None:
    (cache / "net.t7").write_bytes(BODY)
    monkeypatch.setattr("os.access", lambda path, mode: False)

    assert obtain(entry_at(), wish) == cache / "net.t7"


def test_a_file_system_without_locks(
    wish: Wish, entry_at: MakeEntry, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(descriptor: int) -> bool:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("t7convert.fetch.cache._try_lock", refuse)
    with pytest.raises(DownloadError, match=r"can't be locked.*--cache-dir"):
        obtain(entry_at(), wish)
