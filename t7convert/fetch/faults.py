"""The two ways in which one address fails."""

from __future__ import annotations

from t7convert.errors import DownloadError


class RefusedError(DownloadError):
    """This address does not give the file; another one may."""


class BrokenError(DownloadError):
    """This attempt failed; the next one may not. ``wait`` is what the server asked for."""

    def __init__(self, reason: str, wait: float | None = None) -> None:
        super().__init__(reason)
        self.wait = wait
