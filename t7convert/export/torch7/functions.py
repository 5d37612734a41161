"""Functions of torch.nn.functional, and methods, as the layers that they are."""

from __future__ import annotations

import operator
from types import SimpleNamespace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, fx, nn

from t7convert.export.torch7.building import BUILDERS, RefusedError
from t7convert.export.torch7.operations import Made, Operation, handles
from t7convert.export.torch7.points import clipped, power, prelu_of, scaled

_LARGEST = 3.4028234663852886e38


def layer(op: Operation, input: fx.Node, module: nn.Module) -> Made:
    """Return what a layer becomes."""
    op.rank(input)
    return [input], BUILDERS[type(module)](module, op.place)


def lua(op: Operation, input: fx.Node, typename: str, **fields: Any) -> Made:
    """Return a Lua module of one input."""
    op.rank(input)
    return [input], op.place.lua(typename, **fields)


@handles(F.relu, torch.relu, torch.relu_, F.relu_, "relu", "relu_")
def relu(op: Operation, input: fx.Node, inplace: bool = False) -> Made:
    return layer(op, input, nn.ReLU())


@handles(F.relu6)
def relu6(op: Operation, input: fx.Node, inplace: bool = False) -> Made:
    return layer(op, input, nn.ReLU6())


@handles(F.leaky_relu, F.leaky_relu_)
def leaky_relu(
    op: Operation, input: fx.Node, negative_slope: float = 0.01, inplace: bool = False
) -> Made:
    return layer(op, input, nn.LeakyReLU(negative_slope))


@handles(F.elu, F.elu_)
def elu(op: Operation, input: fx.Node, alpha: float = 1.0, inplace: bool = False) -> Made:
    return layer(op, input, nn.ELU(alpha))


@handles(F.hardtanh, F.hardtanh_)
def hardtanh(
    op: Operation,
    input: fx.Node,
    min_val: float = -1.0,
    max_val: float = 1.0,
    inplace: bool = False,
) -> Made:
    op.rank(input)
    return [input], clipped(op.place, min_val, max_val)


@handles(F.selu, torch.selu)
def selu(op: Operation, input: fx.Node, inplace: bool = False) -> Made:
    return layer(op, input, nn.SELU())


@handles(F.silu)
def silu(op: Operation, input: fx.Node, inplace: bool = False) -> Made:
    return layer(op, input, nn.SiLU())


@handles(F.mish)
def mish(op: Operation, input: fx.Node, inplace: bool = False) -> Made:
    return layer(op, input, nn.Mish())


@handles(F.hardswish)
def hardswish(op: Operation, input: fx.Node, inplace: bool = False) -> Made:
    return layer(op, input, nn.Hardswish())


@handles(F.hardsigmoid)
def hardsigmoid(op: Operation, input: fx.Node, inplace: bool = False) -> Made:
    return layer(op, input, nn.Hardsigmoid())


@handles(F.softplus)
def softplus(op: Operation, input: fx.Node, beta: float = 1, threshold: float = 20) -> Made:
    return layer(op, input, nn.Softplus(beta, threshold))


@handles(F.prelu, torch.prelu, "prelu")
def prelu(op: Operation, input: fx.Node, weight: Tensor) -> Made:
    _constant(weight, None)
    op.rank(input)
    return [input], prelu_of(op.place, weight)


@handles(torch.tanh, F.tanh, "tanh", "tanh_")
def tanh(op: Operation, input: fx.Node) -> Made:
    return lua(op, input, "nn.Tanh")


@handles(torch.sigmoid, F.sigmoid, "sigmoid", "sigmoid_")
def sigmoid(op: Operation, input: fx.Node) -> Made:
    return lua(op, input, "nn.Sigmoid")


@handles(F.logsigmoid)
def logsigmoid(op: Operation, input: fx.Node) -> Made:
    return lua(op, input, "nn.LogSigmoid")


@handles(F.softsign)
def softsign(op: Operation, input: fx.Node) -> Made:
    return lua(op, input, "nn.SoftSign")


@handles(torch.abs, "abs", abs)
def absolute(op: Operation, input: fx.Node) -> Made:
    return lua(op, input, "nn.Abs")


@handles(torch.exp, "exp")
def exp(op: Operation, input: fx.Node) -> Made:
    return lua(op, input, "nn.Exp")


@handles(torch.log, "log")
def log(op: Operation, input: fx.Node) -> Made:
    return lua(op, input, "nn.Log")


@handles(torch.sqrt, "sqrt")
def sqrt(op: Operation, input: fx.Node) -> Made:
    op.rank(input)
    return [input], power(op.place, 0.5)


@handles(torch.square, "square")
def square(op: Operation, input: fx.Node) -> Made:
    op.rank(input)
    return [input], power(op.place, 2)


@handles(torch.pow, "pow", operator.pow)
def pow_(op: Operation, input: fx.Node, exponent: Any) -> Made:
    if not isinstance(exponent, (int, float)) or not isinstance(input, fx.Node):
        raise RefusedError("nn.Power takes a number for exponent")
    op.rank(input)
    return [input], power(op.place, exponent)


