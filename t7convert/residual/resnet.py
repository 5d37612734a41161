"""The post-activation networks of ``imagenet/sharesnet.lua``, and fb.resnet.torch's originals.

State_dict keys, shapes and order are torchvision's: a ShaResNet's state loads into torchvision's
ResNet (untied there), and a torchvision checkpoint into a network made with ``shared=False``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from torch import Tensor, nn

from t7convert.residual.blocks import BasicBlock, Bottleneck
from t7convert.residual.network import StagedNetwork, init_convolutions, init_linear, require_stages
from t7convert.residual.sharing import Norm, Stage
from t7convert.residual.shortcuts import ShortcutType


class ShaResNet(StagedNetwork):
    """A post-activation residual network whose stages share their spatial convolution.

    Args:
        block: ``BasicBlock`` or ``Bottleneck``.
        layers: the number of blocks of each stage; every stage but the first halves the image.
        widths: the channels of each stage's 3x3 convolutions (bottlenecks put out four times that).
        stem: ``"imagenet"``, a 7x7 convolution of stride 2 and 3x3 max pooling of stride 2, or
            ``"cifar"``, a 3x3 convolution.
        stem_width: the stem's channels, by default those of the first stage.
        pool: the side of the average pooling.
        num_classes: the outputs.
        in_channels: the image's channels.
        shortcut_type: ``"A"``, ``"B"`` or ``"C"``, see `shortcuts.shortcut`.
        shared: one weight for a stage's spatial convolutions; ``False`` is the original network.
        norm_layer: makes the normalisation of so many channels, by default ``BatchNorm2d``.

    Weights begin as in Lua (``ConvInit``, ``BNInit``): convolutions normal with variance
    2 / (kW * kH * nOutputPlane), batch normalisation 1 and 0, ``fc`` uniform within
    1 / sqrt(inputs), its bias 0.

    Raises:
        ValueError: numbers that make no such network.
    """

    def __init__(
        self,
        block: type[BasicBlock] | type[Bottleneck],
        layers: Sequence[int],
        *,
        widths: Sequence[int] = (64, 128, 256, 512),
        stem: Literal["imagenet", "cifar"] = "imagenet",
        stem_width: int | None = None,
        pool: int = 7,
        num_classes: int = 1000,
        in_channels: int = 3,
        shortcut_type: ShortcutType = "B",
        shared: bool = True,
        norm_layer: Norm = nn.BatchNorm2d,
    ) -> None:
        super().__init__()
        require_stages(layers, widths)
        if stem not in ("imagenet", "cifar"):
            raise ValueError(f"stem is {stem!r}, expected 'imagenet' or 'cifar'")
        inputs = widths[0] if stem_width is None else stem_width
        big = stem == "imagenet"
        kernel, stride, padding = (7, 2, 3) if big else (3, 1, 1)
        self.conv1 = nn.Conv2d(in_channels, inputs, kernel, stride, padding, bias=False)
        self.bn1 = norm_layer(inputs)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, 2, 1) if big else nn.Identity()
        stages = []
        for number, (count, width) in enumerate(zip(layers, widths, strict=True)):
            blocks = []
            for position in range(count):
                blocks.append(
                    block(
                        inputs,
                        width,
                        stride=2 if number > 0 and position == 0 else 1,
                        shared=shared,
                        shortcut_type=shortcut_type,
                        norm_layer=norm_layer,
                    )
                )
                inputs = width * block.expansion
            stages.append(Stage(*blocks))
        self.add_stages(stages)
        self.takes_single = shortcut_type != "A"
        self.avgpool = nn.AvgPool2d(pool, 1)
        self.fc = nn.Linear(inputs, num_classes)
        init_convolutions(self, fan="out")
        init_linear(self.fc)

    def features(self, x: Tensor) -> Tensor:
        """Return what goes into the average pooling, (N, C, H, W)."""
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        for stage in self.stages:
            x = stage(x)
        return x
