"""Converters of the learned offsets and factors."""

from __future__ import annotations

import t7convert.nn.scale as ours
from t7convert.conversion.layer import Layer
from t7convert.conversion.registry import converts


@converts("nn.Add")
def add(m: Layer) -> ours.Add:
    module = ours.Add(*m.shape("bias"), scalar=m.flag("scalar"))
    m.bind("bias", module)
    return module


@converts("nn.CAdd")
def c_add(m: Layer) -> ours.CAdd:
    module = ours.CAdd(*m.shape("bias"))
    m.bind("bias", module)
    return module


@converts("nn.Mul")
def mul(m: Layer) -> ours.Mul:
    module = ours.Mul()
    m.bind("weight", module)
    return module


@converts("nn.CMul")
def c_mul(m: Layer) -> ours.CMul:
    module = ours.CMul(*m.shape("weight"))
    m.bind("weight", module)
    return module
