"""Google Drive's pages and Yandex Disk's interface, played by the loopback server."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from fetch_server import Handler, Site, file, page, redirect, status, t7_bytes

from t7convert.errors import DownloadError
from t7convert.fetch.addresses import Direct, GoogleDrive, YandexDisk, parse_address
from t7convert.fetch.gdrive import Page, first_url, read_page
from t7convert.fetch.obtaining import Wish, obtain
from t7convert.fetch.schema import Entry

MakeEntry = Callable[..., Entry]
BODY = t7_bytes(20_000)
OLD = GoogleDrive("0B6IogDVqG75Wd1VfZ0xSSmJ2M1U")
NEW = GoogleDrive("1TWiFJY_q5uKvNr9x3Z4CiK2w9Giqk9Dx")

CONFIRM = """<!DOCTYPE html><html><head><title>Google Drive - Virus scan warning</title></head>
<body><p>Google Drive can't scan this file for viruses.</p>
<form id="download-form" action="/download" method="get">
<input type="submit" value="Download anyway"/><input type="hidden" name="id" value="{id}">
<input type="hidden" name="export" value="download"><input type="hidden" name="confirm" value="t">
<input type="hidden" name="uuid" value="a&amp;b"></form></body></html>"""
CONFIRM_2016 = """<html><body><a id="uc-download-link"
href="/uc?export=download&amp;confirm=XyZ1&amp;id=ID">Download anyway</a></body></html>"""
QUOTA = """<html><head><title>Google Drive - Quota exceeded</title></head><body>
<p>Sorry, you can't view or download this file at this time.</p>
<p>Too many users have viewed or downloaded this file recently.</p></body></html>"""
SIGN_IN = """<html><head><title>Google Drive: Sign-in</title></head><body>
<a href="https://accounts.google.com/ServiceLogin?service=wise">Sign in</a></body></html>"""
NO_ACCESS = """<html><head><title>Google Drive</title></head><body><p>You need access</p>
<p>Request access, or switch to an account with access.</p></body></html>"""


def confirmed(handler: Handler) -> None:
    """Send the file only to who sends the form's hidden fields back."""
    if "confirm=t" in handler.path and "uuid=a%26b" in handler.path:
        file(BODY, Content_Disposition='attachment; filename="x.t7"', kind="text/html")(handler)
    else:
        page(CONFIRM)(handler)


def test_small_file_comes_at_once(site: Site, wish: Wish, entry_at: MakeEntry) -> None:
    site.on("/uc", file(BODY))

    assert obtain(entry_at(NEW), wish).read_bytes() == BODY


def test_confirmation_form(site: Site, wish: Wish, entry_at: MakeEntry) -> None:
    site.on("/uc", page(CONFIRM))
    site.on("/download", confirmed)

    assert obtain(entry_at(NEW), wish).read_bytes() == BODY
    assert [path for path, _ in site.requests] == ["/uc", "/download"]


def test_confirmed_download_goes_on_after_a_cut(
    site: Site, wish: Wish, entry_at: MakeEntry
) -> None:
    site.on("/uc", page(CONFIRM))
    site.on("/download", file(BODY, cut=30_000), file(BODY))

    assert obtain(entry_at(NEW), wish).read_bytes() == BODY
    assert site.asked("/download")[1]["range"] == "bytes=30000-"


def test_confirmation_link_of_old(site: Site, wish: Wish, entry_at: MakeEntry) -> None:
    site.on("/uc", page(CONFIRM_2016), file(BODY))

    assert obtain(entry_at(NEW), wish).read_bytes() == BODY


def test_confirmation_for_ever(site: Site, wish: Wish, entry_at: MakeEntry) -> None:
    site.on("/uc", page(CONFIRM))
    site.on("/download", page(CONFIRM))
    with pytest.raises(DownloadError, match="confirm again and again"):
        obtain(entry_at(NEW), wish)


def test_a_form_is_not_sent_to_strangers() -> None:
    html = CONFIRM.replace('action="/download"', 'action="https://example.org/download"')

    answer = read_page(html, url="https://drive.google.com/uc?id=x")

    assert answer.next_url is None


def test_a_form_is_sent_to_google() -> None:
    target = "https://drive.usercontent.google.com/download"
    html = CONFIRM.replace('action="/download"', f'action="{target}"')

    answer = read_page(html, url="https://drive.google.com/uc?id=x")

    assert answer.page is Page.CONFIRM
    assert answer.next_url is not None
    assert answer.next_url.startswith(f"{target}?id=")


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ((QUOTA, 200), "quota is used up.*after a day"),
        ((QUOTA, 429), "quota is used up"),
        ((SIGN_IN, 200), "sign-in page"),
        ((NO_ACCESS, 200), "request access"),
        ((NO_ACCESS, 403), "request access"),
        (("<html><title>Error 404</title></html>", 404), "Error 404.*HTTP 404"),
        (("<html><title>Odd</title></html>", 200), "HTML page.*Odd"),
    ],
)
def test_pages_are_named(
    site: Site, wish: Wish, entry_at: MakeEntry, answer: tuple[str, int], words: str
) -> None:
    site.on("/uc", page(*answer))
    with pytest.raises(DownloadError, match=words) as caught:
        obtain(entry_at(NEW), wish)

    assert "put" in str(caught.value) or "belongs at" in str(caught.value)
    assert not (Path(str(wish.cache_dir)) / "net.t7").exists()


