"""Converters of the spatial convolutions."""

from __future__ import annotations

from torch import nn

from t7convert.conversion.layer import Layer
from t7convert.conversion.registry import converts
from t7convert.conversion.view import View
from t7convert.nn.convolution import DepthWiseConv2d, LocalConv2d


def _convolution(m: Layer, dilation: tuple[int, int] = (1, 1), groups: int = 1) -> nn.Conv2d:
    inputs, outputs, kernel = m.integer("nInputPlane"), m.integer("nOutputPlane"), m.hw("k")
    conv = nn.Conv2d(
        inputs,
        outputs,
        kernel,
        stride=m.hw("d"),
        padding=m.hw("pad"),
        dilation=dilation,
        groups=groups,
        bias=m.has("bias"),
    )
    # SpatialConvolutionMM keeps the weight as a matrix
    m.bind("weight", conv, view=View().reshape(outputs, inputs // groups, *kernel))
    m.bind_all(conv, "bias")
    return conv


@converts("nn.SpatialConvolution", "nn.SpatialConvolutionMM")
def spatial_convolution(m: Layer) -> nn.Conv2d:
    return _convolution(m)


@converts("nn.SpatialDilatedConvolution")
def spatial_dilated_convolution(m: Layer) -> nn.Conv2d:
    return _convolution(m, dilation=m.hw("dilation"))


@converts("cudnn.SpatialConvolution")
def cudnn_spatial_convolution(m: Layer) -> nn.Conv2d:
    return _convolution(m, groups=m.integer("groups"))


@converts("nn.SpatialDepthWiseConvolution")
def spatial_depth_wise_convolution(m: Layer) -> DepthWiseConv2d:
    inputs, outputs, kernel = m.integer("nInputPlane"), m.integer("nOutputPlane"), m.hw("k")
    conv = DepthWiseConv2d(inputs, outputs, kernel, m.hw("d"), m.hw("pad"), bias=m.has("bias"))
    m.bind("weight", conv, view=View().reshape(outputs, inputs, *kernel))
    m.bind_all(conv, "bias")
    return conv


@converts("nn.SpatialConvolutionLocal")
def spatial_convolution_local(m: Layer) -> LocalConv2d:
    conv = LocalConv2d(
        m.integer("nInputPlane"),
        m.integer("nOutputPlane"),
        m.hw("i"),
        m.hw("k"),
        m.hw("d"),
        m.hw("pad"),
    )
    m.bind("weight", conv, view=View().reshape(*conv.weight.shape))
    m.bind("bias", conv)
    return conv
