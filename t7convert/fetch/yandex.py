"""Yandex Disk: a public link is a page; its documented interface tells the file's address."""

from __future__ import annotations

import json
from urllib.parse import urlencode, urlsplit

from t7convert.errors import DownloadError
from t7convert.fetch.addresses import YandexDisk

API = "https://cloud-api.yandex.net"


def question_url(address: YandexDisk, *, base: str = API) -> str:
    """Return the address that answers where the file is."""
    return f"{base}/v1/disk/public/resources/download?{urlencode({'public_key': address.url})}"


def read_answer(body: bytes, address: YandexDisk) -> str:
    """Return the file's address from the interface's answer.

    Raises:
        DownloadError: if the answer names none.
    """
    try:
        href = json.loads(body)["href"]
    except (ValueError, KeyError, TypeError) as error:
        raise DownloadError(f"{address}: Yandex Disk named no address for the file") from error
    if not isinstance(href, str) or urlsplit(href).scheme not in {"http", "https"}:
        raise DownloadError(f"{address}: Yandex Disk named no address for the file")
    return href
