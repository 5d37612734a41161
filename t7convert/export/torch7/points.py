"""The Lua modules of point-wise layers, and of those made of a few of torch/nn's."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from t7convert.export.torch7.building import Place, builds
from t7convert.export.torch7.convolution import as_image
from t7convert.lua.tree import LuaModule

_SELU_ALPHA, _SELU_SCALE = 1.6732632423543772, 1.0507009873554805


def scaled(place: Place, factor: float) -> LuaModule:
    """Return ``nn.MulConstant``."""
    return place.lua("nn.MulConstant", constant_scalar=factor, inplace=False)


def shifted(place: Place, offset: float) -> LuaModule:
    """Return ``nn.AddConstant``."""
    return place.lua("nn.AddConstant", constant_scalar=offset, inplace=False)


def clipped(place: Place, low: float, high: float, *, inplace: bool = False) -> LuaModule:
    """Return ``nn.HardTanh``."""
    return place.lua("nn.HardTanh", min_val=low, max_val=high, inplace=inplace)


def gated(place: Place, gate: LuaModule) -> LuaModule:
    """Return what multiplies its input with the gate's value for it."""
    both = place.lua("nn.ConcatTable", modules=[place.lua("nn.Identity"), gate])
    return place.sequential(both, place.lua("nn.CMulTable"))


@builds(nn.ReLU)
def relu(module: nn.ReLU, place: Place) -> LuaModule:
    return place.lua("nn.ReLU", threshold=0, val=0, inplace=module.inplace)


@builds(nn.ReLU6)
def relu6(module: nn.ReLU6, place: Place) -> LuaModule:
    return place.lua("nn.ReLU6", inplace=module.inplace)


@builds(nn.LeakyReLU)
def leaky_relu(module: nn.LeakyReLU, place: Place) -> LuaModule:
    return place.lua("nn.LeakyReLU", negval=module.negative_slope, inplace=module.inplace)


@builds(nn.RReLU)
def rrelu(module: nn.RReLU, place: Place) -> LuaModule:
    return place.lua("nn.RReLU", lower=module.lower, upper=module.upper, inplace=module.inplace)


@builds(nn.ELU)
def elu(module: nn.ELU, place: Place) -> LuaModule:
    return place.lua("nn.ELU", alpha=module.alpha, inplace=module.inplace)


@builds(nn.SELU)
def selu(module: nn.SELU, place: Place) -> LuaModule:
    """An ELU and a factor, which is what SELU is."""
    curve = place.lua("nn.ELU", alpha=_SELU_ALPHA, inplace=False)
    return place.sequential(curve, scaled(place, _SELU_SCALE))


@builds(nn.PReLU)
def prelu(module: nn.PReLU, place: Place) -> LuaModule:
    return prelu_of(place, module.weight)


def prelu_of(place: Place, weight: Tensor) -> LuaModule:
    """Return ``nn.PReLU``; for series, which it would take for a lone image, as images."""
    planes = 0 if weight.numel() == 1 else weight.numel()
    made = place.lua("nn.PReLU", weight=weight, nOutputPlane=planes)
    return as_image(place, made) if planes and place.network.rank == 2 else made


@builds(nn.Tanh, nn.Sigmoid, nn.LogSigmoid, nn.Softsign, nn.Tanhshrink)
def plain(module: Any, place: Place) -> LuaModule:
    names = {nn.Softsign: "nn.SoftSign", nn.Tanhshrink: "nn.TanhShrink"}
    return place.lua(names.get(type(module), f"nn.{type(module).__name__}"))


@builds(nn.Hardtanh)
def hardtanh(module: nn.Hardtanh, place: Place) -> LuaModule:
    return clipped(place, module.min_val, module.max_val, inplace=module.inplace)


@builds(nn.Threshold)
def threshold(module: nn.Threshold, place: Place) -> LuaModule:
    # THNN's works in place only where it can tell the changed elements by their value
    inplace = module.inplace and module.value <= module.threshold
    return place.lua("nn.Threshold", threshold=module.threshold, val=module.value, inplace=inplace)


@builds(nn.Softshrink, nn.Hardshrink)
def shrinks(module: Any, place: Place) -> LuaModule:
    name = "nn.SoftShrink" if isinstance(module, nn.Softshrink) else "nn.HardShrink"
    return place.lua(name, **{"lambda": module.lambd})


@builds(nn.Softplus)
def softplus(module: nn.Softplus, place: Place) -> LuaModule:
    place.require(module.threshold == 20, "nn.SoftPlus has a threshold of 20")
    return place.lua("nn.SoftPlus", beta=module.beta, threshold=module.threshold)


