"""Networks known by their structure: the ShaResNets, and torchvision's ResNet and VGG.

The Lua modules stand as the published definitions build them (fb.resnet.torch resnet.lua; the
paper's imagenet/sharesnet.lua, cifar/sharesnet-pre-act.lua, cifar/wide-sharesnet.lua).
"""

from __future__ import annotations

from typing import Any

from torch import nn

from t7convert.export.torch7.building import RECOGNISERS, STRUCTURES, Build, Place
from t7convert.export.torch7.rules import long_storage
from t7convert.lua.tree import LuaModule
from t7convert.residual.blocks import BasicBlock, Bottleneck
from t7convert.residual.preact import PreActShaResNet
from t7convert.residual.preact_blocks import PreActBottleneck, WideBasic
from t7convert.residual.resnet import ShaResNet
from t7convert.residual.sharing import Stage
from t7convert.residual.shortcuts import PadShortcut

_STEM = ("conv1", "bn1", "relu", "maxpool")


def structure_of(module: nn.Module) -> Build | None:
    """Return the builder of a module that its attributes show, or None."""
    names = {name for name, _ in module.named_children()}
    stages = {name for name in names if name.startswith("layer")}
    if names == {*_STEM, *stages, "avgpool", "fc"} and stages:
        return _torchvision_resnet
    if names == {"features", "avgpool", "classifier"}:
        return _torchvision_vgg
    if names - {"downsample"} == {"conv1", "bn1", "relu", "conv2", "bn2"}:
        return _basic
    if names - {"downsample"} == {"conv1", "bn1", "conv2", "bn2", "conv3", "bn3", "relu"}:
        return _bottleneck
    if isinstance(module, nn.Sequential) and type(module).forward is nn.Sequential.forward:
        return _row
    return None


def _row(module: nn.Module, place: Place) -> LuaModule:
    # named_children would leave out a module's second place
    members = [(name, m) for name, m in module._modules.items() if m is not None]
    return place.sequential(*(place.child(m, name) for name, m in members))


def _relu(place: Place) -> LuaModule:
    return place.lua("nn.ReLU", threshold=0, val=0, inplace=True)


def _fork(place: Place, body: list[LuaModule], shortcut: LuaModule) -> list[LuaModule]:
    both = place.lua("nn.ConcatTable", modules=[place.sequential(*body), shortcut])
    return [both, place.lua("nn.CAddTable", inplace=True)]


def _shortcut(module: Any, place: Place) -> LuaModule:
    downsample = getattr(module, "downsample", None)
    if downsample is None:
        return place.lua("nn.Identity")
    return place.child(downsample, "downsample")


def _basic(module: Any, place: Place) -> LuaModule:
    head = place.children(module, ("conv1", "bn1"))
    tail = place.children(module, ("conv2", "bn2"))
    body = [*head, _relu(place), *tail]
    return place.sequential(*_fork(place, body, _shortcut(module, place)), _relu(place))


def _bottleneck(module: Any, place: Place) -> LuaModule:
    body: list[LuaModule] = []
    for number in (1, 2, 3):
        body += [] if number == 1 else [_relu(place)]
        body += place.children(module, (f"conv{number}", f"bn{number}"))
    return place.sequential(*_fork(place, body, _shortcut(module, place)), _relu(place))


def _preact(module: Any, place: Place) -> LuaModule:
    """Where there is a projection, the first pair stands before the fork."""
    first = [*place.children(module, ("bn1",)), _relu(place)]
    rest = [*place.children(module, ("conv1", "bn2")), _relu(place)]
    if isinstance(module, WideBasic):
        if isinstance(module.dropout, nn.Dropout):
            rest.append(
                place.lua(
                    "nn.Dropout",
                    p=module.dropout.p,
                    v2=True,
                    inplace=True,
                    stochastic_inference=False,
                )
            )
        rest += place.children(module, ("conv2",))
    else:
        rest += [*place.children(module, ("conv2", "bn3")), _relu(place)]
        rest += place.children(module, ("conv3",))
    if module.downsample is None:
        return place.sequential(*_fork(place, first + rest, place.lua("nn.Identity")))
    # the definition's projection is one convolution, not a Sequential of one
    projection = place.child(module.downsample[0], "downsample.0")
    return place.sequential(*first, *_fork(place, rest, projection))


def _pad_shortcut(module: PadShortcut, place: Place) -> LuaModule:
    halves = [
        place.lua("nn.Identity"),
        place.lua("nn.MulConstant", constant_scalar=0, inplace=False),
    ]
    concat = place.lua("nn.Concat", dimension=2, modules=halves)
    return place.sequential(place.child(module.pool, "pool"), concat)


def _sharesnet(module: ShaResNet, place: Place) -> LuaModule:
    head = place.children(module, ("conv1", "bn1", "relu"))
    if not isinstance(module.maxpool, nn.Identity):
        head += place.children(module, ("maxpool",))
    return place.sequential(*head, *_stages(module, place), *_tail(module, place))


def _preact_sharesnet(module: PreActShaResNet, place: Place) -> LuaModule:
    head = place.children(module, ("conv1",))
    norm = place.children(module, ("bn1", "relu"))
    return place.sequential(*head, *_stages(module, place), *norm, *_tail(module, place))


def _stages(module: Any, place: Place) -> list[LuaModule]:
    return place.children(module, (f"layer{i}" for i in range(1, module.stage_count + 1)))


def _tail(module: Any, place: Place) -> list[LuaModule]:
    pool = place.child(module.avgpool, "avgpool")
    place.network.rank = 3
    return [pool, place.view(module.fc.in_features), place.child(module.fc, "fc")]


def _torchvision_resnet(module: Any, place: Place) -> LuaModule:
    head = place.children(module, _STEM)
    numbers = sorted(int(n[5:]) for n, _ in module.named_children() if n[5:].isdigit())
    stages = place.children(module, (f"layer{i}" for i in numbers))
    return place.sequential(*head, *stages, *_tail(module, place))


def _torchvision_vgg(module: Any, place: Place) -> LuaModule:
    parts = place.children(module, ("features", "avgpool"))
    place.network.rank = 3
    view = place.view(-1)
    first = next((m for m in module.classifier.modules() if isinstance(m, nn.Linear)), None)
    if first is not None:
        view.fields["size"] = long_storage([first.in_features])
    return place.sequential(*parts, view, place.child(module.classifier, "classifier"))


STRUCTURES |= {
    ShaResNet: _sharesnet,
    PreActShaResNet: _preact_sharesnet,
    Stage: _row,
    BasicBlock: _basic,
    Bottleneck: _bottleneck,
    PreActBottleneck: _preact,
    WideBasic: _preact,
    PadShortcut: _pad_shortcut,
}
RECOGNISERS.append(structure_of)
