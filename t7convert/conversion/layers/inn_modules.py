"""Converters of imagine-nn (inn)."""

from __future__ import annotations

import torch
from torch import nn

import t7convert.nn.inn_modules as ours
from t7convert.conversion.layer import Layer
from t7convert.conversion.layers import pooling
from t7convert.conversion.registry import converts
from t7convert.nn.lrn import CrossMapLRN
from t7convert.nn.pooling import AvgPool, MaxPool


@converts("inn.ConstAffine")
def const_affine(m: Layer) -> ours.ConstAffine:
    module = ours.ConstAffine(m.tensor("a").numel())
    m.bind("a", module)
    m.bind("b", module)
    return module


@converts("inn.MeanSubtraction")
def mean_subtraction(m: Layer) -> ours.MeanSubtraction:
    module = ours.MeanSubtraction(torch.empty(m.shape("mean")))
    m.bind("mean", module)
    return module


@converts("inn.SpatialSameResponseNormalization")
def same_response_normalization(m: Layer) -> nn.Sequential:
    if not m.children():
        raise m.error("it holds no modules: a form older than the package's Lua code")
    return nn.Sequential(*m.children())


@converts("inn.SpatialCrossResponseNormalization")
def cross_response_normalization(m: Layer) -> CrossMapLRN:
    return CrossMapLRN(m.integer("size"), m.number("alpha"), m.number("beta"), m.number("k"))


@converts("inn.SpatialPyramidPooling")
def spatial_pyramid_pooling(m: Layer) -> ours.SpatialPyramidPooling:
    if not m.children():
        raise m.error("it holds no modules: a form older than the package's Lua code")
    return ours.SpatialPyramidPooling(*m.children())


@converts("inn.SpatialMaxPooling")
def spatial_max_pooling(m: Layer) -> nn.MaxPool2d | MaxPool:
    return pooling.spatial_max_pooling(m)


@converts("inn.SpatialAveragePooling")
def spatial_average_pooling(m: Layer) -> nn.AvgPool2d | AvgPool:
    return pooling.spatial_average_pooling(m)
