"""Converters of the linear maps."""

from __future__ import annotations

from torch import nn

from t7convert.conversion.layer import Layer
from t7convert.conversion.registry import converts


@converts("nn.Linear")
def linear(m: Layer) -> nn.Linear:
    outputs, inputs = m.shape("weight")
    module = nn.Linear(inputs, outputs, bias=m.has("bias"))
    m.bind("weight", module)
    if m.has("bias"):
        m.bind("bias", module)
    return module
