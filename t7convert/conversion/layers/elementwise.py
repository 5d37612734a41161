"""Converters of the element-wise functions."""

from __future__ import annotations

from torch import nn

import t7convert.nn.elementwise as ours
from t7convert.conversion.layer import Layer
from t7convert.conversion.layers.select import position
from t7convert.conversion.registry import converts
from t7convert.format.objects import LuaTensor


@converts("nn.Abs")
def absolute(m: Layer) -> ours.Abs:
    return ours.Abs()


@converts("nn.AddConstant")
def add_constant(m: Layer) -> ours.AddConstant:
    if isinstance(m.require("constant_scalar"), LuaTensor):
        return ours.AddConstant(m.constant("constant_scalar"), m.inplace)
    return ours.AddConstant(m.number("constant_scalar"), m.inplace)


@converts("nn.MulConstant")
def mul_constant(m: Layer) -> ours.MulConstant:
    return ours.MulConstant(m.number("constant_scalar"), m.inplace)


@converts("nn.HardTanh", "nn.Clamp")
def hard_tanh(m: Layer) -> nn.Hardtanh:
    return nn.Hardtanh(m.number("min_val"), m.number("max_val"), inplace=m.inplace)


@converts("nn.ELU")
def elu(m: Layer) -> ours.ELU:
    return ours.ELU(m.number("alpha"), inplace=m.inplace)


@converts("nn.Exp")
def exp(m: Layer) -> ours.Exp:
    return ours.Exp()


@converts("nn.HardShrink")
def hard_shrink(m: Layer) -> nn.Hardshrink:
    return nn.Hardshrink(m.number("lambda"))


@converts("nn.SoftShrink")
def soft_shrink(m: Layer) -> nn.Softshrink:
    width = m.number("lambda")
    if width < 0:
        raise m.error(f"lambda is {width:g}, expected 0 or more")
    return nn.Softshrink(width)


@converts("nn.LeakyReLU")
def leaky_relu(m: Layer) -> nn.LeakyReLU:
    return nn.LeakyReLU(m.number("negval"), inplace=m.inplace)


@converts("nn.Log")
def log(m: Layer) -> ours.Log:
    return ours.Log()


@converts("nn.LogSigmoid")
def log_sigmoid(m: Layer) -> nn.LogSigmoid:
    return nn.LogSigmoid()


@converts("nn.Power")
def power(m: Layer) -> ours.Power:
    return ours.Power(m.number("pow"))


@converts("nn.PReLU")
def prelu(m: Layer) -> ours.PReLU:
    module = ours.PReLU(m.integer("nOutputPlane") or 1)
    m.bind("weight", module)
    return module


@converts("nn.RReLU")
def rrelu(m: Layer) -> nn.RReLU:
    return nn.RReLU(m.number("lower"), m.number("upper"), inplace=m.inplace)


@converts("nn.ReLU")
def relu(m: Layer) -> nn.Module:
    return threshold(m) if m.number("threshold") or m.number("val") else cudnn_relu(m)


@converts("cudnn.ReLU")
def cudnn_relu(m: Layer) -> nn.Module:
    if m.reuses and not m.inplace:
        return nn.Threshold(0.0, 0.0)  # its backward reads the input, as Lua's does
    return nn.ReLU(inplace=m.inplace)


@converts("nn.ReLU6")
def relu6(m: Layer) -> nn.ReLU6:
    return nn.ReLU6(inplace=m.inplace)


@converts("cudnn.ClippedReLU")
def clipped_relu(m: Layer) -> nn.Hardtanh:
    return nn.Hardtanh(0.0, m.number("ceiling"), inplace=m.inplace)


@converts("nn.Sigmoid", "cudnn.Sigmoid")
def sigmoid(m: Layer) -> nn.Module:
    return ours.SigmoidInplace() if m.inplace else nn.Sigmoid()


@converts("nn.SoftPlus")
def soft_plus(m: Layer) -> ours.SoftPlus:
    return ours.SoftPlus(m.number("beta"), m.number("threshold"))


@converts("nn.SoftSign")
def soft_sign(m: Layer) -> nn.Softsign:
    return nn.Softsign()


@converts("nn.Sqrt")
def sqrt(m: Layer) -> ours.Sqrt:
    return ours.Sqrt()


@converts("nn.Square")
def square(m: Layer) -> ours.Square:
    return ours.Square()


@converts("nn.Tanh", "cudnn.Tanh")
def tanh(m: Layer) -> nn.Module:
    return ours.TanhInplace() if m.inplace else nn.Tanh()


@converts("nn.TanhShrink")
def tanh_shrink(m: Layer) -> nn.Tanhshrink:
    return nn.Tanhshrink()


@converts("nn.Threshold")
def threshold(m: Layer) -> nn.Threshold:
    return nn.Threshold(m.number("threshold"), m.number("val"), inplace=m.inplace)


@converts("nn.CReLU")
def crelu(m: Layer) -> ours.CReLU:
    return ours.CReLU(*m.children(), num_input_dims=m.integer("nInputDims"))


@converts("nn.GatedLinearUnit")
def gated_linear_unit(m: Layer) -> nn.GLU:
    return nn.GLU(-1 if m.get("dim") is None else position(m, "dim", backwards=False))
