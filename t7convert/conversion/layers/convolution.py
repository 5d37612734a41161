"""Converters of the spatial convolutions."""

from __future__ import annotations

from torch import nn

from t7convert.conversion.layer import Layer
from t7convert.conversion.registry import converts
from t7convert.conversion.view import View


@converts("nn.SpatialConvolution", "nn.SpatialConvolutionMM", "cudnn.SpatialConvolution")
def spatial_convolution(m: Layer) -> nn.Conv2d:
    groups = int(m.get("groups", 1))
    inputs, outputs, kernel = m.integer("nInputPlane"), m.integer("nOutputPlane"), m.hw("k")
    conv = nn.Conv2d(
        inputs,
        outputs,
        kernel,
        stride=m.hw("d"),
        padding=m.hw("pad"),
        groups=groups,
        bias=m.has("bias"),
    )
    # SpatialConvolutionMM, and files of 2013, keep the weight as a matrix
    m.bind("weight", conv, view=View().reshape(outputs, inputs // groups, *kernel))
    if m.has("bias"):
        m.bind("bias", conv)
    return conv
