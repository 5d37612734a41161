"""The pre-activation CIFAR networks: ``cifar/sharesnet-pre-act.lua``, ``cifar/wide-sharesnet.lua``.

With ``shared=False`` they are wide-residual-networks' resnet-pre-act.lua and wide-resnet.lua.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from torch import Tensor, nn

from t7convert.residual.network import StagedNetwork, init_convolutions, init_linear, require_stages
from t7convert.residual.preact_blocks import PreActBottleneck, WideBasic
from t7convert.residual.sharing import Norm, Stage


class PreActShaResNet(StagedNetwork):
    """A pre-activation residual network; blocks 2..n of a stage share their 3x3 convolution.

    Args:
        block: ``PreActBottleneck`` or ``WideBasic``.
        layers: the number of blocks of each stage; every stage but the first halves the image.
        widths: the channels that each stage puts out.
        stem_width: the channels of the first convolution.
        pool: the side of the average pooling.
        num_classes: the outputs.
        in_channels: the image's channels.
        dropout: the probability of the dropout in wide blocks; 0 leaves it out.
        expansion: how much wider a bottleneck's output is than its 3x3 convolution.
        shared: one weight for blocks 2..n of a stage; ``False`` is the original network.
        norm_layer: makes the normalisation of so many channels, by default ``BatchNorm2d``.

    Weights begin as in Lua (``reset``, ``MSRinit``, ``FCinit``): convolutions normal with variance
    2 / (kW * kH * nInputPlane), batch normalisation's weights uniform in 0..1 and biases 0, ``fc``
    uniform within 1 / sqrt(inputs), its bias 0.

    Raises:
        ValueError: numbers that make no such network.
    """

    def __init__(
        self,
        block: type[PreActBottleneck] | type[WideBasic],
        layers: Sequence[int],
        *,
        widths: Sequence[int],
        stem_width: int = 16,
        pool: int = 8,
        num_classes: int = 10,
        in_channels: int = 3,
        dropout: float = 0.0,
        expansion: int = 4,
        shared: bool = True,
        norm_layer: Norm = nn.BatchNorm2d,
    ) -> None:
        super().__init__()
        require_stages(layers, widths)
        if dropout and block is not WideBasic:
            raise ValueError(f"dropout is {dropout}, but only wide blocks have one")
        make = (
            partial(WideBasic, dropout=dropout, norm_layer=norm_layer)
            if block is WideBasic
            else partial(PreActBottleneck, expansion=expansion, norm_layer=norm_layer)
        )
        self.conv1 = nn.Conv2d(in_channels, stem_width, 3, 1, 1, bias=False)
        inputs = stem_width
        stages = []
        for number, (count, width) in enumerate(zip(layers, widths, strict=True)):
            first = make(inputs, width, stride=1 if number == 0 else 2, shared=False)
            rest = [make(width, width, shared=shared) for _ in range(count - 1)]
            stages.append(Stage(first, *rest))
            inputs = width
        self.add_stages(stages)
        self.bn1 = norm_layer(inputs)
        self.relu = nn.ReLU(inplace=True)
        self.avgpool = nn.AvgPool2d(pool, 1)
        self.fc = nn.Linear(inputs, num_classes)
        init_convolutions(self, fan="in")
        init_linear(self.fc)
        for module in self.modules():
            if isinstance(module, nn.BatchNorm2d) and module.affine:
                nn.init.uniform_(module.weight)

    def features(self, x: Tensor) -> Tensor:
        """Return what goes into the average pooling, (N, C, H, W)."""
        x = self.conv1(x)
        for stage in self.stages:
            x = stage(x)
        activated: Tensor = self.relu(self.bn1(x))
        return activated
