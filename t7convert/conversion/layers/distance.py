"""Converters of the modules that measure: norms, distances, products of two vectors."""

from __future__ import annotations

import t7convert.nn.distance as pairs
from t7convert.conversion.layer import Layer
from t7convert.conversion.registry import converts
from t7convert.nn import templates


@converts("nn.Normalize")
def normalize(m: Layer) -> pairs.Normalize:
    return pairs.Normalize(m.number("p"), m.number("eps"))


@converts("nn.PairwiseDistance")
def pairwise_distance(m: Layer) -> pairs.PairwiseDistance:
    return pairs.PairwiseDistance(m.number("norm"))


@converts("nn.CosineDistance")
def cosine_distance(m: Layer) -> pairs.CosineDistance:
    return pairs.CosineDistance()


@converts("nn.DotProduct")
def dot_product(m: Layer) -> pairs.DotProduct:
    return pairs.DotProduct()


@converts("nn.Euclidean")
def euclidean(m: Layer) -> templates.Euclidean:
    module = templates.Euclidean(*m.shape("weight"))
    m.bind("weight", module)
    return module


@converts("nn.WeightedEuclidean")
def weighted_euclidean(m: Layer) -> templates.WeightedEuclidean:
    module = templates.WeightedEuclidean(*m.shape("weight"))
    m.bind("weight", module)
    m.bind("diagCov", module)
    return module


@converts("nn.Cosine")
def cosine(m: Layer) -> templates.Cosine:
    outputs, inputs = m.shape("weight")
    module = templates.Cosine(inputs, outputs)
    m.bind("weight", module)
    return module


@converts("nn.Kmeans")
def kmeans(m: Layer) -> templates.Kmeans:
    step = 1.0 if m.get("scale") is None else m.number("scale")
    module = templates.Kmeans(m.integer("k"), m.integer("dim"), step)
    m.bind("weight", module)
    return module
