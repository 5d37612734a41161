"""Converters of the element-wise functions."""

from __future__ import annotations

from torch import nn

from t7convert.conversion.layer import Layer
from t7convert.conversion.registry import converts


@converts("nn.ReLU", "cudnn.ReLU")
def relu(m: Layer) -> nn.ReLU:
    return nn.ReLU(inplace=m.inplace)


@converts("nn.Tanh")
def tanh(m: Layer) -> nn.Tanh:
    return nn.Tanh()


@converts("nn.Sigmoid")
def sigmoid(m: Layer) -> nn.Sigmoid:
    return nn.Sigmoid()
