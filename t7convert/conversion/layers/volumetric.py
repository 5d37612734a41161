"""Converters of the convolutions and poolings of volumes."""

from __future__ import annotations

from torch import nn

from t7convert.conversion.layer import Layer
from t7convert.conversion.layers._pooling import agrees
from t7convert.conversion.registry import converts
from t7convert.conversion.view import View
from t7convert.nn.convolution_full import ConvTranspose3d
from t7convert.nn.pooling import AvgPool, MaxPool

Size = tuple[int, int, int]


def _convolution(m: Layer, dilation: Size) -> nn.Conv3d:
    inputs, outputs, kernel = m.integer("nInputPlane"), m.integer("nOutputPlane"), m.thw("k")
    conv = nn.Conv3d(
        inputs,
        outputs,
        kernel,
        stride=m.thw("d"),
        padding=m.thw("pad"),
        dilation=dilation,
        bias=m.has("bias"),
    )
    m.bind("weight", conv, view=View().reshape(outputs, inputs, *kernel))
    m.bind_all(conv, "bias")
    return conv


@converts("nn.VolumetricConvolution", "cudnn.VolumetricConvolution")
def volumetric_convolution(m: Layer) -> nn.Conv3d:
    return _convolution(m, (1, 1, 1))


@converts("nn.VolumetricDilatedConvolution")
def volumetric_dilated_convolution(m: Layer) -> nn.Conv3d:
    return _convolution(m, m.thw("dilation"))


@converts("nn.VolumetricFullConvolution", "cudnn.VolumetricFullConvolution")
def volumetric_full_convolution(m: Layer) -> ConvTranspose3d:
    planes, kernel = (m.integer("nInputPlane"), m.integer("nOutputPlane")), m.thw("k")
    conv = ConvTranspose3d(
        *planes,
        kernel,
        stride=m.thw("d"),
        padding=m.thw("pad"),
        output_padding=m.thw("adj"),
        bias=m.has("bias"),
    )
    m.bind("weight", conv, view=View().transpose(0, 1) if m.flag("transposed") else View())
    m.bind_all(conv, "bias")
    return conv


def _max_pool(m: Layer, dilation: Size, *, clip: bool) -> nn.MaxPool3d | MaxPool:
    kernel, stride, pad, ceil = m.thw("k"), m.thw("d"), m.thw("pad"), m.flag("ceil_mode")
    if agrees(kernel, stride, pad, dilation, ceil=ceil, clip=clip) and not m.recorded:
        return nn.MaxPool3d(kernel, stride, pad, dilation, ceil_mode=ceil)
    return MaxPool(kernel, stride, pad, dilation, ceil_mode=ceil, clip=clip, record=m.recorded)


@converts("nn.VolumetricMaxPooling")
def volumetric_max_pooling(m: Layer) -> nn.MaxPool3d | MaxPool:
    return _max_pool(m, (1, 1, 1), clip=True)


@converts("nn.VolumetricDilatedMaxPooling")
def volumetric_dilated_max_pooling(m: Layer) -> nn.MaxPool3d | MaxPool:
    dilation = m.thw("dilation")
    if any(p > 1 and d > 1 for p, d in zip(m.thw("pad"), dilation, strict=True)):
        raise m.error("dilated and padded by 2 or more: Torch7's CPU and CUDA code disagree")
    return _max_pool(m, dilation, clip=True)


@converts("cudnn.VolumetricMaxPooling")
def cudnn_volumetric_max_pooling(m: Layer) -> nn.MaxPool3d | MaxPool:
    return _max_pool(m, (1, 1, 1), clip=False)


@converts("nn.VolumetricAveragePooling")
def volumetric_average_pooling(m: Layer) -> nn.AvgPool3d:
    return nn.AvgPool3d(m.thw("k"), stride=m.thw("d"))


@converts("cudnn.VolumetricAveragePooling")
def cudnn_volumetric_average_pooling(m: Layer) -> nn.AvgPool3d | AvgPool:
    kernel, stride, pad, ceil = m.thw("k"), m.thw("d"), m.thw("pad"), m.flag("ceil_mode")
    if not ceil and agrees(kernel, stride, pad, ceil=False, clip=False):
        return nn.AvgPool3d(kernel, stride, pad)
    return AvgPool(kernel, stride, pad, ceil_mode=ceil, whole=True)
