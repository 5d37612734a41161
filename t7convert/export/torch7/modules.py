"""The Lua modules of PyTorch's own layers, where torch/nn has their equal."""

from __future__ import annotations

from typing import Any

from torch import nn

from t7convert.errors import ConversionError, Problem
from t7convert.export.torch7 import (
    convolution,
    points,
    pooling,
    shapes,
    structures,
)
from t7convert.export.torch7.building import (
    Network,
    Place,
    build_at,
    builder_of,
    builds,
    finish,
    is_known,
)
from t7convert.export.torch7.check import Check
from t7convert.export.torch7.forward import Inputs, tree_of_forward
from t7convert.export.torch7.tracing import UnfollowedError, is_leaf
from t7convert.lua.tree import LuaModule

__all__ = [
    "convolution",
    "points",
    "pooling",
    "shapes",
    "structures",
    "tree_of_network",
]


def tree_of_network(
    network: nn.Module, given: Inputs | None = None, *, groups: bool = False
) -> tuple[LuaModule, Check | None]:
    """Return the Lua module tree of a PyTorch network, and what must agree with it.

    Classes that are known are taken for what they are, where no input is given, which tells more.
    Of others the forward is followed; where that is impossible, a class may still be known by its
    attributes (torchvision's ResNet). What either gives is checked.

    Args:
        network: the network.
        given: an input that it takes, or the shape of one.
        groups: whether cudnn's convolutions are meant, which may have groups.

    Raises:
        ConversionError: listing every module that has no equal in torch/nn.
    """
    network = _unwrapped(network)
    if given is None and not _foreign(network):
        return _direct(network, groups), None
    try:
        tree, trace = tree_of_forward(network, Network(groups=groups), given)
        return tree, Check(trace.inputs, trace.expected)
    except UnfollowedError as error:
        if is_known(network) or builder_of(network) is None:
            kind = f"{type(error.module).__module__}.{type(error.module).__qualname__}"
            reason = f"its forward can't be followed: {error}"
            raise ConversionError([Problem(kind, error.path, reason)]) from error
    return _direct(network, groups), Check()


def _direct(network: nn.Module, groups: bool) -> LuaModule:
    state = Network(groups=groups)
    state.rank = _rank(network)
    tree = finish(build_at(network, Place(state, "")), state)
    _keep_outputs(tree, None)
    return tree


def _rank(network: nn.Module) -> int:
    """Return the dimensions of a sample that the first layer which tells them takes; 0 if none."""
    for module in network.modules():
        if isinstance(module, (nn.Flatten, nn.Embedding)):
            return 0
        for rank, kinds in _TELLING.items():
            if isinstance(module, kinds):
                return rank
    return 0


#: Layers that take samples of one rank only, by that rank.
_TELLING: dict[int, tuple[type[nn.Module], ...]] = {
    1: (nn.Linear,),
    2: (nn.Conv1d, nn.ConvTranspose1d, nn.MaxPool1d, nn.AvgPool1d, nn.AdaptiveAvgPool1d),
    3: (nn.Conv2d, nn.ConvTranspose2d, nn.BatchNorm2d, nn.MaxPool2d, nn.AvgPool2d),
    4: (nn.Conv3d, nn.BatchNorm3d, nn.MaxPool3d, nn.AvgPool3d),
}


def _keep_outputs(module: LuaModule, before: str | None) -> str | None:
    """Let no module write over an output that the one before it reads in its backward pass.

    PyTorch keeps the input of an ELU or a Softplus instead, so that there it does no harm.

    Args:
        module: a module, followed into Sequentials.
        before: the class of the module of which the output goes in.

    Returns:
        The class of the module of which the output comes out.
    """
    if module.typename == "nn.Sequential":
        for child in module.fields["modules"]:
            before = _keep_outputs(child, before)
        return before
    if module.fields.get("inplace") and before in ("nn.ELU", "nn.SoftPlus"):
        module.fields["inplace"] = False
    for _, child in module.children():
        _keep_outputs(child, None)
    return module.typename


def _unwrapped(network: nn.Module) -> nn.Module:
    """Return what a wrapper for several devices, or for compiling, holds."""
    while True:
        if isinstance(network, (nn.DataParallel, nn.parallel.DistributedDataParallel)):
            network = network.module
            continue
        compiled = getattr(network, "_orig_mod", None)
        if not isinstance(compiled, nn.Module):
            return network
        network = compiled


def _foreign(network: nn.Module) -> bool:
    """Tell whether the forward of a class that is neither PyTorch's nor ours has a part."""
    if is_leaf(network):
        return False
    inside = network.children() if is_known(network) else ()
    return not is_known(network) or any(_foreign(module) for module in inside)


@builds(nn.Sequential)
def sequential(module: nn.Sequential, place: Place) -> LuaModule:
    """``nn.Sequential``, a Flatten inside being a View of the rank that stands there."""
    # named_children would leave out a module's second place
    members = [(name, m) for name, m in module._modules.items() if m is not None]
    return place.sequential(*(place.child(m, name) for name, m in members))


@builds(nn.Identity)
def identity(module: nn.Identity, place: Place) -> LuaModule:
    return place.lua("nn.Identity")


@builds(nn.Linear)
def linear(module: nn.Linear, place: Place) -> LuaModule:
    """``nn.Linear``, in a Bottle where a sample has several rows."""
    if place.network.view is not None:
        place.network.view.fields.update(shapes.row_of(module.in_features))
        place.network.view = None
    place.network.rank = place.network.rank or 1
    made = place.lua("nn.Linear", weight=module.weight, bias=module.bias)
    if place.network.rank == 1:
        return made
    place.require(place.network.traced, "nn.Linear takes one row per sample")
    return place.lua("nn.Bottle", modules=[made], nInputDim=2, nOutputDim=2)


@builds(nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)
def batch_norm(module: Any, place: Place) -> LuaModule:
    """Of series, batch normalisation of planes one pixel high."""
    names = {
        nn.BatchNorm1d: "nn.BatchNormalization",
        nn.BatchNorm2d: "nn.SpatialBatchNormalization",
        nn.BatchNorm3d: "nn.VolumetricBatchNormalization",
    }
    place.require(module.running_mean is not None, "it tracks no running statistics")
    place.require(module.momentum is not None, "it averages without a momentum")
    series = isinstance(module, nn.BatchNorm1d) and place.network.rank == 2
    if isinstance(module, nn.BatchNorm1d):
        told = "no layer tells whether a sample is a row or a series: name an input="
        place.require(place.network.rank > 0, told)
        place.require(place.network.rank in (1, 2), "nn.BatchNormalization takes rows")
    else:
        place.network.rank = 3 if isinstance(module, nn.BatchNorm2d) else 4
    made = place.lua(
        "nn.SpatialBatchNormalization" if series else names[type(module)],
        weight=module.weight,
        bias=module.bias,
        running_mean=module.running_mean,
        running_var=module.running_var,
        eps=module.eps,
        momentum=module.momentum,
    )
    return convolution.as_image(place, made) if series else made
