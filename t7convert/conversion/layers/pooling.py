"""Converters of the spatial poolings with windows of a fixed size."""

from __future__ import annotations

from torch import nn

from t7convert.conversion.layer import Layer
from t7convert.conversion.layers._pooling import agrees
from t7convert.conversion.registry import converts
from t7convert.nn.pooling import AvgPool, MaxPool


def _max_pool(m: Layer, dilation: tuple[int, int], *, clip: bool) -> nn.MaxPool2d | MaxPool:
    kernel, stride, pad, ceil = m.hw("k"), m.hw("d"), m.hw("pad"), m.flag("ceil_mode")
    plain = agrees(kernel, stride, pad, dilation, ceil=ceil, clip=clip)
    if plain and not m.recorded:
        return nn.MaxPool2d(kernel, stride, pad, dilation, ceil_mode=ceil)
    return MaxPool(kernel, stride, pad, dilation, ceil_mode=ceil, clip=clip, record=m.recorded)


@converts("nn.SpatialMaxPooling")
def spatial_max_pooling(m: Layer) -> nn.MaxPool2d | MaxPool:
    return _max_pool(m, (1, 1), clip=True)


@converts("nn.SpatialDilatedMaxPooling")
def spatial_dilated_max_pooling(m: Layer) -> nn.MaxPool2d | MaxPool:
    return _max_pool(m, m.hw("dilation"), clip=True)


@converts("cudnn.SpatialMaxPooling")
def cudnn_spatial_max_pooling(m: Layer) -> nn.MaxPool2d | MaxPool:
    return _max_pool(m, (1, 1), clip=False)


@converts("nn.SpatialAveragePooling")
def spatial_average_pooling(m: Layer) -> nn.AvgPool2d | AvgPool:
    kernel, stride, pad, ceil = m.hw("k"), m.hw("d"), m.hw("pad"), m.flag("ceil_mode")
    include, divide = m.flag("count_include_pad"), m.flag("divide")
    if divide and agrees(kernel, stride, pad, ceil=ceil):
        return nn.AvgPool2d(kernel, stride, pad, ceil_mode=ceil, count_include_pad=include)
    return AvgPool(kernel, stride, pad, ceil_mode=ceil, count_include_pad=include, divide=divide)


@converts("cudnn.SpatialAveragePooling")
def cudnn_spatial_average_pooling(m: Layer) -> nn.AvgPool2d | AvgPool:
    if not (m.flag("divide") and m.flag("count_include_pad")):
        # its updateOutput fails or sets the field to true: such a file comes from nn
        return spatial_average_pooling(m)
    kernel, stride, pad, ceil = m.hw("k"), m.hw("d"), m.hw("pad"), m.flag("ceil_mode")
    if not ceil and agrees(kernel, stride, pad, ceil=False, clip=False):
        return nn.AvgPool2d(kernel, stride, pad)
    return AvgPool(kernel, stride, pad, ceil_mode=ceil, whole=True)
