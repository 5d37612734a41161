"""How many windows Torch7's poolings have, and what stands around them."""

from __future__ import annotations

from collections.abc import Sequence


def window_counts(
    size: Sequence[int],
    kernel: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    *,
    ceil_mode: bool,
    clip: bool,
) -> list[int]:
    """Return the number of windows per dimension.

    With ``clip`` a last window that starts beyond the image is dropped, if any dimension is padded
    (THNN generic/SpatialDilatedMaxPooling.c); cuDNN keeps it (cudnn.torch Pooling.lua).
    """
    counts = []
    for n, k, s, p, d in zip(size, kernel, stride, padding, dilation, strict=True):
        room = n + 2 * p - d * (k - 1) - 1
        count = (room + s - 1) // s + 1 if ceil_mode else room // s + 1
        if clip and any(padding) and (count - 1) * s >= n + p:
            count -= 1
        counts.append(count)
    return counts


def surround(
    size: Sequence[int],
    counts: Sequence[int],
    kernel: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
) -> list[int]:
    """Return the widths for ``torch.nn.functional.pad`` that make every window complete."""
    widths: list[int] = []
    rows = zip(size, counts, kernel, stride, padding, dilation, strict=True)
    for n, c, k, s, p, d in reversed(list(rows)):
        widths += [p, max(0, (c - 1) * s + d * (k - 1) + 1 - n - p)]
    return widths
