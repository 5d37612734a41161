"""Converters of dpnn's modules."""

from __future__ import annotations

import torch
from torch import nn

import t7convert.nn.dpnn_modules as modules
import t7convert.nn.dpnn_random as random
from t7convert.conversion.layer import Layer
from t7convert.conversion.layers.decorators import only_child
from t7convert.conversion.registry import converts
from t7convert.conversion.view import View
from t7convert.nn.decorators import Decorator
from t7convert.nn.dpnn_glimpse import SpatialGlimpse


@converts("nn.Inception")
def inception(m: Layer) -> modules.Inception:
    return modules.Inception(only_child(m))


@converts("nn.FireModule", "nn.Serial")
def decorator(m: Layer) -> Decorator:
    return Decorator(only_child(m))


@converts("nn.Clip")
def clip(m: Layer) -> modules.Clip:
    return modules.Clip(m.number("minval"), m.number("maxval"))


@converts("nn.ArgMax")
def arg_max(m: Layer) -> modules.ArgMax:
    return modules.ArgMax(m.integer("dim"), m.integer("nInputDim"), m.flag("asLong"))


@converts("nn.SpatialGlimpse")
def spatial_glimpse(m: Layer) -> SpatialGlimpse:
    pooled = m.module_at("module").typename == "nn.SpatialAveragePooling"
    module: nn.Module | None = None if pooled else m.child()
    size = m.integer("height"), m.integer("width")
    return SpatialGlimpse(size, m.integer("depth"), m.number("scale"), module)


@converts("nn.SpatialUniformCrop")
def spatial_uniform_crop(m: Layer) -> random.SpatialUniformCrop:
    size = m.integer("oheight"), m.integer("owidth")
    limits = m.get("scale")
    if limits is None:
        return random.SpatialUniformCrop(size)
    if isinstance(limits, list):
        limits = {"min": limits[0], "max": limits[1]}
    scale = float(limits["min"]), float(limits["max"])
    return random.SpatialUniformCrop(size, scale, m.child("scaler"))


@converts("nn.SpatialFeatNormalization")
def spatial_feat_normalization(m: Layer) -> modules.SpatialFeatNormalization:
    module = modules.SpatialFeatNormalization(
        torch.empty(m.shape("mean")), torch.empty(m.shape("std"))
    )
    m.bind("mean", module)
    m.bind("std", module)
    return module


@converts("nn.SpatialBinaryConvolution")
def spatial_binary_convolution(m: Layer) -> modules.SpatialBinaryConvolution:
    if m.has("bias"):
        raise m.error("it has a bias, which the class doesn't know")
    inputs, outputs, kernel = m.integer("nInputPlane"), m.integer("nOutputPlane"), m.hw("k")
    module = modules.SpatialBinaryConvolution(inputs, outputs, kernel, m.hw("d"), m.hw("pad"))
    m.bind("weight", module, view=View().reshape(outputs, inputs, *kernel))
    return module


@converts("nn.TotalDropout")
def total_dropout(m: Layer) -> random.TotalDropout:
    return random.TotalDropout(m.number("p"))


@converts("nn.SpatialRegionDropout")
def spatial_region_dropout(m: Layer) -> random.SpatialRegionDropout:
    return random.SpatialRegionDropout(m.number("p"))


@converts("nn.SimpleColorTransform")
def simple_color_transform(m: Layer) -> random.SimpleColorTransform:
    module = random.SimpleColorTransform(torch.empty(m.shape("range")))
    m.bind("range", module)
    return module


@converts("nn.PCAColorTransform")
def pca_color_transform(m: Layer) -> random.PCAColorTransform:
    vectors, values = torch.empty(m.shape("eigenVectors")), torch.empty(m.shape("eigenValues"))
    module = random.PCAColorTransform(vectors, values, m.number("std"))
    m.bind("eigenVectors", module)
    m.bind("eigenValues", module)
    return module


@converts("nn.ReverseTable")
def reverse_table(m: Layer) -> modules.ReverseTable:
    return modules.ReverseTable()


@converts("nn.CategoricalEntropy")
def categorical_entropy(m: Layer) -> modules.CategoricalEntropy:
    limit = None if m.get("minEntropy") is None else m.number("minEntropy")
    return modules.CategoricalEntropy(m.number("scale"), limit, m.flag("sizeAverage"))