@builds(nn.SiLU)
def silu(module: nn.SiLU, place: Place) -> LuaModule:
    """The input times its sigmoid."""
    return gated(place, place.lua("nn.Sigmoid"))


@builds(nn.Mish)
def mish(module: nn.Mish, place: Place) -> LuaModule:
    """The input times the hyperbolic tangent of its softplus."""
    soft = place.lua("nn.SoftPlus", beta=1, threshold=20)
    return gated(place, place.sequential(soft, place.lua("nn.Tanh")))


@builds(nn.Hardsigmoid)
def hardsigmoid(module: nn.Hardsigmoid, place: Place) -> LuaModule:
    """``relu6(x + 3) / 6``."""
    parts = (shifted(place, 3), clipped(place, 0, 6), scaled(place, 1 / 6))
    return place.sequential(*parts)


@builds(nn.Hardswish)
def hardswish(module: nn.Hardswish, place: Place) -> LuaModule:
    """``x * relu6(x + 3) / 6``."""
    parts = (shifted(place, 3), clipped(place, 0, 6), scaled(place, 1 / 6))
    return gated(place, place.sequential(*parts))


@builds(nn.Softmax, nn.LogSoftmax, nn.Softmin)
def softmax(module: Any, place: Place) -> LuaModule:
    """Lua's takes the features of rows and the planes of images, by the input's rank."""
    rank = place.network.rank
    place.require(rank > 0, "no layer before it tells the rank of its input")
    last = module.dim == -1 and rank == 1
    fits = (module.dim == 1 or last) and rank in (1, 3)
    place.require(fits, f"dim={module.dim} is not the one that torch/nn's takes here")
    names = {nn.Softmax: "nn.SoftMax", nn.LogSoftmax: "nn.LogSoftMax", nn.Softmin: "nn.SoftMin"}
    return place.lua(names[type(module)])


@builds(nn.Softmax2d)
def softmax2d(module: nn.Softmax2d, place: Place) -> LuaModule:
    return place.lua("nn.SpatialSoftMax")


@builds(nn.Dropout)
def dropout(module: nn.Dropout, place: Place) -> LuaModule:
    return place.lua(
        "nn.Dropout", p=module.p, v2=True, inplace=module.inplace, stochastic_inference=False
    )


@builds(nn.Dropout2d, nn.Dropout3d)
def dropout_of_planes(module: Any, place: Place) -> LuaModule:
    """Lua's multiplies by 1 - p in evaluation, PyTorch's by 1 / (1 - p) in training."""
    spatial = isinstance(module, nn.Dropout2d)
    place.require(place.network.rank in (0, 3 if spatial else 4), "it takes planes of images here")
    place.require(module.p < 1, f"p={module.p}")
    name = "nn.SpatialDropout" if spatial else "nn.VolumetricDropout"
    masked = place.lua(name, p=module.p, stochastic_inference=False)
    return place.sequential(masked, scaled(place, 1 / (1 - module.p)))


@builds(nn.LocalResponseNorm)
def local_response_norm(module: nn.LocalResponseNorm, place: Place) -> LuaModule:
    place.require(module.size % 2 == 1, "nn.SpatialCrossMapLRN takes an odd number of planes")
    place.require(place.network.rank == 3, "nn.SpatialCrossMapLRN takes images")
    sizes = {"size": module.size, "alpha": module.alpha, "beta": module.beta, "k": module.k}
    return place.lua("nn.SpatialCrossMapLRN", **sizes)


@builds(nn.Embedding)
def embedding(module: nn.Embedding, place: Place) -> LuaModule:
    """``LookupTable`` behind an AddConstant, for PyTorch counts from 0."""
    place.require(module.max_norm is None, "max_norm, which Torch7 applies otherwise")
    place.require(not module.scale_grad_by_freq, "scale_grad_by_freq")
    reason = "how many indices a sample has decides about what follows: name an input="
    place.require(place.network.traced, reason)
    padding = 0 if module.padding_idx is None else module.padding_idx + 1
    table = place.lua(
        "nn.LookupTable",
        weight=module.weight,
        paddingValue=padding,
        shouldScaleGradByFreq=False,
    )
    return place.sequential(shifted(place, 1), table)


def power(place: Place, exponent: float) -> LuaModule:
    """Return the module of ``x ** exponent``."""
    if exponent == 2:
        return place.lua("nn.Square")
    return place.lua("nn.Sqrt") if exponent == 0.5 else place.lua("nn.Power", pow=exponent)
