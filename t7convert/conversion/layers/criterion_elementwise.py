"""Converters of the criterions that compare element by element, and of those of pairs."""

from __future__ import annotations

import torch

from t7convert.conversion.layer import Layer
from t7convert.conversion.registry import converts
from t7convert.nn.criterion_elementwise import (
    AbsCriterion,
    BCECriterion,
    DistKLDivCriterion,
    L1Cost,
    MarginCriterion,
    MSECriterion,
    MultiLabelSoftMarginCriterion,
    SmoothL1Criterion,
    SoftMarginCriterion,
    SpatialAutoCropMSECriterion,
    WeightedMSECriterion,
)
from t7convert.nn.criterion_pairs import (
    CosineEmbeddingCriterion,
    DistanceRatioCriterion,
    HingeEmbeddingCriterion,
    L1HingeEmbeddingCriterion,
    MarginRankingCriterion,
)


def blank(m: Layer, field: str) -> torch.Tensor | None:
    """Return an empty tensor of the field's shape, to be bound; None where the file has none."""
    return torch.empty(m.shape(field)) if m.has(field) else None


@converts("nn.AbsCriterion")
def abs_criterion(m: Layer) -> AbsCriterion:
    return AbsCriterion(m.flag("sizeAverage"))


@converts("nn.MSECriterion")
def mse_criterion(m: Layer) -> MSECriterion:
    return MSECriterion(m.flag("sizeAverage"))


@converts("nn.SmoothL1Criterion")
def smooth_l1_criterion(m: Layer) -> SmoothL1Criterion:
    return SmoothL1Criterion(m.flag("sizeAverage"))


@converts("nn.SoftMarginCriterion")
def soft_margin_criterion(m: Layer) -> SoftMarginCriterion:
    return SoftMarginCriterion(m.flag("sizeAverage"))


@converts("nn.DistKLDivCriterion")
def dist_kl_div_criterion(m: Layer) -> DistKLDivCriterion:
    return DistKLDivCriterion(m.flag("sizeAverage"))


@converts("nn.SpatialAutoCropMSECriterion")
def spatial_auto_crop_mse_criterion(m: Layer) -> SpatialAutoCropMSECriterion:
    return SpatialAutoCropMSECriterion(m.flag("sizeAverage"))


@converts("nn.BCECriterion")
def bce_criterion(m: Layer) -> BCECriterion:
    module = BCECriterion(blank(m, "weights"), m.flag("sizeAverage"))
    m.bind_all(module, "weights")
    return module


@converts("nn.MultiLabelSoftMarginCriterion")
def multi_label_soft_margin_criterion(m: Layer) -> MultiLabelSoftMarginCriterion:
    module = MultiLabelSoftMarginCriterion(blank(m, "weights"), m.flag("sizeAverage"))
    m.bind_all(module, "weights")
    return module


@converts("nn.WeightedMSECriterion")
def weighted_mse_criterion(m: Layer) -> WeightedMSECriterion:
    module = WeightedMSECriterion(torch.empty(m.shape("weight")), m.flag("sizeAverage"))
    m.bind("weight", module)
    return module


@converts("nn.L1Cost")
def l1_cost(m: Layer) -> L1Cost:
    return L1Cost()


@converts("nn.MarginCriterion")
def margin_criterion(m: Layer) -> MarginCriterion:
    return MarginCriterion(m.number("margin"), m.flag("sizeAverage"))


@converts("nn.HingeEmbeddingCriterion")
def hinge_embedding_criterion(m: Layer) -> HingeEmbeddingCriterion:
    return HingeEmbeddingCriterion(m.number("margin"), m.flag("sizeAverage"))


@converts("nn.L1HingeEmbeddingCriterion")
def l1_hinge_embedding_criterion(m: Layer) -> L1HingeEmbeddingCriterion:
    return L1HingeEmbeddingCriterion(m.number("margin"))


@converts("nn.CosineEmbeddingCriterion")
def cosine_embedding_criterion(m: Layer) -> CosineEmbeddingCriterion:
    return CosineEmbeddingCriterion(m.number("margin"), m.flag("sizeAverage"))


@converts("nn.MarginRankingCriterion")
def margin_ranking_criterion(m: Layer) -> MarginRankingCriterion:
    return MarginRankingCriterion(m.number("margin"), m.flag("sizeAverage"))


@converts("nn.DistanceRatioCriterion")
def distance_ratio_criterion(m: Layer) -> DistanceRatioCriterion:
    return DistanceRatioCriterion(m.flag("sizeAverage"))
