"""From the facts of a residual network's graph to the definition in ``models`` that fits them.

Each number is read from the one layer that decides it; whether the other layers agree is seen when
they are compared with the definition.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import torch
from torch import nn

from t7convert.conversion.layer import Layer
from t7convert.conversion.residual_facts import Block, Facts
from t7convert.conversion.residual_graph import Chain, Node
from t7convert.conversion.residual_layers import dropout_rate, pool_side
from t7convert.errors import ArchitectureError
from t7convert.lua.tree import LuaModule
from t7convert.residual import PreActBottleneck, PreActShaResNet, ShaResNet, StagedNetwork
from t7convert.residual.shortcuts import PadShortcut

#: Name of a submodule of the network, and the Lua layer that stands there.
Part = tuple[str, Layer]
Stages = Sequence[Sequence[Block]]


def stages_of(facts: Facts) -> list[list[Block]]:
    """Split the blocks into stages: each begins where the image gets smaller."""
    stages: list[list[Block]] = []
    for block in facts.blocks:
        strides = {block.layer(name).hw("d") for name in ("conv1", "conv2")}
        if not stages or strides != {(1, 1)}:
            stages.append([])
        stages[-1].append(block)
    return stages


def parts_of(facts: Facts, stages: Stages) -> Iterator[Part]:
    """Name every layer by its place in the network, in Lua's order."""
    around = list(facts.around)
    position = next(i for i, (_, layer) in enumerate(around) if layer is facts.layer("avgpool"))
    before = position - (2 if facts.preactivation else 0)
    yield from around[:before]
    for stage, blocks in enumerate(stages, start=1):
        for number, block in enumerate(blocks):
            for name, layer in block.layers:
                yield f"layer{stage}.{number}.{name}", layer
    yield from around[before:]


def options_of(facts: Facts, stages: Stages) -> dict[str, Any]:
    """Return the keywords of the network's class, read from the layers that decide them."""
    first = [stage[0] for stage in stages]
    kind = facts.blocks[0].kind
    stem, pool, linear = (_around(facts, name) for name in ("conv1", "avgpool", "fc"))
    norms = [layer for _, layer in parts_of(facts, stages) if layer.has("running_mean")]
    settings = {(layer.number("eps"), layer.number("momentum")) for layer in norms}
    if len(settings) != 1:
        raise ArchitectureError(f"batch normalisations differ in (eps, momentum): {settings}")
    eps, momentum = settings.pop()
    options: dict[str, Any] = {
        "layers": [len(stage) for stage in stages],
        "stem_width": stem.integer("nOutputPlane"),
        "in_channels": stem.integer("nInputPlane"),
        "pool": pool_side(pool),
        "num_classes": linear.shape("bias")[0],
        "norm_layer": partial(nn.BatchNorm2d, eps=eps, momentum=momentum),
    }
    if not facts.preactivation:
        widths = [block.layer("conv2").integer("nOutputPlane") for block in first]
        stem_kind = "imagenet" if facts.layer("maxpool") else "cifar"
        kinds = {"stem": stem_kind, "shortcut_type": _shortcut_type(facts.blocks)}
        return {**options, "widths": widths, **kinds}
    last = "conv3" if kind is PreActBottleneck else "conv2"
    options["widths"] = [block.layer(last).integer("nOutputPlane") for block in first]
    if kind is PreActBottleneck:
        inner = max(1, first[0].layer("conv2").integer("nOutputPlane"))
        options["expansion"] = options["widths"][0] // inner
    elif facts.blocks[0].has_dropout:
        options["dropout"] = dropout_rate(facts.blocks[0].layer("dropout"))
    return options


def _around(facts: Facts, name: str) -> Layer:
    layer = facts.layer(name)
    if layer is None:
        raise ArchitectureError(f"there is no {name}")
    return layer


def _shortcut_type(blocks: Sequence[Block]) -> str:
    """A pads; C has a convolution even where the width stays, B only where it changes."""
    if any(block.shortcut == "AK" for block in blocks):
        return "A"
    for block in blocks:
        if block.shortcut == "CB":
            shortcut = block.layer("downsample.0")
            if shortcut.integer("nInputPlane") == shortcut.integer("nOutputPlane"):
                return "C"
    return "B"


def containers_of(
    chain: Chain, stages: Stages, network: StagedNetwork
) -> Iterator[tuple[LuaModule, nn.Module]]:
    """Find the Lua containers that are one stage, block or shortcut, with its module."""
    places: dict[tuple[Node, ...], nn.Module] = {}
    groups = list(chain.groups)
    for stage, blocks in zip(network.stages, stages, strict=True):
        for module, block in zip(stage, blocks, strict=True):
            places[block.nodes] = module
            if block.side.nodes:
                places[block.side.nodes] = module.get_submodule("downsample")
                groups += block.side.groups
        places.setdefault(tuple(node for block in blocks for node in block.nodes), stage)
    for container, nodes in groups:
        if nodes in places:
            yield container, places[nodes]


def build(facts: Facts, options: dict[str, Any]) -> StagedNetwork:
    """Return the network of ``models`` with these options, on the meta device."""
    kinds = {block.kind for block in facts.blocks}
    if len(kinds) != 1:
        names = sorted(kind.__name__ for kind in kinds)
        raise ArchitectureError(f"the blocks are of several kinds: {', '.join(names)}")
    block: Any = kinds.pop()
    for name in ("stem_width", "in_channels", "pool", "num_classes"):
        if options[name] < 1:
            raise ArchitectureError(f"{name} is {options[name]}, expected 1 or more")
    network = PreActShaResNet if facts.preactivation else ShaResNet
    try:
        with torch.device("meta"):
            return network(block, **options)
    except (OverflowError, RuntimeError, TypeError) as error:  # sizes that no tensor can have
        raise ArchitectureError(f"no network has these sizes: {str(error)[:200]}") from error


def require_shortcuts(network: StagedNetwork, stages: Stages) -> None:
    """Require the shortcuts, early normalisations and dropouts of the network's blocks.

    Raises:
        ArchitectureError: if a block differs.
    """
    for stage, blocks in zip(network.stages, stages, strict=True):
        for module, block in zip(stage, blocks, strict=True):
            downsample = getattr(module, "downsample", None)
            if (downsample is None) != (block.shortcut == "") or (
                isinstance(downsample, PadShortcut) != (block.shortcut == "AK")
            ):
                raise ArchitectureError(
                    f"the block at {block.path} has another shortcut than its width asks for"
                )
            if isinstance(network, PreActShaResNet) and block.early != (downsample is not None):
                raise ArchitectureError(
                    f"the block at {block.path} has its first normalisation on the wrong side of "
                    "the fork"
                )
            if block.has_dropout != isinstance(getattr(module, "dropout", None), nn.Dropout):
                raise ArchitectureError(f"dropout is not in every block: see {block.path}")