@handles(torch.clamp, "clamp", "clamp_", torch.clip, "clip")
def clamp(op: Operation, input: fx.Node, min: Any = None, max: Any = None) -> Made:
    bounds = (-_LARGEST if min is None else min, _LARGEST if max is None else max)
    if not all(isinstance(bound, (int, float)) for bound in bounds):
        raise RefusedError("nn.Clamp takes numbers for bounds")
    op.rank(input)
    return [input], clipped(op.place, *bounds)


@handles(torch.softmax, F.softmax, "softmax")
def softmax(
    op: Operation, input: fx.Node, dim: Any = None, _stacklevel: int = 3, dtype: Any = None
) -> Made:
    return _softmax(op, input, nn.Softmax, dim)


@handles(torch.log_softmax, F.log_softmax, "log_softmax")
def log_softmax(
    op: Operation, input: fx.Node, dim: Any = None, _stacklevel: int = 3, dtype: Any = None
) -> Made:
    return _softmax(op, input, nn.LogSoftmax, dim)


def _softmax(op: Operation, input: fx.Node, kind: Any, dim: Any) -> Made:
    if dim is None:
        raise RefusedError("no dim says over what it is taken")
    return layer(op, input, kind(dim=op.axis(dim, input)))


@handles(F.dropout, torch.dropout)
def dropout(
    op: Operation, input: fx.Node, p: float = 0.5, training: bool = True, inplace: bool = False
) -> Made:
    """``nn.Dropout`` where it works in training only, stochastic where it always does."""
    op.rank(input)
    always, ever = training, _in_training(op, training)
    if not ever:
        return [input], op.place.lua("nn.Identity")
    fields = {"p": p, "v2": True, "inplace": False, "stochastic_inference": bool(always)}
    return [input], op.place.lua("nn.Dropout", **fields)


@handles(F.dropout2d)
def dropout2d(
    op: Operation, input: fx.Node, p: float = 0.5, training: bool = True, inplace: bool = False
) -> Made:
    if training:
        raise RefusedError("it works in evaluation too")
    if not _in_training(op, training):
        return lua(op, input, "nn.Identity")
    return layer(op, input, nn.Dropout2d(p))


def _in_training(op: Operation, training: bool) -> bool:
    """Tell whether a dropout works in training mode."""
    again = op.trace.training.get(op.node)
    if again is None:
        return True
    found = again.kwargs.get("training", again.args[2] if len(again.args) > 2 else training)
    return bool(found)


@handles(F.linear)
def linear(op: Operation, input: fx.Node, weight: Tensor, bias: Tensor | None = None) -> Made:
    _constant(weight, bias)
    fields = {"weight": weight, "bias": bias, "in_features": weight.shape[1]}
    op.rank(input)
    return [input], BUILDERS[nn.Linear](SimpleNamespace(**fields), op.place)


def _constant(weight: Any, bias: Any) -> None:
    if not isinstance(weight, Tensor) or not (bias is None or isinstance(bias, Tensor)):
        raise RefusedError("its weight is computed in the forward pass")


def _convolution(op: Operation, input: fx.Node, kind: type[nn.Module], **fields: Any) -> Made:
    weight, bias = fields["weight"], fields["bias"]
    _constant(weight, bias)
    groups, (first, second) = fields["groups"], weight.shape[:2]
    turned = kind in (nn.ConvTranspose1d, nn.ConvTranspose2d)
    fields["in_channels"] = first if turned else second * groups
    fields["out_channels"] = second * groups if turned else first
    fields["kernel_size"] = tuple(weight.shape[2:])
    count = weight.dim() - 2
    for name in ("stride", "dilation"):
        value = fields[name]
        fields[name] = (value,) * count if isinstance(value, int) else tuple(value)
    op.rank(input)
    module = SimpleNamespace(padding_mode="zeros", **fields)
    return [input], BUILDERS[kind](module, op.place)


def _plain(kind: type[nn.Module], *targets: Any) -> None:
    @handles(*targets)
    def convolution(
        op: Operation,
        input: fx.Node,
        weight: Tensor,
        bias: Tensor | None = None,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
    ) -> Made:
        fields = {"weight": weight, "bias": bias, "stride": stride, "padding": padding}
        return _convolution(op, input, kind, **fields, dilation=dilation, groups=groups)


def _turned(kind: type[nn.Module], *targets: Any) -> None:
    @handles(*targets)
    def convolution(
        op: Operation,
        input: fx.Node,
        weight: Tensor,
        bias: Tensor | None = None,
        stride: Any = 1,
        padding: Any = 0,
        output_padding: Any = 0,
        groups: int = 1,
        dilation: Any = 1,
    ) -> Made:
        fields = {"weight": weight, "bias": bias, "stride": stride, "padding": padding}
        fields |= {"output_padding": output_padding, "dilation": dilation, "groups": groups}
        return _convolution(op, input, kind, **fields)


_plain(nn.Conv1d, F.conv1d)
_plain(nn.Conv2d, F.conv2d)
_plain(nn.Conv3d, F.conv3d)
_turned(nn.ConvTranspose1d, F.conv_transpose1d)
_turned(nn.ConvTranspose2d, F.conv_transpose2d)


@handles("contiguous", "clone", torch.clone)
def same(op: Operation, input: fx.Node, memory_format: Any = None) -> Made:
    return lua(op, input, "nn.Identity")


@handles("neg", torch.neg)
def negative(op: Operation, input: fx.Node) -> Made:
    op.rank(input)
    return [input], scaled(op.place, -1)
