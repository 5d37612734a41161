"""HTTP as a download needs it: pages followed, faults named, bodies read against the clock."""

from __future__ import annotations

import itertools
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass

import requests
import urllib3

from t7convert.errors import DownloadError
from t7convert.fetch import gdrive, yandex
from t7convert.fetch.addresses import Address, GoogleDrive, YandexDisk
from t7convert.fetch.faults import BrokenError, RefusedError
from t7convert.fetch.limits import Conditions

_PAGE_LIMIT = 2 << 20
_HOPS = 4
_CHUNK = 1 << 16
_PASSING = frozenset({429, 500, 502, 503, 504})


def new_session() -> requests.Session:
    """Return a session; proxies, CA bundles and .netrc come from the environment."""
    session = requests.Session()
    session.headers["User-Agent"] = "t7convert (https://pypi.org/project/t7convert)"
    session.max_redirects = 10
    return session


def _open_address(address: Address, session: requests.Session, conditions: Conditions) -> str:
    """Return the address that the file's bytes are asked from."""
    if isinstance(address, GoogleDrive):
        return gdrive.first_url(address, base=conditions.endpoints.drive)
    if isinstance(address, YandexDisk):
        url = yandex.question_url(address, base=conditions.endpoints.yandex)
        with _get(url, {}, session, conditions) as response:
            if response.status_code in _PASSING:
                raise BrokenError(f"Yandex Disk: HTTP {response.status_code}")
            if response.status_code != 200:
                raise RefusedError(f"Yandex Disk: HTTP {response.status_code}")
            return yandex.read_answer(_limited(body_of(response, conditions)), address)
    return address.url


@dataclass(frozen=True)
class Reply:
    """An answer that is no page: its head, and its body as it arrives."""

    response: requests.Response
    chunks: Iterator[bytes]


def ask(
    address: Address, headers: dict[str, str], session: requests.Session, conditions: Conditions
) -> Reply:
    """Return the answer that carries the file, having followed Google Drive's confirmation.

    A whole answer that states no type is looked at, as a browser does.

    Raises:
        RefusedError: if a page came instead of the file; the message names the page.
        BrokenError: if no answer came.
    """
    url = _open_address(address, session, conditions)
    for _hop in range(_HOPS):
        response = _get(url, headers, session, conditions)
        chunks = body_of(response, conditions)
        if not _claims_to_be_a_page(response):
            return Reply(response, chunks)
        if response.status_code not in {200, 206} and not isinstance(address, GoogleDrive):
            return Reply(response, chunks)
        first = next(chunks, b"")
        if first.strip() and not first.lstrip().startswith(b"<"):
            return Reply(response, itertools.chain([first], chunks))  # a file, wrongly labelled
        with response:
            html = (first + _limited(chunks)).decode("utf-8", "replace")
        if not isinstance(address, GoogleDrive):
            raise RefusedError(f"an HTML page came instead of the file{_title(html)}")
        url = _beyond(html, response, address)
    raise RefusedError("Google Drive asks to confirm again and again")


def _beyond(html: str, response: requests.Response, address: GoogleDrive) -> str:
    """Return where a page of Google Drive leads on to, or say what the page is."""
    answer = gdrive.read_page(html, url=response.url)
    if answer.page is gdrive.Page.CONFIRM and answer.next_url:
        return answer.next_url
    if answer.page is gdrive.Page.OTHER and response.status_code in _PASSING:
        raise BrokenError(f"HTTP {response.status_code}")
    what = answer.page.value
    if answer.page is gdrive.Page.OTHER:
        status = "" if response.status_code == 200 else f" (HTTP {response.status_code})"
        what = f"an HTML page{_title(html)}{status}"
    advice = gdrive.advice(answer.page, address)
    raise RefusedError(f"{what} came instead of the file; {advice}")