@pytest.mark.parametrize(
    ("html", "words"),
    [
        (QUOTA, "quota is used up"),
        ("<html><title>Sign in - Google Accounts</title></html>", "a sign-in page"),
        ('<html><a href="https://accounts.google.com/signin/v2">x</a></html>', "a sign-in page"),
    ],
)
def test_pages_without_a_type(
    site: Site, wish: Wish, entry_at: MakeEntry, html: str, words: str
) -> None:
    site.on("/uc", file(html.encode(), kind=""))
    with pytest.raises(DownloadError, match=words):
        obtain(entry_at(NEW), wish)


def test_confirmation_without_a_type(site: Site, wish: Wish, entry_at: MakeEntry) -> None:
    site.on("/uc", file(CONFIRM.encode(), kind=""))
    site.on("/download", confirmed)

    assert obtain(entry_at(NEW), wish).read_bytes() == BODY


def test_passing_fault_of_drive_is_retried(site: Site, wish: Wish, entry_at: MakeEntry) -> None:
    site.on("/uc", page("<html><title>busy</title></html>", 503), file(BODY))

    assert obtain(entry_at(NEW), wish).read_bytes() == BODY


def test_sign_in_by_redirect() -> None:
    answer = read_page("<html></html>", url="https://accounts.google.com/v3/signin?continue=x")

    assert answer.page is Page.SIGN_IN


@pytest.mark.parametrize("html", [NO_ACCESS, SIGN_IN, "<html><title>404</title></html>"])
def test_old_ids_explain_the_resource_key(
    site: Site, wish: Wish, entry_at: MakeEntry, html: str
) -> None:
    site.on("/uc", page(html, 404))
    with pytest.raises(DownloadError, match=r"resource key.*--resource-key") as caught:
        obtain(entry_at(OLD), wish)

    assert str(Path(str(wish.cache_dir)) / "net.t7") in str(caught.value)


def test_resource_key_is_sent(site: Site, wish: Wish, entry_at: MakeEntry) -> None:
    def needs_key(handler: Handler) -> None:
        (file(BODY) if "resourcekey=0-abc" in handler.path else status(404))(handler)

    site.on("/uc", needs_key)

    assert obtain(entry_at(OLD), replace(wish, resource_key="0-abc")).read_bytes() == BODY


def test_first_url() -> None:
    assert first_url(GoogleDrive("abcdefghij", "0-k")) == (
        "https://drive.google.com/uc?export=download&id=abcdefghij&resourcekey=0-k"
    )


def test_yandex(site: Site, wish: Wish, entry_at: MakeEntry) -> None:
    answer = json.dumps({"href": site.on("/file", file(BODY))}).encode()
    site.on("/v1/disk/public/resources/download", file(answer, kind="application/json", etag=""))

    assert obtain(entry_at(YandexDisk("https://yadi.sk/d/x")), wish).read_bytes() == BODY


@pytest.mark.parametrize(
    ("behaviour", "words"),
    [
        (status(404), "Yandex Disk: HTTP 404"),
        (status(503), "Yandex Disk: HTTP 503.*attempts"),
        (file(b"{}", kind="application/json"), "named no address"),
        (file(b'{"href": "file:///etc/passwd"}', kind="application/json"), "named no address"),
    ],
)
def test_yandex_faults(
    site: Site, wish: Wish, entry_at: MakeEntry, behaviour: object, words: str
) -> None:
    site.on("/v1/disk/public/resources/download", behaviour)  # type: ignore[arg-type]
    with pytest.raises(DownloadError, match=words):
        obtain(entry_at(YandexDisk("https://yadi.sk/d/x")), wish)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://drive.google.com/open?id=0B6IogDVqG75W", GoogleDrive("0B6IogDVqG75W")),
        (
            "https://drive.google.com/file/d/0B6IogDVqG75W/view?usp=sharing&resourcekey=0-x",
            GoogleDrive("0B6IogDVqG75W", "0-x"),
        ),
        (
            "https://drive.google.com/uc?export=download&id=0B6IogDVqG75W",
            GoogleDrive("0B6IogDVqG75W"),
        ),
        ("https://yadi.sk/d/-8AWymOPyVZns", YandexDisk("https://yadi.sk/d/-8AWymOPyVZns")),
        ("http://example.org/a.t7", Direct("http://example.org/a.t7")),
        ("file:///data/a%20b.t7", Direct("file:///data/a%20b.t7")),
    ],
)
def test_addresses(text: str, expected: object) -> None:
    assert parse_address(text) == expected


@pytest.mark.parametrize(
    "text",
    ["a.t7", "ftp://example.org/a", "https:///x", "file://host/a", "https://drive.google.com/x"],
)
def test_no_addresses(text: str) -> None:
    with pytest.raises(DownloadError):
        parse_address(text)


def test_redirect_to_sign_in_page_of_drive(site: Site, wish: Wish, entry_at: MakeEntry) -> None:
    site.on("/uc", redirect(site.on("/ServiceLogin", page("<html>Sign in</html>"))))
    with pytest.raises(DownloadError, match="sign-in page"):
        obtain(entry_at(NEW), wish)


@pytest.mark.parametrize("code", [403, 404])
def test_a_bare_refusal_of_drive_explains_the_key_too(
    site: Site, wish: Wish, entry_at: MakeEntry, code: int
) -> None:
    site.on("/uc", status(code))
    with pytest.raises(DownloadError, match=rf"HTTP {code}.*--resource-key"):
        obtain(entry_at(OLD), wish)
