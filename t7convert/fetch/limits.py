"""What a download may cost, and where the share services are."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from t7convert.fetch import gdrive, yandex

Progress = Callable[[int, int | None], None]


@dataclass(frozen=True)
class Limits:
    """Bounds of one download; times are in seconds.

    Attributes:
        connect: for a connection to be made.
        stall: without a single byte.
        total: for one name, all addresses and attempts together.
        attempts: per address, without progress between them.
        backoff: the first pause between attempts; it doubles.
        longest_pause: no pause is longer, whatever the server asks.
        max_bytes: no file is larger.
        least_rate: bytes per second; slower over ``rate_window`` counts as a broken connection.
        checkpoint: so many bytes are written between two marks from which a download can go on.
        lock: to wait for another process that downloads the same name.
    """

    connect: float = 15.0
    stall: float = 60.0
    total: float = 6 * 3600.0
    attempts: int = 5
    backoff: float = 1.0
    longest_pause: float = 60.0
    max_bytes: int = 32 << 30
    least_rate: float = 512.0
    rate_window: float = 60.0
    checkpoint: int = 32 << 20
    lock: float = 6 * 3600.0


@dataclass(frozen=True)
class Endpoints:
    """Where Google Drive and Yandex Disk answer."""

    drive: str = gdrive.DRIVE
    yandex: str = yandex.API


def no_progress(done: int, total: int | None) -> None:
    """Report nothing."""


@dataclass(frozen=True)
class Conditions:
    """What every step of a download is given: limits, deadline, and how to report."""

    limits: Limits = field(default_factory=Limits)
    endpoints: Endpoints = field(default_factory=Endpoints)
    progress: Progress = no_progress
    deadline: float = field(default_factory=lambda: time.monotonic() + Limits.total)

    def time_left(self) -> float:
        """Return the seconds until the deadline."""
        return self.deadline - time.monotonic()
