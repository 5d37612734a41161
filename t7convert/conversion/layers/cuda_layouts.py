"""Converters of the CUDA modules of 2012 to 2015."""

from __future__ import annotations

from torch import nn

from t7convert.conversion.layer import Layer
from t7convert.conversion.registry import converts
from t7convert.conversion.view import View
from t7convert.nn.cuda_layouts import (
    LocalResponse,
    PlaneMaxPool,
    PlanesFirst,
    PlanesFirstConv2d,
)
from t7convert.nn.temporal import TemporalConv


@converts("nn.SpatialConvolutionCUDA")
def spatial_convolution_cuda(m: Layer) -> PlanesFirstConv2d:
    total = m.integer("padding")
    conv = PlanesFirstConv2d(
        m.integer("nInputPlane"),
        m.integer("nOutputPlane"),
        m.hw("k"),
        m.hw("d"),
        (total // 2, total - total // 2),
        bias=m.has("bias"),
    )
    m.bind_all(conv, "weight", "bias")
    return conv


@converts("nn.SpatialMaxPoolingCUDA")
def spatial_max_pooling_cuda(m: Layer) -> PlanesFirst:
    return PlanesFirst(nn.MaxPool2d(m.hw("k"), m.hw("d")))


@converts("ccn2.SpatialConvolution")
def ccn2_spatial_convolution(m: Layer) -> PlanesFirstConv2d:
    k, d, p = m.integer("kH"), m.integer("dH"), m.integer("padding")
    conv = PlanesFirstConv2d(
        m.integer("nInputPlane"),
        m.integer("nOutputPlane"),
        (k, k),
        (d, d),
        (p, p),
        groups=m.integer("groups"),
        ceil=True,
        bias=m.has("bias"),
    )
    m.bind("weight", conv, view=View().reshape(*conv.weight.shape))
    m.bind_all(conv, "bias")
    return conv


def _window(m: Layer, kernel: str, stride: str) -> tuple[int, int]:
    """Return the window's size and step; steps beyond the window leave windows without elements."""
    k, d = m.integer(kernel), m.integer(stride)
    if d > k:
        raise m.error(f"its stride {d} exceeds its window {k}")
    return k, d


@converts("ccn2.SpatialMaxPooling")
def ccn2_spatial_max_pooling(m: Layer) -> PlanesFirst:
    return PlanesFirst(nn.MaxPool2d(*_window(m, "kW", "dW"), ceil_mode=True))


@converts("ccn2.SpatialAvgPooling")
def ccn2_spatial_avg_pooling(m: Layer) -> PlanesFirst:
    return PlanesFirst(nn.AvgPool2d(*_window(m, "kW", "dW"), ceil_mode=True))


@converts("ccn2.SpatialCrossMaxPooling")
def ccn2_spatial_cross_max_pooling(m: Layer) -> PlanesFirst:
    return PlanesFirst(PlaneMaxPool(*_window(m, "kD", "dD")))


@converts("ccn2.SpatialCrossResponseNormalization")
def ccn2_spatial_cross_response_normalization(m: Layer) -> PlanesFirst:
    if m.flag("blocked"):
        raise m.error("blocked windows are not supported")
    size = m.integer("size")
    alpha = m.number("addScale") * size  # torch.nn divides it by size again
    norm = nn.LocalResponseNorm(size, alpha, m.number("powScale"), m.number("minDiv"))
    return PlanesFirst(norm)


@converts("ccn2.SpatialResponseNormalization")
def ccn2_spatial_response_normalization(m: Layer) -> PlanesFirst:
    numbers = m.number("addScale"), m.number("powScale"), m.number("minDiv")
    return PlanesFirst(LocalResponse(m.integer("size"), *numbers))


def _facebook(m: Layer, inputs: int, outputs: int) -> nn.Conv2d:
    padding = m.integer("padUp"), m.integer("padLeft")
    conv = nn.Conv2d(inputs, outputs, m.hw("k"), m.hw("d"), padding, bias=m.has("bias"))
    m.bind_all(conv, "weight", "bias")
    return conv


@converts(
    "nn.SpatialConvolutionFFT",
    "nn.SpatialConvolutionCuFFT",
    "nn.SpatialConvolutionFBFFT",
    "nn.SpatialConvolutionFBFFTGemm",
    "nn.SpatialConvolutionFFTTiled",
    "nn.SpatialConvolutionFFTTiledAsync",
    "nn.SpatialConvolutionFFTTiledIterated",
    "nn.SpatialConvolutionFFTTiledSync",
)
def spatial_convolution_fft(m: Layer) -> nn.Conv2d:
    return _facebook(m, m.integer("nInputPlane"), m.integer("nOutputPlane"))


@converts("fbnn.SpatialConvolution")
def fbnn_spatial_convolution(m: Layer) -> nn.Conv2d:
    return _facebook(m, m.integer("inputPlanes"), m.integer("outputPlanes"))


@converts("nn.TemporalConvolutionFB")
def temporal_convolution_fb(m: Layer) -> TemporalConv:
    inputs, outputs = m.integer("inputFrameSize"), m.integer("outputFrameSize")
    conv = TemporalConv(inputs, outputs, m.integer("kW"), m.integer("dW"), bias=m.has("bias"))
    m.bind("weight", conv, view=View().reshape(*conv.weight.shape))
    m.bind_all(conv, "bias")
    return conv
