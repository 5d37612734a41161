"""Which classes write something else than one object, and what.

Nothing in a file says where an object of such a class ends: a reader that does not know the
class loses step. Sources: nn's ``GPU.lua``, cunn's ``DataParallelTable.lua``, torch7's
``Timer.c`` and ``Generator.c``, tds's ``hash.lua``, ``vec.lua`` and ``atomic.lua``, nnx's
``DataSet.lua``.
"""

from __future__ import annotations

from typing import Literal

Layout = Literal[
    "objects", "two objects", "nothing", "generator", "hash", "vec", "counter", "samples"
]

_LAYOUTS: dict[str, Layout] = {
    "nn.GPU": "two objects",
    "torch.Timer": "nothing",
    "torch.Generator": "generator",
    "tds.Hash": "hash",
    "tds_hash": "hash",
    "tds.Vec": "vec",
    "tds.AtomicCounter": "counter",
    "nn.DataSet": "samples",
    "nn.DataList": "samples",  # inherits it
}

#: The classes that write something else, some only from a version on.
SPECIAL = (*_LAYOUTS, "nn.DataParallelTable")

#: Bytes of a ``torch.Generator``: the C struct where a long has 8 bytes, and where it has 4.
GENERATOR_SIZES = (5048, 2544)


def layout_of(typename: str, version: float | None) -> Layout:
    """Return what an object of this class and version writes after its class name.

    ``objects`` is one object (its fields); ``two objects`` a header, then the fields; ``hash`` a
    long and that many pairs; ``vec`` a long and that many objects; ``counter`` a long; ``samples``
    a boolean, an int and that many objects; ``generator`` the raw bytes of a C struct.
    """
    if typename == "nn.DataParallelTable":
        return "two objects" if (version or 0) >= 2 else "objects"
    return _LAYOUTS.get(typename, "objects")


def generator_size(head: bytes) -> int:
    """Return how long the generator is that begins with ``head`` (up to 5048 bytes).

    With 8-byte longs the state's words stand in the lower halves of longs, so the upper halves
    are zero, whatever the byte order; a state of 4-byte longs has no such run of zeros.
    """
    long_size, short_size = GENERATOR_SIZES
    if len(head) < long_size:
        return short_size
    words = memoryview(head)[24 : 24 + 624 * 8].cast("I")
    return long_size if not any(words[1::2]) or not any(words[0::2]) else short_size
