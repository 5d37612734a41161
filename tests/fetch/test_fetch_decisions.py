"""The pure functions: what to do about a cache, what an answer means."""

from __future__ import annotations

from email.utils import formatdate
from pathlib import Path
from time import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from requests.structures import CaseInsensitiveDict

from t7convert.errors import DownloadError
from t7convert.fetch.cache import Slot, cache_folder, locked, make_folder, make_record
from t7convert.fetch.decision import Action, Kind, PartNote, decide, judge

ETAG = '"abc"'
NOTE = PartNote(url="u", etag=ETAG, last_modified="Mon, 01 Feb 2016 00:00:00 GMT", total=100)


@pytest.mark.parametrize(
    ("found", "recorded", "offline", "force", "expected"),
    [
        (None, None, False, False, Action.DOWNLOAD),
        (None, "a", False, False, Action.DOWNLOAD),
        (None, "a", True, False, Action.REFUSE_OFFLINE),
        ("a", None, False, False, Action.ADOPT),
        ("a", "a", False, False, Action.USE),
        ("a", "a", True, False, Action.USE),
        ("a", "a", False, True, Action.DOWNLOAD),
        ("a", "a", True, True, Action.USE),
        ("b", "a", False, False, Action.REFUSE_CHANGED),
        ("b", "a", True, False, Action.REFUSE_CHANGED),
    ],
)
def test_decide(
    *, found: str | None, recorded: str | None, offline: bool, force: bool, expected: Action
) -> None:
    assert expected is decide(
        found_sha256=found, recorded_sha256=recorded, offline=offline, force=force
    )


def verdict_of(
    status: int, offset: int = 0, note: PartNote | None = None, **headers: str
) -> tuple[Kind, str]:
    named = CaseInsensitiveDict({name.replace("_", "-"): value for name, value in headers.items()})
    verdict = judge(status, named, offset=offset, note=note)
    return verdict.kind, verdict.reason


@pytest.mark.parametrize(
    ("content_range", "expected"),
    [
        ("bytes 40-99/100", Kind.CONTINUE),
        ("bytes 0-99/100", Kind.RESTART),
        ("bytes 40-98/100", Kind.RESTART),
        ("bytes 40-99/*", Kind.RESTART),
        ("bytes 40-100/101", Kind.RESTART),
        ("", Kind.RESTART),
        ("nonsense", Kind.RESTART),
    ],
)
def test_partial_answers(content_range: str, expected: Kind) -> None:
    assert expected is verdict_of(206, 40, NOTE, Content_Range=content_range)[0]


@pytest.mark.parametrize(
    "changed", [{"ETag": '"other"'}, {"Last_Modified": "Tue, 02 Feb 2016 00:00:00 GMT"}]
)
def test_changed_validators(changed: dict[str, str]) -> None:
    kind, reason = verdict_of(206, 40, NOTE, Content_Range="bytes 40-99/100", **changed)

    assert kind is Kind.RESTART
    assert "changed on the server" in reason


def test_whole_answers() -> None:
    assert judge(200, CaseInsensitiveDict({"content-length": "7"})).total == 7
    assert judge(200, CaseInsensitiveDict({"Content-Length": "-7"})).total is None
    encoded = CaseInsensitiveDict({"Content-Length": "7", "Content-Encoding": "gzip"})
    assert judge(200, encoded).total is None


def test_nothing_left_to_send() -> None:
    assert verdict_of(416, 90, NOTE, Content_Range="bytes */90")[0] is Kind.RESTART
    assert verdict_of(416, 0)[0] is Kind.FAIL


@pytest.mark.parametrize(("code", "kind"), [(404, Kind.FAIL), (503, Kind.RETRY), (302, Kind.FAIL)])
def test_other_statuses(code: int, kind: Kind) -> None:
    assert kind is verdict_of(code)[0]


def test_retry_after_as_a_date() -> None:
    soon = formatdate(time() + 30, usegmt=True)
    wait = judge(503, CaseInsensitiveDict({"Retry-After": soon})).wait

    assert wait is not None
    assert 25 < wait <= 31
    assert judge(503, CaseInsensitiveDict({"Retry-After": "soon"})).wait is None


@given(
    status=st.integers(100, 599),
    offset=st.integers(0, 1 << 40),
    text=st.text(max_size=40),
)
def test_judge_never_fails_and_never_continues_by_accident(
    status: int, offset: int, text: str
) -> None:
    headers = CaseInsensitiveDict(
        {"Content-Range": text, "Content-Length": text, "Retry-After": text, "ETag": text}
    )

    verdict = judge(status, headers, offset=offset, note=NOTE)

    assert verdict.kind is not Kind.CONTINUE or (status == 206 and str(offset) in text)


def test_weak_etags_do_not_validate() -> None:
    assert PartNote("u", etag='W/"x"').validator == ""
    assert PartNote("u", etag='W/"x"', last_modified="date").validator == "date"
    assert PartNote("u", etag=ETAG, last_modified="date").validator == ETAG


@pytest.mark.parametrize(
    ("explicit", "environ", "expected"),
    [
        ("/a", {"T7CONVERT_HOME": "/b"}, "/a"),
        (None, {"T7CONVERT_HOME": "/b", "TORCH_HOME": "/c"}, "/b"),
        (None, {"TORCH_HOME": "/c", "XDG_CACHE_HOME": "/d"}, "/c/t7convert"),
        (None, {"XDG_CACHE_HOME": "/d"}, "/d/torch/t7convert"),
        (None, {}, str(Path("~/.cache/torch/t7convert").expanduser())),
    ],
)
def test_cache_folder(explicit: str | None, environ: dict[str, str], expected: str) -> None:
    assert Path(expected) == cache_folder(explicit, environ)


def test_unusable_folder_names_the_ways_out(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DownloadError, match=r"--cache-dir, T7CONVERT_HOME or TORCH_HOME"):
        make_folder(tmp_path / "file" / "cache")


def test_records(tmp_path: Path) -> None:
    slot = Slot(tmp_path, "net.t7")
    assert slot.read_record() is None
    record = make_record("a" * 64, 5, "somewhere")
    slot.write_record(record)

    assert record == slot.read_record()
    assert [path.name for path in tmp_path.iterdir()] == ["net.t7.json"]


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"sha256": 1}', "\x00"])
def test_damaged_records_are_refused(tmp_path: Path, text: str) -> None:
    slot = Slot(tmp_path, "net.t7")
    slot.record_path.write_text(text)
    with pytest.raises(DownloadError, match="record of the first download is damaged"):
        slot.read_record()


def test_lock_waits_only_so_long(tmp_path: Path) -> None:
    slot = Slot(tmp_path, "net.t7")
    waited: list[bool] = []
    with (
        locked(slot, timeout=5),
        pytest.raises(DownloadError, match="another process"),
        locked(slot, timeout=0.2, on_wait=lambda: waited.append(True), patience=0.1),
    ):
        pass

    assert waited == [True]
    with locked(slot, timeout=0.0):
        pass
