"""Google Drive's pages, recognised as what they are: confirmation, quota, sign-in, no access.

A large file does not come at once: the first answer is a page that says "can't scan this file for
viruses", with a form whose hidden fields must be sent back. Drive answers 200 to that page and to
the quota page alike, so the body decides.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from html.parser import HTMLParser
from urllib.parse import urlencode, urljoin, urlsplit

from t7convert.fetch.addresses import GoogleDrive

DRIVE = "https://drive.google.com"

# A form is sent to Google only, or back to the host that showed it.
_GOOGLE = re.compile(r"(?:[a-z0-9-]+\.)*(?:google|googleusercontent)\.com\Z")

_SIGN_IN = re.compile(
    r"accounts\.google\.com/(?:servicelogin|signin|v3/signin)"
    r"|<title>\s*sign in\b|sign in to continue to google"
)


def first_url(address: GoogleDrive, *, base: str = DRIVE) -> str:
    """Return the address that a download begins with."""
    query = {"export": "download", "id": address.file_id}
    if address.resource_key:
        query["resourcekey"] = address.resource_key
    return f"{base}/uc?{urlencode(query)}"


class Page(Enum):
    """Which of Drive's pages came instead of the file."""

    CONFIRM = "the page that asks to confirm a large download"
    QUOTA = "the page that says the file's download quota is used up"
    SIGN_IN = "a sign-in page: the file is not shared with everybody"
    NO_ACCESS = "a page that asks to request access"
    OTHER = "an HTML page"


@dataclass(frozen=True)
class Answer:
    """A page and, for the confirmation, the address that leads on."""

    page: Page
    next_url: str | None = None


def read_page(html: str, *, url: str) -> Answer:
    """Return what the page at ``url`` is; ``url`` is where redirects ended."""
    parser = _Forms()
    parser.feed(html)
    text = re.sub(r"\s+", " ", html).lower()
    host = (urlsplit(url).hostname or "").lower()
    if host.startswith("accounts.google.") or "servicelogin" in url.lower():
        return Answer(Page.SIGN_IN)
    if (
        "quota exceeded" in text
        or "too many users have viewed or downloaded" in text
        or "download quota for this file has been exceeded" in text
    ):
        return Answer(Page.QUOTA)
    following = _confirmation(parser, url)
    if following is not None:
        return Answer(Page.CONFIRM, following)
    if "request access" in text or "you need access" in text or "need permission" in text:
        return Answer(Page.NO_ACCESS)
    if _SIGN_IN.search(text):
        return Answer(Page.SIGN_IN)
    return Answer(Page.OTHER)


def _confirmation(parser: _Forms, url: str) -> str | None:
    for form in parser.forms:
        if form.name in {"download-form", "downloadForm"} or "confirm" in form.fields:
            return _allowed(urljoin(url, form.action), form.fields, url)
    for link in parser.links:  # before 2022 the page had a link instead of a form
        if "confirm=" in link and "export=download" in link:
            return _allowed(urljoin(url, link), {}, url)
    return None


def _allowed(target: str, fields: dict[str, str], page_url: str) -> str | None:
    parts = urlsplit(target)
    here = urlsplit(page_url)
    google = parts.scheme == "https" and _GOOGLE.match((parts.hostname or "").lower())
    if not google and (parts.scheme, parts.netloc) != (here.scheme, here.netloc):
        return None
    if not fields:
        return target
    return f"{target}{'&' if parts.query else '?'}{urlencode(fields)}"


@dataclass
class _Form:
    name: str
    action: str
    fields: dict[str, str]


class _Forms(HTMLParser):
    """Collects the forms with their hidden fields, and the links."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.forms: list[_Form] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append(_Form(values.get("id", ""), values.get("action", ""), {}))
        elif tag == "input" and self.forms and values.get("name"):
            self.forms[-1].fields[values["name"]] = values.get("value", "")
        elif tag == "a" and values.get("href"):
            self.links.append(values["href"])


def advice(page: Page, address: GoogleDrive) -> str:
    """Return what to do about ``page``."""
    if page is Page.QUOTA:
        return "try again after a day, or give another address with --url"
    if address.resource_key is None and address.file_id.startswith("0B"):
        return (
            "files shared on Google Drive before September 2021 may need a resource key, which was "
            "not published for this one: ask the authors and give it with --resource-key, or give "
            "another address with --url"
        )
    return "give another address with --url"
