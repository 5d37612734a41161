"""How the numbers of a .t7 file are laid out: nothing in the file says so, it is told by trial."""

from __future__ import annotations

from typing import NamedTuple


class Encoding(NamedTuple):
    """Text or binary; for binary files the byte order and the bytes of a C ``long``."""

    ascii: bool = False
    byteorder: str = "little"
    long_size: int = 8

    def __str__(self) -> str:
        if self.ascii:
            return "ASCII"
        return f"binary, {self.byteorder}-endian, {self.long_size}-byte longs"

    @property
    def order(self) -> str:
        """The byte order as struct and numpy spell it."""
        return "<" if self.byteorder == "little" else ">"


#: What can be told apart by trial, the commonest first.
ENCODINGS = (
    Encoding(),
    Encoding(long_size=4),
    Encoding(byteorder="big"),
    Encoding(byteorder="big", long_size=4),
    Encoding(ascii=True),
)
