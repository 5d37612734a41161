"""Numbers as C's printf writes them and scanf reads them (``THDiskFile.c``)."""

from __future__ import annotations

import math
import re

_DOUBLE = re.compile(rb"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?\Z")
#: Spellings of infinities and of "not a number": C99's, and those of Windows.
_SPECIAL = re.compile(
    rb"(?P<sign>[-+]?)(?:(?P<inf>inf|infinity|1\.#INF)|nan|1\.#(?:IND|QNAN|SNAN))\Z", re.IGNORECASE
)


def parse_double(text: bytes) -> float | None:
    """Return the number that ``text`` spells, None if it spells none."""
    if _DOUBLE.match(text):
        return float(text)
    match = _SPECIAL.match(text)
    if match is None:
        return None
    return math.copysign(math.inf if match["inf"] else math.nan, -1 if match["sign"] == b"-" else 1)


def format_double(value: float, digits: int = 17) -> bytes:
    """Return ``value`` as printf's ``%.17g`` (or other digits) writes it."""
    if value != value:  # noqa: PLR0124 -- true of not-a-number alone
        return b"-nan" if math.copysign(1, value) < 0 else b"nan"
    return b"%.*g" % (digits, value)
