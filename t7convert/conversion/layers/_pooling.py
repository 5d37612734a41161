"""Where torch.nn's poolings have the windows that Torch7 had."""

from __future__ import annotations

from collections.abc import Sequence


def agrees(
    kernel: Sequence[int],
    stride: Sequence[int],
    pad: Sequence[int],
    dilation: Sequence[int] | None = None,
    *,
    ceil: bool,
    clip: bool = True,
) -> bool:
    """Tell whether torch.nn's windows are Torch7's for images of every size.

    torch.nn drops a last window that starts beyond the image. THNN does so (``clip``) if some
    dimension is padded, cuDNN never; no window starts there where the stride and the padding
    together don't exceed the window. In a dilated, padded window all elements may lie in the
    padding. torch.nn refuses padding of more than half the window.
    """
    spans = [d * (k - 1) + 1 for k, d in zip(kernel, dilation or [1] * len(kernel), strict=True)]
    if any(2 * p > k for p, k in zip(pad, kernel, strict=True)):
        return False
    if spans != list(kernel) and any(pad):
        return False
    if not ceil or (clip and any(pad)):
        return True
    return all(s + p <= n for s, p, n in zip(stride, pad, spans, strict=True))
