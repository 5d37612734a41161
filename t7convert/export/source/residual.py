"""The compact definition of a recognised residual network: its block, its stages, its ties."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from torch import nn

from t7convert.export.source.calls import render
from t7convert.export.source.modules import Modules
from t7convert.residual import (
    PreActBottleneck,
    PreActShaResNet,
    ShaResNet,
    StagedNetwork,
    WideBasic,
)
from t7convert.residual.blocks import Bottleneck
from t7convert.residual.shortcuts import PadShortcut

PAD_SHORTCUT = '''\
class PadShortcut(nn.Module):
    """Every stride-th pixel, and as many channels of zeros behind the channels."""

    def __init__(self, stride):
        super().__init__()
        self.pool = nn.AvgPool2d(1, stride=stride)

    def forward(self, x):
        pooled = self.pool(x)
        return torch.cat((pooled, pooled * 0), dim=1)'''


class Residual:
    """Writes the classes of one recognised network."""

    def __init__(self, network: StagedNetwork, modules: Modules, size: str) -> None:
        self.network, self.modules, self.size = network, modules, size
        self.preactivation = isinstance(network, PreActShaResNet)
        first: Any = network.stages[0][0]
        self.block = first
        self.kind = type(self.block).__name__
        self.bottleneck = isinstance(self.block, (Bottleneck, PreActBottleneck))
        self.shared = bool(network.ties())
        self.expansion = 4 if isinstance(self.block, Bottleneck) else 1
        norm = self._made(first.bn1)
        self.norm_options = norm[norm.index(",") : -1] if "," in norm else ""

    def texts(self, name: str) -> Iterator[str]:
        """Iterate over the texts of the classes."""
        if any(isinstance(module, PadShortcut) for module in self.network.modules()):
            yield PAD_SHORTCUT
        yield self._block()
        yield self._stage()
        yield self._network(name)

    def _made(self, module: nn.Module) -> str:
        return render(self.modules.module(module, ""), 8, 20)

    def _norm(self, channels: str) -> str:
        return f"nn.BatchNorm2d({channels}{self.norm_options})"

    def _block(self) -> str:
        makers = {
            ShaResNet: self._bottleneck if self.bottleneck else self._basic,
            PreActShaResNet: self._preact_bottleneck if self.bottleneck else self._wide,
        }
        doc, head, layers, forward = makers[type(self.network)]()
        body = [*head, *layers, *self._shortcut()]
        second = "outputs" if self.preactivation else "width"
        return "\n".join(
            [
                f"class {self.kind}(nn.Module):",
                f'    """{doc}"""',
                "",
                f"    def __init__(self, inputs, {second}, stride=1):",
                "        super().__init__()",
                *(f"        {line}" for line in body),
                "",
                "    def forward(self, x):",
                *(f"        {line}" for line in forward),
            ]
        )

    def _shortcut(self) -> list[str]:
        outputs = "width" if self.kind == "BasicBlock" else "outputs"
        blocks: list[Any] = [block for stage in self.network.stages for block in stage]
        if any(isinstance(block.downsample, PadShortcut) for block in blocks):
            return [f"self.downsample = PadShortcut(stride) if inputs != {outputs} else None"]
        conv = f"nn.Conv2d(inputs, {outputs}, 1, stride=stride, bias=False)"
        parts = [conv] if self.preactivation else [f"{conv},", f"{self._norm(outputs)},"]
        made = ["self.downsample = nn.Sequential(", *(f"    {part}" for part in parts), ")"]
        if all(block.downsample is not None for block in blocks):
            return made
        inner = [f"    {line}" for line in made]
        return ["self.downsample = None", f"if inputs != {outputs}:", *inner]

    def _basic(self) -> tuple[str, list[str], list[str], list[str]]:
        layers = [
            "self.conv1 = nn.Conv2d(inputs, width, 3, stride=stride, padding=1, bias=False)",
            f"self.bn1 = {self._norm('width')}",
            "self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)",
            f"self.bn2 = {self._norm('width')}",
            "self.relu = nn.ReLU(inplace=True)",
        ]
        forward = [
            "out = self.relu(self.bn1(self.conv1(x)))",
            "out = self.bn2(self.conv2(out))",
            "out = out + (x if self.downsample is None else self.downsample(x))",
            "return self.relu(out)",
        ]
        return "Two 3x3 convolutions beside a shortcut.", [], layers, forward

    def _bottleneck(self) -> tuple[str, list[str], list[str], list[str]]:
        layers = [
            "self.conv1 = nn.Conv2d(inputs, width, 1, bias=False)",
            f"self.bn1 = {self._norm('width')}",
            "self.conv2 = nn.Conv2d(width, width, 3, stride=stride, padding=1, bias=False)",
            f"self.bn2 = {self._norm('width')}",
            "self.conv3 = nn.Conv2d(width, outputs, 1, bias=False)",
            f"self.bn3 = {self._norm('outputs')}",
            "self.relu = nn.ReLU(inplace=True)",
        ]
        forward = [
            "out = self.relu(self.bn1(self.conv1(x)))",
            "out = self.relu(self.bn2(self.conv2(out)))",
            "out = self.bn3(self.conv3(out))",
            "out = out + (x if self.downsample is None else self.downsample(x))",
            "return self.relu(out)",
        ]
        doc = "1x1, 3x3 and 1x1 convolutions beside a shortcut."
        return doc, ["outputs = 4 * width"], layers, forward

    def _preact_bottleneck(self) -> tuple[str, list[str], list[str], list[str]]:
        expansion = self.block.conv3.out_channels // self.block.conv2.out_channels
        width = f"width = outputs // {expansion}" if expansion > 1 else "width = outputs"
        layers = [
            f"self.bn1 = {self._norm('inputs')}",
            "self.conv1 = nn.Conv2d(inputs, width, 1, stride=stride, bias=False)",
            f"self.bn2 = {self._norm('width')}",
            "self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)",
            f"self.bn3 = {self._norm('width')}",
            "self.conv3 = nn.Conv2d(width, outputs, 1, bias=False)",
            "self.relu = nn.ReLU(inplace=True)",
        ]
        forward = [
            "active = self.relu(self.bn1(x))",
            "out = self.conv1(active)",
            "out = self.conv2(self.relu(self.bn2(out)))",
            "out = self.conv3(self.relu(self.bn3(out)))",
            "return out + (x if self.downsample is None else self.downsample(active))",
        ]
        doc = "Normalised and activated before each of its 1x1, 3x3 and 1x1 convolutions."
        return doc, [width], layers, forward

    def _wide(self) -> tuple[str, list[str], list[str], list[str]]:
        assert isinstance(self.block, WideBasic)
        drops = isinstance(self.block.dropout, nn.Dropout)
        dropout = [f"self.dropout = {self._made(self.block.dropout)}"] if drops else []
        layers = [
            f"self.bn1 = {self._norm('inputs')}",
            "self.conv1 = nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False)",
            f"self.bn2 = {self._norm('outputs')}",
            *dropout,
            "self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)",
            "self.relu = nn.ReLU(inplace=True)",
        ]
        forward = [
            "active = self.relu(self.bn1(x))",
            "out = self.relu(self.bn2(self.conv1(active)))",
            "out = self.conv2(self.dropout(out))" if drops else "out = self.conv2(out)",
            "return out + (x if self.downsample is None else self.downsample(active))",
        ]
        doc = "Normalised and activated before each of its two 3x3 convolutions."
        return doc, [], layers, forward

    def _stage(self) -> str:
        second, after = ("outputs", "outputs") if self.preactivation else ("width", "width")
        if self.expansion > 1:
            after = f"{self.expansion} * width"
        doc, tie = "Blocks in a row.", []
        if self.shared:
            doc = "Blocks in a row; those of stride 1 share the weight of one 3x3 convolution."
            first = ["first = 0 if stride == 1 else 1"]
            start, source = "first + 1 :", "blocks[first]"
            if self.preactivation:
                doc = "Blocks in a row; all but the first share the weight of one 3x3 convolution."
                first, start, source = [], "2:", "blocks[1]"
            elif not self.bottleneck:
                doc = "Blocks in a row, which share the weight of their second convolution."
                first, start, source = [], "1:", "blocks[0]"
            tie = [
                *first,
                f"for block in blocks[{start}]:",
                f"    block.conv2.weight = {source}.conv2.weight",
            ]
        lines = [
            f"blocks = [{self.kind}(inputs, {second}, stride)]",
            f"blocks += [{self.kind}({after}, {second}) for _ in range(count - 1)]",
            *tie,
            "return nn.Sequential(*blocks)",
        ]
        head = f'def make_layer(inputs, {second}, count, stride=1):\n    """{doc}"""\n'
        return head + "\n".join(f"    {line}" for line in lines)

    def _network(self, name: str) -> str:
        network: Any = self.network
        stages = []
        inputs = network.conv1.out_channels
        for number, stage in enumerate(network.stages, start=1):
            first: Any = stage[0]
            last = first.conv3 if self.bottleneck else first.conv2
            width = last.out_channels if self.preactivation else first.conv2.out_channels
            stride = max(first.conv1.stride[0], first.conv2.stride[0])
            given = f"{inputs}, {width}, {len(stage)}" + (f", stride={stride}" * (stride > 1))
            stages.append(f"self.layer{number} = make_layer({given})")
            inputs = last.out_channels
        layers = [f"self.conv1 = {self._made(network.conv1)}"]
        around = [f"self.bn1 = {self._made(network.bn1)}", "self.relu = nn.ReLU(inplace=True)"]
        pools = not self.preactivation and isinstance(network.maxpool, nn.MaxPool2d)
        if self.preactivation:
            layers += [*stages, *around]
        else:
            pool = [f"self.maxpool = {self._made(network.maxpool)}"] if pools else []
            layers += [*around, *pool, *stages]
        layers += [f"self.avgpool = {self._made(network.avgpool)}"]
        layers += [f"self.fc = {self._made(network.fc)}"]
        forward = self._forward(pools, len(stages))
        title = "ShaResNet" if self.shared else "ResNet"
        lines = [
            f"class {name}(nn.Module):",
            f'    """A {title}: {self.size}."""',
            "",
            "    def __init__(self):",
            "        super().__init__()",
            *(f"        {line}" for line in layers),
            "",
            "    def forward(self, x):",
            *(f"        {line}" for line in forward),
        ]
        return "\n".join(lines)

    def _forward(self, pools: bool, count: int) -> list[str]:
        network: Any = self.network
        single = [
            "if x.dim() == 3 and not self.training:  # one image",
            "    x = x.unsqueeze(0)",
        ]
        stages = "x"
        for number in range(1, count + 1):
            stages = f"self.layer{number}({stages})"
        middle = [f"x = {stages}"]
        if len(stages) > 80:
            middle = [f"x = self.layer{number}(x)" for number in range(1, count + 1)]
        if self.preactivation:
            middle = ["x = self.conv1(x)", *middle, "x = self.relu(self.bn1(x))"]
        else:
            stem = "self.relu(self.bn1(self.conv1(x)))"
            middle = [f"x = self.maxpool({stem})" if pools else f"x = {stem}", *middle]
        end = ["x = self.avgpool(x)", f"return self.fc(x.reshape(-1, {network.fc.in_features}))"]
        return [*(single if network.takes_single else []), *middle, *end]
