"""The pre-activation blocks of ``cifar/sharesnet-pre-act.lua`` and ``cifar/wide-sharesnet.lua``.

Batch normalisation and ReLU come before each convolution. Where the width changes, the first pair
stands before the fork, so that the shortcut sees the activated input too; where it doesn't, the
shortcut is the identity of the raw input. The first block of a stage never shares: that is the
network's decision (``shared``). Parameters stand in Lua's order. Convolutions have no bias.
"""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor, nn

from t7convert.residual.sharing import Block, Norm
from t7convert.residual.shortcuts import require_stride_one


class PreActBottleneck(Block):
    """1x1, 3x3 and 1x1 convolutions, the stride on the first, as the Lua definition has it.

    Input (N, inputs, H, W), output (N, outputs, ceil(H / stride), ceil(W / stride)); the 3x3 is
    ``outputs / expansion`` wide. ``expansion=1`` is the option ``resnet_nobottleneck``.
    """

    expansion: ClassVar[int] = 4

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        stride: int = 1,
        shared: bool = True,
        expansion: int = 4,
        norm_layer: Norm = nn.BatchNorm2d,
    ) -> None:
        super().__init__()
        if outputs % expansion:
            raise ValueError(f"{outputs} output channels do not divide by {expansion}")
        width = outputs // expansion
        self.shares = shared
        self.bn1 = norm_layer(inputs)
        self.conv1 = nn.Conv2d(inputs, width, 1, stride, bias=False)
        self.bn2 = norm_layer(width)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.bn3 = norm_layer(width)
        self.conv3 = nn.Conv2d(width, outputs, 1, bias=False)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = _projection(inputs, outputs, stride)

    def forward(self, x: Tensor) -> Tensor:
        active = self.relu(self.bn1(x))
        out = self.conv1(active)
        out = self.conv2(self.relu(self.bn2(out)))
        out = self.conv3(self.relu(self.bn3(out)))
        total: Tensor = out + (x if self.downsample is None else self.downsample(active))
        return total


class WideBasic(Block):
    """Two 3x3 convolutions with dropout between them; the second is the shared one.

    Input (N, inputs, H, W), output (N, outputs, ceil(H / stride), ceil(W / stride)).
    """

    expansion: ClassVar[int] = 1

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        stride: int = 1,
        shared: bool = True,
        dropout: float = 0.0,
        norm_layer: Norm = nn.BatchNorm2d,
    ) -> None:
        super().__init__()
        self.shares = shared
        self.bn1 = norm_layer(inputs)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn2 = norm_layer(outputs)
        # Lua drops out in place; here ReLU, in place itself, has kept the tensor for its backward.
        self.dropout = nn.Dropout(dropout) if dropout else nn.Identity()
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = _projection(inputs, outputs, stride)

    def forward(self, x: Tensor) -> Tensor:
        active = self.relu(self.bn1(x))
        out = self.relu(self.bn2(self.conv1(active)))
        out = self.conv2(self.dropout(out))
        total: Tensor = out + (x if self.downsample is None else self.downsample(active))
        return total


def _projection(inputs: int, outputs: int, stride: int) -> nn.Module | None:
    if inputs != outputs:
        return nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False))
    require_stride_one(inputs, stride)
    return None
