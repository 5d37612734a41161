"""The shortcut paths of residual blocks: types A, B and C of the published definitions."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from t7convert.residual.sharing import Norm

ShortcutType = Literal["A", "B", "C"]


class PadShortcut(nn.Module):
    """Type A: every ``stride``-th pixel, and as many channels of zeros behind the channels.

    Input (N, C, H, W), output (N, 2C, ceil(H / stride), ceil(W / stride)). In Lua:
    ``SpatialAveragePooling(1, 1, stride, stride)``, then ``Concat(2)`` of ``Identity`` and
    ``MulConstant(0)``; the zeros are products, so that NaN and infinity stay seen.
    """

    def __init__(self, stride: int) -> None:
        super().__init__()
        self.pool = nn.AvgPool2d(1, stride)

    def forward(self, x: Tensor) -> Tensor:
        pooled = self.pool(x)
        return torch.cat((pooled, pooled * 0), dim=1)


def shortcut(
    inputs: int, outputs: int, stride: int, kind: ShortcutType, norm: Norm
) -> nn.Module | None:
    """Return the shortcut of a post-activation block, ``None`` for the identity.

    Type B has a 1x1 convolution and batch normalisation where the width changes, C has them
    everywhere, A has no parameters (``shortcut`` in ``imagenet/sharesnet.lua``).

    Raises:
        ValueError: an unknown type, or a shape that the Lua definition can't add up either.
    """
    if kind not in ("A", "B", "C"):
        raise ValueError(f"shortcut type is {kind!r}, expected 'A', 'B' or 'C'")
    if kind == "C" or (kind == "B" and inputs != outputs):
        conv = nn.Conv2d(inputs, outputs, 1, stride, bias=False)
        return nn.Sequential(conv, norm(outputs))
    if inputs != outputs:
        if outputs != 2 * inputs:
            raise ValueError(
                f"a shortcut of type A doubles the channels: {inputs} can't become {outputs}"
            )
        return PadShortcut(stride)
    require_stride_one(inputs, stride)
    return None


def require_stride_one(channels: int, stride: int) -> None:
    """Raise ``ValueError`` if a block whose shortcut is the identity has a stride."""
    if stride != 1:
        raise ValueError(
            f"a block from {channels} to {channels} channels has an identity shortcut, "
            f"so its stride is 1, not {stride}"
        )
