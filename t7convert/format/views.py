"""The checks that make a tensor's view of its storage safe."""

from __future__ import annotations

from math import prod

from t7convert.format.objects import LuaTensor

#: numpy before 2.0 has no more; Torch7's own limit on the GPU is 25.
MAX_DIMENSIONS = 32
_MAX_BYTES = 2**62


class MalformedError(Exception):
    """What is wrong at a byte; the reader adds the file and the path."""

    def __init__(self, problem: str, offset: int) -> None:
        super().__init__(problem)
        self.problem, self.offset = problem, offset


def view_problem(tensor: LuaTensor) -> str | None:
    """Return what is wrong with a tensor's view, None if nothing is."""
    size, stride, storage = tensor.size, tensor.stride, tensor.storage
    if not size:
        return None
    if min(size) < 0:
        return f"a tensor of size {size}: a size is negative"
    count = prod(size)
    if count == 0:
        return None
    if count * tensor.dtype.itemsize > _MAX_BYTES:
        return f"a tensor of size {size}: more elements than any memory holds"
    if storage is None:
        return f"a tensor of size {size} without a storage"
    last = tensor.offset
    for n, step in zip(size, stride, strict=True):
        if n > 1:
            if step < 0:
                return f"a tensor of stride {stride}: a stride is negative"
            last += (n - 1) * step
    if tensor.offset < 0 or last >= storage.size:
        return (
            f"a tensor of size {size} and stride {stride} spans the elements "
            f"{tensor.offset + 1:,} to {last + 1:,} of a storage of {storage.size:,}"
        )
    return None


def check_view(tensor: LuaTensor, at: int) -> None:
    """Check a tensor that was read at byte ``at``.

    Raises:
        MalformedError: naming what was found and what was expected.
    """
    problem = view_problem(tensor)
    if problem:
        raise MalformedError(problem, at)