def body_of(response: requests.Response, conditions: Conditions) -> Iterator[bytes]:
    """Yield the body as it arrives.

    Raises:
        BrokenError: if the connection breaks, stalls, or is slower than the least rate.
        DownloadError: if the time is up.
    """
    limits = conditions.limits
    read = getattr(response.raw, "read1", None)  # since urllib3 2.x: returns what is there
    window_start, window_bytes = time.monotonic(), 0
    while True:
        try:
            if read is None:
                chunk = response.raw.read(4096, decode_content=True)
            else:
                chunk = read(_CHUNK, decode_content=True)
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise BrokenError(f"the connection broke: {_plain(error)}") from error
        if not chunk:
            return
        yield chunk
        window_bytes += len(chunk)
        now = time.monotonic()
        if now > conditions.deadline:
            raise DownloadError(
                f"{response.url}: the time for this download is up; what came is kept, the next "
                "attempt goes on from there if the server allows it"
            )
        if now - window_start >= limits.rate_window:
            if window_bytes < limits.least_rate * (now - window_start):
                raise BrokenError(f"too slow: {window_bytes:,} bytes in {now - window_start:.0f} s")
            window_start, window_bytes = now, 0


def _get(
    url: str, headers: dict[str, str], session: requests.Session, conditions: Conditions
) -> requests.Response:
    left = conditions.time_left()
    if left <= 0:
        raise DownloadError(f"{url}: the time for this download is up")
    limits = conditions.limits
    timeout = (min(limits.connect, left), min(limits.stall, left))
    try:
        return session.get(url, headers=headers, stream=True, timeout=timeout)
    except requests.exceptions.ProxyError as error:
        raise BrokenError(
            f"the proxy does not answer ({_plain(error)}); see HTTPS_PROXY"
        ) from error
    except requests.exceptions.SSLError as error:
        raise RefusedError(
            f"the server's certificate can't be verified ({_plain(error)}); "
            "a CA bundle of your own goes into REQUESTS_CA_BUNDLE"
        ) from error
    except requests.exceptions.TooManyRedirects as error:
        raise RefusedError("the server redirects without end") from error
    except (requests.exceptions.ConnectionError, requests.exceptions.Timeout) as error:
        raise BrokenError(f"no answer: {_plain(error)}") from error
    except (requests.exceptions.RequestException, ValueError) as error:
        raise RefusedError(f"can't be asked for: {_plain(error)}") from error
    except OSError as error:  # requests raises a bare one for a CA bundle that isn't there
        raise DownloadError(f"{error}; see REQUESTS_CA_BUNDLE and CURL_CA_BUNDLE") from error


def _claims_to_be_a_page(response: requests.Response) -> bool:
    kind = response.headers.get("Content-Type", "").split(";")[0].strip().lower()
    attached = "attachment" in response.headers.get("Content-Disposition", "").lower()
    pages = {"text/html", "application/xhtml+xml"}
    if response.status_code == 200:
        pages.add("")  # a part of a file may begin with <; the file itself never does
    return kind in pages and not attached


def _limited(chunks: Iterator[bytes]) -> bytes:
    page = bytearray()
    for chunk in chunks:
        page += chunk
        if len(page) > _PAGE_LIMIT:
            break
    return bytes(page)


def _title(html: str) -> str:
    match = re.search(r"<title[^>]*>(.*?)</title>", html, re.IGNORECASE | re.DOTALL)
    title = re.sub(r"\s+", " ", match.group(1)).strip()[:80] if match else ""
    return f" ({title!r})" if title else ""


def _plain(error: BaseException) -> str:
    """Return the words of the innermost of nested exceptions, without the objects they name."""
    inner = error
    for _depth in range(8):
        nested = [getattr(inner, "reason", None), *inner.args]
        found = [each for each in nested if isinstance(each, BaseException)]
        if not found:
            break
        inner = found[0]
    text = re.sub(r"^(?:<[^>]*>|\w+\(host=[^)]*\)): ", "", str(inner))
    return text[:200] or type(inner).__name__
