"""Converters of dpnn's sampling modules and of its criterions."""

from __future__ import annotations

import torch

import t7convert.nn.dpnn_nce as nce
import t7convert.nn.dpnn_reinforce as reinforce
from t7convert.conversion.layer import Layer
from t7convert.conversion.registry import converts
from t7convert.format.objects import LuaTensor


@converts("nn.NCEModule")
def nce_module(m: Layer) -> nce.NCEModule:
    names = ("weight", "bias", "unigrams", "Z")
    weight, bias, unigrams, normalizer = (torch.empty(m.shape(name)) for name in names)
    module = nce.NCEModule(
        weight,
        bias,
        unigrams,
        normalizer,
        samples=m.integer("k"),
        batch_noise=m.flag("batchnoise"),
        normalized=m.flag("normalized"),
        log_softmax=m.flag("logsoftmax"),
    )
    for name in names:
        m.bind(name, module)
    return module


def _spread(m: Layer, name: str) -> torch.Tensor | float | None:
    """Return a field that is a number, a tensor, or absent."""
    if m.get(name) is None:
        return None
    return m.constant(name) if isinstance(m.get(name), LuaTensor) else m.number(name)


@converts("nn.ReinforceNormal")
def reinforce_normal(m: Layer) -> reinforce.ReinforceNormal:
    return reinforce.ReinforceNormal(_spread(m, "stdev"), m.flag("stochastic"))


@converts("nn.ReinforceGamma")
def reinforce_gamma(m: Layer) -> reinforce.ReinforceGamma:
    return reinforce.ReinforceGamma(_spread(m, "scale"), m.flag("stochastic"))


@converts("nn.ReinforceBernoulli")
def reinforce_bernoulli(m: Layer) -> reinforce.ReinforceBernoulli:
    return reinforce.ReinforceBernoulli(m.flag("stochastic"))


@converts("nn.ReinforceCategorical")
def reinforce_categorical(m: Layer) -> reinforce.ReinforceCategorical:
    return reinforce.ReinforceCategorical(m.flag("stochastic"))


def _reward(m: Layer, kind: type[reinforce.Reward]) -> reinforce.Reward:
    return kind(m.child(), m.child("criterion"), m.number("scale"), m.flag("sizeAverage"))


@converts("nn.VRClassReward")
def vr_class_reward(m: Layer) -> reinforce.Reward:
    return _reward(m, reinforce.VRClassReward)


@converts("nn.BinaryClassReward")
def binary_class_reward(m: Layer) -> reinforce.Reward:
    return _reward(m, reinforce.BinaryClassReward)


@converts("nn.NCECriterion")
def nce_criterion(m: Layer) -> nce.NCECriterion:
    return nce.NCECriterion(m.flag("sizeAverage"))


@converts("nn.BinaryLogisticRegression")
def binary_logistic_regression(m: Layer) -> nce.BinaryLogisticRegression:
    return nce.BinaryLogisticRegression(m.flag("sizeAverage"))


@converts("nn.SpatialBinaryLogisticRegression")
def spatial_binary_logistic_regression(m: Layer) -> nce.SpatialBinaryLogisticRegression:
    return nce.SpatialBinaryLogisticRegression(m.flag("sizeAverage"))
