"""Where files are published: plain addresses and the two share services that need a step more."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from urllib.request import url2pathname

from t7convert.errors import DownloadError

_DRIVE_HOSTS = {"drive.google.com", "docs.google.com", "drive.usercontent.google.com"}
_YANDEX_HOST = re.compile(
    r"(?:www\.)?(?:yadi\.sk|disk\.yandex\.[a-z.]+|disk\.360\.yandex\.[a-z.]+)\Z"
)
_DRIVE_ID = re.compile(r"[A-Za-z0-9_-]{10,}\Z")


@dataclass(frozen=True)
class Direct:
    """An ``http(s)://`` address that answers with the file, or a ``file://`` one."""

    url: str

    def __str__(self) -> str:
        return self.url

    @property
    def local_path(self) -> Path | None:
        """The path of a ``file://`` address, else None."""
        parts = urlsplit(self.url)
        if parts.scheme != "file":
            return None
        return Path(url2pathname(parts.path))  # it undoes the %20


@dataclass(frozen=True)
class GoogleDrive:
    """A file on Google Drive; files shared before 2021 may need a resource key as well."""

    file_id: str
    resource_key: str | None = None

    def __str__(self) -> str:
        key = f"&resourcekey={self.resource_key}" if self.resource_key else ""
        return f"https://drive.google.com/open?id={self.file_id}{key}"


@dataclass(frozen=True)
class YandexDisk:
    """A public link of Yandex Disk."""

    url: str

    def __str__(self) -> str:
        return self.url


Address = Direct | GoogleDrive | YandexDisk


def parse_address(text: str) -> Address:
    """Return the address that ``text`` means: a link as people paste it, or a ``file://`` one.

    Raises:
        DownloadError: if it is of no kind that can be fetched.
    """
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https", "file"}:
        raise DownloadError(f"{text!r} is no address: expected http://, https:// or file://")
    if parts.scheme == "file":
        if parts.netloc not in {"", "localhost"}:
            raise DownloadError(f"{text}: a file:// address must be on this machine")
        return Direct(text)
    host = (parts.hostname or "").lower()
    if not host:
        raise DownloadError(f"{text!r} is no address: it names no host")
    if host in _DRIVE_HOSTS:
        return _parse_drive(text)
    if _YANDEX_HOST.match(host):
        return YandexDisk(text)
    return Direct(text)


def _parse_drive(text: str) -> GoogleDrive:
    parts = urlsplit(text)
    query = parse_qs(parts.query)
    match = re.search(r"/d/([^/]+)", parts.path)
    file_id = match.group(1) if match else query.get("id", [""])[0]
    if not _DRIVE_ID.match(file_id):
        raise DownloadError(f"{text}: no file id of Google Drive is in this address")
    return GoogleDrive(file_id, query.get("resourcekey", [None])[0])
