"""The Lua modules of PyTorch's own layers, where torch/nn has their equal."""

from __future__ import annotations

from typing import Any

from torch import nn

from t7convert.export import torch7_convolution, torch7_shapes, torch7_structures
from t7convert.export.torch7_building import Network, Place, build_at, builds, finish
from t7convert.lua.tree import LuaModule

__all__ = ["torch7_convolution", "torch7_shapes", "torch7_structures", "tree_of_network"]


def tree_of_network(network: nn.Module) -> tuple[LuaModule, bool]:
    """Return the Lua module tree of a PyTorch network, and whether its forward was guessed.

    A class that is known by its attributes alone (torchvision's ResNet) may compute something else
    than what they suggest; the second value says that this needs a check.

    Raises:
        ConversionError: listing every module that has no equal in torch/nn.
    """
    state = Network()
    root = build_at(network, Place(state, ""))
    return finish(root, state), state.foreign


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
    if place.network.view is not None:
        place.network.view.fields.update(torch7_shapes.row_of(module.in_features))
        place.network.view = None
    place.network.rank = place.network.rank or 1
    place.require(place.network.rank == 1, "nn.Linear takes one row per sample")
    return place.lua("nn.Linear", weight=module.weight, bias=module.bias)


@builds(nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)
def batch_norm(module: Any, place: Place) -> LuaModule:
    names = {
        nn.BatchNorm1d: "nn.BatchNormalization",
        nn.BatchNorm2d: "nn.SpatialBatchNormalization",
        nn.BatchNorm3d: "nn.VolumetricBatchNormalization",
    }
    place.require(module.running_mean is not None, "it tracks no running statistics")
    place.require(module.momentum is not None, "it averages without a momentum")
    if isinstance(module, nn.BatchNorm1d):
        place.require(place.network.rank in (0, 1), "nn.BatchNormalization takes rows")
    return place.lua(
        names[type(module)],
        weight=module.weight,
        bias=module.bias,
        running_mean=module.running_mean,
        running_var=module.running_var,
        eps=module.eps,
        momentum=module.momentum,
    )


@builds(nn.ReLU)
def relu(module: nn.ReLU, place: Place) -> LuaModule:
    return place.lua("nn.ReLU", threshold=0, val=0, inplace=module.inplace)


@builds(nn.ReLU6)
def relu6(module: nn.ReLU6, place: Place) -> LuaModule:
    return place.lua("nn.ReLU6", inplace=module.inplace)


@builds(nn.LeakyReLU)
def leaky_relu(module: nn.LeakyReLU, place: Place) -> LuaModule:
    return place.lua("nn.LeakyReLU", negval=module.negative_slope, inplace=module.inplace)


@builds(nn.ELU)
def elu(module: nn.ELU, place: Place) -> LuaModule:
    return place.lua("nn.ELU", alpha=module.alpha, inplace=module.inplace)


@builds(nn.PReLU)
def prelu(module: nn.PReLU, place: Place) -> LuaModule:
    planes = 0 if module.num_parameters == 1 else module.num_parameters
    return place.lua("nn.PReLU", weight=module.weight, nOutputPlane=planes)


@builds(nn.Tanh)
def tanh(module: nn.Tanh, place: Place) -> LuaModule:
    return place.lua("nn.Tanh")


@builds(nn.Sigmoid)
def sigmoid(module: nn.Sigmoid, place: Place) -> LuaModule:
    return place.lua("nn.Sigmoid")


@builds(nn.Softplus)
def softplus(module: nn.Softplus, place: Place) -> LuaModule:
    place.require(module.threshold == 20, "nn.SoftPlus has a threshold of 20")
    return place.lua("nn.SoftPlus", beta=module.beta, threshold=module.threshold)


@builds(nn.Softmax, nn.LogSoftmax)
def softmax(module: Any, place: Place) -> LuaModule:
    """Lua's takes the features of rows and the planes of images, by the input's rank."""
    rank = place.network.rank
    last = module.dim == -1 and rank == 1
    fits = (module.dim == 1 or last) and rank in (0, 1, 3)
    place.require(fits, f"dim={module.dim} is not the one that torch/nn's takes here")
    return place.lua("nn.SoftMax" if isinstance(module, nn.Softmax) else "nn.LogSoftMax")


@builds(nn.Dropout)
def dropout(module: nn.Dropout, place: Place) -> LuaModule:
    return place.lua(
        "nn.Dropout", p=module.p, v2=True, inplace=module.inplace, stochastic_inference=False
    )
