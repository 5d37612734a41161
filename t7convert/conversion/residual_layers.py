"""Single layers of a residual network: their geometry, beside the definition's, and tensors."""

from __future__ import annotations

from functools import singledispatch

from torch import nn

from t7convert.conversion.layer import Layer
from t7convert.conversion.layers.normalization import bind_statistics
from t7convert.conversion.residual_graph import place
from t7convert.conversion.view import View
from t7convert.errors import ArchitectureError
from t7convert.residual.shortcuts import PadShortcut


def dropout_rate(layer: Layer) -> float:
    """Return p of a dropout that does nothing in evaluation mode, and of no other."""
    if not layer.flag("v2") or layer.flag("stochastic_inference"):
        raise ArchitectureError(f"{place(layer)} is a dropout that acts in evaluation mode")
    return layer.number("p")


def pool_side(layer: Layer) -> int:
    """Return the side of the square average pooling before the view."""
    height, width = layer.hw("k")
    _expect(layer, "height", height, width)
    return width


def require_view(layer: Layer, features: int) -> None:
    """Require ``View(features):setNumInputDims(3)``."""
    _expect(layer, "sizes", layer.integers("size"), [features])
    _expect(layer, "input dimensions", layer.get("numInputDims"), 3)


@singledispatch
def bind_layer(module: nn.Module, layer: Layer) -> None:
    """Require ``module``'s geometry of a Lua layer, and bind its tensors to ``module``.

    Raises:
        ArchitectureError: if the geometry differs.
        ConversionError: if a field is missing, or a tensor's shape differs.
    """
    raise ArchitectureError(f"{place(layer)} ({layer.typename}) stands where {module} is expected")


@bind_layer.register
def _convolution(module: nn.Conv2d, layer: Layer) -> None:
    planes = (layer.integer("nInputPlane"), layer.integer("nOutputPlane"))
    _expect(layer, "planes", planes, (module.in_channels, module.out_channels))
    _expect(layer, "kernel", layer.hw("k"), module.kernel_size)
    _expect(layer, "stride", layer.hw("d"), module.stride)
    _expect(layer, "padding", layer.hw("pad"), module.padding)
    _expect(layer, "groups", layer.get("groups", 1), 1)
    _expect(layer, "bias", layer.has("bias"), False)
    shape = tuple(module.weight.shape)
    view = None if layer.shape("weight") == shape else View().reshape(*shape)
    layer.bind("weight", module, view=view)


@bind_layer.register
def _norm(module: nn.BatchNorm2d, layer: Layer) -> None:
    layer.bind("weight", module)
    layer.bind("bias", module)
    bind_statistics(layer, module, layer.number("eps"))


@bind_layer.register
def _linear(module: nn.Linear, layer: Layer) -> None:
    layer.bind("weight", module)
    layer.bind("bias", module)


@bind_layer.register
def _max_pooling(module: nn.MaxPool2d, layer: Layer) -> None:
    _expect(layer, "kernel", layer.hw("k"), _pair(module.kernel_size))
    _expect(layer, "stride", layer.hw("d"), _pair(module.stride))
    _expect(layer, "padding", layer.hw("pad"), _pair(module.padding))
    _expect(layer, "ceil mode", layer.flag("ceil_mode"), False)


@bind_layer.register
def _average_pooling(module: nn.AvgPool2d, layer: Layer) -> None:
    _expect(layer, "kernel", layer.hw("k"), _pair(module.kernel_size))
    _expect(layer, "stride", layer.hw("d"), _pair(module.stride))
    _expect(layer, "padding", layer.hw("pad"), _pair(module.padding))
    _expect(layer, "division", layer.flag("divide"), True)
    if _pair(module.stride) != (1, 1):  # with stride 1, rounding up changes nothing
        _expect(layer, "ceil mode", layer.flag("ceil_mode"), False)


@bind_layer.register
def _padding(module: PadShortcut, layer: Layer) -> None:
    # Concat(2) of Identity and MulConstant(0); the pooling before it is a layer of its own.
    children = [child for _, child in layer.module.children()]
    names = [child.typename for child in children]
    _expect(layer, "dimension", layer.integer("dimension"), 2)
    _expect(layer, "branches", names, ["nn.Identity", "nn.MulConstant"])
    _expect(layer, "factor", children[1].fields.get("constant_scalar"), 0)
    _expect(layer, "factor in place", bool(children[1].fields.get("inplace")), False)


@bind_layer.register
def _dropout(module: nn.Dropout, layer: Layer) -> None:
    _expect(layer, "rate", dropout_rate(layer), module.p)


@bind_layer.register
def _relu(module: nn.ReLU, layer: Layer) -> None:
    _expect(layer, "threshold", (layer.get("threshold", 0), layer.get("val", 0)), (0, 0))


def _pair(value: int | tuple[int, ...]) -> tuple[int, ...]:
    return (value, value) if isinstance(value, int) else value


def _expect(layer: Layer, what: str, found: object, expected: object) -> None:
    if found != expected:
        raise ArchitectureError(
            f"{place(layer)} ({layer.typename}) has {what} {found}, expected {expected}"
        )
