"""Converters of the linear maps."""

from __future__ import annotations

from torch import nn

import t7convert.nn.linear as ours
from t7convert.conversion.layer import Layer
from t7convert.conversion.registry import converts


@converts("nn.Linear")
def linear(m: Layer) -> nn.Linear:
    outputs, inputs = m.shape("weight")
    module = nn.Linear(inputs, outputs, bias=m.has("bias"))
    m.bind_all(module, "weight", "bias")
    return module


@converts("nn.LinearWeightNorm")
def linear_weight_norm(m: Layer) -> ours.LinearWeightNorm:
    outputs, inputs = m.shape("v")
    module = ours.LinearWeightNorm(inputs, outputs, bias=m.has("bias"), eps=m.number("eps"))
    m.bind_all(module, "v", "g", "bias")
    return module


@converts("nn.Bilinear")
def bilinear(m: Layer) -> ours.Bilinear:
    outputs, first, second = m.shape("weight")
    module = ours.Bilinear(first, second, outputs, bias=m.has("bias"))
    m.bind_all(module, "weight", "bias")
    return module


@converts("nn.PartialLinear")
def partial_linear(m: Layer) -> ours.PartialLinear:
    outputs, inputs = m.shape("weight")
    partition = m.constant("partition").long() - 1
    module = ours.PartialLinear(inputs, outputs, bias=m.has("bias"), partition=partition)
    m.bind_all(module, "weight", "bias")
    return module


@converts("nn.Maxout", "nn.LayerNormalization")
def composition(m: Layer) -> nn.Sequential:
    return nn.Sequential(*m.children())
