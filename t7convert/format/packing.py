"""How a file begins that people compressed."""

from __future__ import annotations

GZIP, BZIP2, XZ, ZIP = b"\x1f\x8b", b"BZh", b"\xfd7zXZ\0", b"PK\x03\x04"
#: What :mod:`t7convert.format.compressed` can unpack.
PACKED = (GZIP, BZIP2, XZ, ZIP)
