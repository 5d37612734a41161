"""The post-activation blocks of ``imagenet/sharesnet.lua`` (and of fb.resnet.torch's resnet.lua).

Attribute names are torchvision's; parameters stand in Lua's order, the convolutions before the
shortcut. Convolutions have no bias.
"""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor, nn

from t7convert.residual.sharing import Block, Norm
from t7convert.residual.shortcuts import ShortcutType, shortcut


class BasicBlock(Block):
    """Two 3x3 convolutions; the second is the shared one, in every block of the stage.

    Input (N, inputs, H, W), output (N, width, ceil(H / stride), ceil(W / stride)).
    """

    expansion: ClassVar[int] = 1

    def __init__(
        self,
        inputs: int,
        width: int,
        *,
        stride: int = 1,
        shared: bool = True,
        shortcut_type: ShortcutType = "B",
        norm_layer: Norm = nn.BatchNorm2d,
    ) -> None:
        super().__init__()
        self.shares = shared
        self.conv1 = nn.Conv2d(inputs, width, 3, stride, 1, bias=False)
        self.bn1 = norm_layer(width)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.bn2 = norm_layer(width)
        self.downsample = shortcut(inputs, width, stride, shortcut_type, norm_layer)

    def forward(self, x: Tensor) -> Tensor:
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        out = out + (x if self.downsample is None else self.downsample(x))
        activated: Tensor = self.relu(out)
        return activated


class Bottleneck(Block):
    """1x1, 3x3 and 1x1 convolutions; the 3x3 has the stride, and is shared where that is 1.

    Input (N, inputs, H, W), output (N, 4 * width, ceil(H / stride), ceil(W / stride)).
    """

    expansion: ClassVar[int] = 4

    def __init__(
        self,
        inputs: int,
        width: int,
        *,
        stride: int = 1,
        shared: bool = True,
        shortcut_type: ShortcutType = "B",
        norm_layer: Norm = nn.BatchNorm2d,
    ) -> None:
        super().__init__()
        outputs = width * self.expansion
        self.shares = shared and stride == 1
        self.conv1 = nn.Conv2d(inputs, width, 1, bias=False)
        self.bn1 = norm_layer(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, 1, bias=False)
        self.bn2 = norm_layer(width)
        self.conv3 = nn.Conv2d(width, outputs, 1, bias=False)
        self.bn3 = norm_layer(outputs)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = shortcut(inputs, outputs, stride, shortcut_type, norm_layer)

    def forward(self, x: Tensor) -> Tensor:
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.relu(self.bn2(self.conv2(out)))
        out = self.bn3(self.conv3(out))
        out = out + (x if self.downsample is None else self.downsample(x))
        activated: Tensor = self.relu(out)
        return activated
