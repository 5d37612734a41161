"""Converters of the criterions whose target names classes."""

from __future__ import annotations

import torch

from t7convert.conversion.layer import Layer
from t7convert.conversion.layers.criterion_elementwise import blank
from t7convert.conversion.registry import converts
from t7convert.nn.criterion_classes import (
    ClassNLLCriterion,
    ClassSimplexCriterion,
    CrossEntropyCriterion,
    MultiLabelMarginCriterion,
    MultiMarginCriterion,
    SpatialClassNLLCriterion,
    SpatialCrossEntropyCriterion,
    VolumetricCrossEntropyCriterion,
)


@converts("nn.ClassNLLCriterion")
def class_nll_criterion(m: Layer) -> ClassNLLCriterion:
    module = ClassNLLCriterion(blank(m, "weights"), m.flag("sizeAverage"), m.integer("ignoreIndex"))
    m.bind_all(module, "weights")
    return module


@converts("nn.CrossEntropyCriterion")
def cross_entropy_criterion(m: Layer) -> CrossEntropyCriterion:
    nll = m.child("nll")
    # a sizeAverage changed since the last forward is handed down at the next one
    if isinstance(nll, ClassNLLCriterion) and m.get("sizeAverage") != m.get("oldSizeAverage"):
        nll.size_average = m.flag("sizeAverage")
    return CrossEntropyCriterion(nll)


@converts("nn.SpatialClassNLLCriterion")
def spatial_class_nll_criterion(m: Layer) -> SpatialClassNLLCriterion:
    module = SpatialClassNLLCriterion(blank(m, "weights"), m.flag("sizeAverage"))
    m.bind_all(module, "weights")
    return module


@converts("cudnn.SpatialCrossEntropyCriterion")
def spatial_cross_entropy_criterion(m: Layer) -> SpatialCrossEntropyCriterion:
    nll = m.child("nll")
    if isinstance(nll, SpatialClassNLLCriterion):  # handed down at every forward
        nll.size_average = m.flag("sizeAverage")
    return SpatialCrossEntropyCriterion(nll)


@converts("cudnn.VolumetricCrossEntropyCriterion")
def volumetric_cross_entropy_criterion(m: Layer) -> VolumetricCrossEntropyCriterion:
    return VolumetricCrossEntropyCriterion(m.child("scec"))


@converts("nn.MultiMarginCriterion")
def multi_margin_criterion(m: Layer) -> MultiMarginCriterion:
    module = MultiMarginCriterion(
        m.integer("p"), blank(m, "weights"), m.number("margin"), m.flag("sizeAverage")
    )
    m.bind_all(module, "weights")
    return module


@converts("nn.MultiLabelMarginCriterion")
def multi_label_margin_criterion(m: Layer) -> MultiLabelMarginCriterion:
    return MultiLabelMarginCriterion(m.flag("sizeAverage"))


@converts("nn.ClassSimplexCriterion")
def class_simplex_criterion(m: Layer) -> ClassSimplexCriterion:
    module = ClassSimplexCriterion(torch.empty(m.shape("simplex")), m.flag("sizeAverage"))
    m.bind("simplex", module)
    return module
