"""Converters of the modules that slide over sequences."""

from __future__ import annotations

from t7convert.conversion.layer import Layer
from t7convert.conversion.registry import converts
from t7convert.conversion.view import View
from t7convert.nn.temporal import (
    TemporalConv,
    TemporalKMaxPool,
    TemporalMaxPool,
    TemporalRowConv,
    TemporalSubSample,
)


def _convolution(m: Layer, kernel: int, stride: int, padding: int) -> TemporalConv:
    inputs, outputs = m.integer("inputFrameSize"), m.integer("outputFrameSize")
    conv = TemporalConv(inputs, outputs, kernel, stride, padding, bias=m.has("bias"))
    m.bind(
        "weight", conv, view=View().reshape(outputs, kernel * inputs)
    )  # cudnn's has 4 dimensions
    m.bind_all(conv, "bias")
    return conv


@converts("nn.TemporalConvolution")
def temporal_convolution(m: Layer) -> TemporalConv:
    return _convolution(m, m.integer("kW"), m.integer("dW"), 0)


@converts("cudnn.TemporalConvolution")
def cudnn_temporal_convolution(m: Layer) -> TemporalConv:
    return _convolution(m, m.integer("kH"), m.integer("dH"), m.integer("padH"))


@converts("nn.TemporalRowConvolution")
def temporal_row_convolution(m: Layer) -> TemporalRowConv:
    conv = TemporalRowConv(
        m.integer("inputFrameSize"),
        m.integer("kW"),
        m.integer("dW"),
        features_first=m.flag("featFirst"),
        bias=m.has("bias"),
    )
    m.bind_all(conv, "weight", "bias")
    return conv


@converts("nn.TemporalSubSampling")
def temporal_sub_sampling(m: Layer) -> TemporalSubSample:
    module = TemporalSubSample(m.integer("inputFrameSize"), m.integer("kW"), m.integer("dW"))
    m.bind_all(module, "weight", "bias")
    return module


@converts("nn.TemporalMaxPooling")
def temporal_max_pooling(m: Layer) -> TemporalMaxPool:
    return TemporalMaxPool(m.integer("kW"), m.integer("dW"))


@converts("nn.TemporalDynamicKMaxPooling")
def temporal_dynamic_k_max_pooling(m: Layer) -> TemporalKMaxPool:
    return TemporalKMaxPool(m.integer("minK"), m.number("factor"))
