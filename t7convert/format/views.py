"""The checks that make a tensor's view safe, and the storage it needs."""

from __future__ import annotations

from math import prod

#: numpy before 2.0 has no more; Torch7's own limit on the GPU is 25.
MAX_DIMENSIONS = 32
_MAX_BYTES = 2**62


class Malformed(Exception):
    """What is wrong at a byte; the reader adds the file and the path."""

    def __init__(self, problem: str, offset: int) -> None:
        super().__init__(problem)
        self.problem, self.offset = problem, offset


def check_view(
    size: tuple[int, ...],
    stride: tuple[int, ...],
    offset: int,
    available: int | None,
    itemsize: int,
    at: int,
) -> None:
    """Check a view of ``available`` elements (None: there is no storage).

    Raises:
        Malformed: naming what was found and what was expected.
    """
    count = prod(size) if size else 0
    if size and min(size) < 0:
        raise Malformed(f"a tensor of size {size}: a size is negative", at)
    if count == 0:
        return
    if count * itemsize > _MAX_BYTES:
        raise Malformed(f"a tensor of size {size}: more elements than any memory holds", at)
    if available is None:
        raise Malformed(f"a tensor of size {size} without a storage", at)
    last = offset
    for n, step in zip(size, stride, strict=True):
        if n > 1:
            if step < 0:
                raise Malformed(f"a tensor of stride {stride}: a stride is negative", at)
            last += (n - 1) * step
    if offset < 0 or last >= available:
        raise Malformed(
            f"a tensor of size {size}, stride {stride} and offset {offset + 1} reaches from "
            f"element {offset + 1:,} to {last + 1:,} of a storage of {available:,}",
            at,
        )
