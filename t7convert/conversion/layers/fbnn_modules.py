"""Converters of fbnn's modules and criterions."""

from __future__ import annotations

import torch
from torch import nn

import t7convert.nn.fbnn_linear as linear
import t7convert.nn.fbnn_modules as modules
from t7convert.conversion.layer import Layer
from t7convert.conversion.registry import converts
from t7convert.nn import fbnn_criterions as criterions


@converts("nn.UnfoldedTemporalConvolution")
def unfolded_temporal_convolution(m: Layer) -> linear.UnfoldedTemporalConvolution:
    if m.integer("dW") != 1:
        raise m.error(f"a step of {m.integer('dW')}, the class knows 1 only")
    module = linear.UnfoldedTemporalConvolution(
        m.integer("inputFrameSize"),
        m.integer("outputFrameSize"),
        m.integer("kW"),
        m.integer("pad"),
        bias=m.has("bias"),
    )
    m.bind("weight", module)
    m.bind_all(module, "bias")
    return module


def _linear(m: Layer, kind: type[nn.Linear]) -> nn.Linear:
    outputs, inputs = m.shape("weight")
    module = kind(inputs, outputs, bias=m.has("bias"))
    m.bind("weight", module)
    m.bind_all(module, "bias")
    return module


@converts("nn.LinearNB")
def linear_nb(m: Layer) -> nn.Linear:
    return _linear(m, nn.Linear)


@converts("nn.LinearNoBackprop")
def linear_no_backprop(m: Layer) -> nn.Linear:
    return _linear(m, linear.LinearNoBackprop)


@converts("fbnn.NormalizedLinearNoBias")
def normalized_linear_no_bias(m: Layer) -> nn.Linear:
    return _linear(m, linear.NormalizedLinearNoBias)


@converts("nn.FasterLookup")
def faster_lookup(m: Layer) -> linear.FasterLookup:
    rows, size = m.shape("weight")
    module = linear.FasterLookup(rows, size)
    m.bind("weight", module)
    return module


@converts("nn.SparseThreshold")
def sparse_threshold(m: Layer) -> linear.SparseThreshold:
    return linear.SparseThreshold(m.child())


@converts("fbnn.SparseLinear")
def sparse_linear(m: Layer) -> linear.SparseLinear:
    outputs, inputs = m.shape("weight")
    decay, gradient = m.number("weightDecay"), m.flag("doGradInput")
    module = linear.SparseLinear(inputs, outputs, weight_decay=decay, input_gradient=gradient)
    m.bind("weight", module)
    m.bind("bias", module)
    return module


@converts("fbnn.SegSparseLinear")
def seg_sparse_linear(m: Layer) -> linear.SegSparseLinear:
    module = linear.SegSparseLinear(*m.shape("weight"))
    m.bind("weight", module)
    m.bind("bias", module)
    return module


@converts("nn.Upsample")
def upsample(m: Layer) -> modules.Upsample:
    return modules.Upsample(m.integer("factor"))


@converts("nn.DifferenceOfGaussian")
def difference_of_gaussian(m: Layer) -> modules.DifferenceOfGaussian:
    blank = torch.empty(m.shape("filter"))
    if len(blank) != m.integer("nScalesPerOctave") + 1:
        raise m.error(f"{len(blank)} filters for {m.integer('nScalesPerOctave')} scales")
    module = modules.DifferenceOfGaussian(blank, m.integer("nOctaves"), m.hw("pad"))
    m.bind("filter", module)
    return module


@converts("fbnn.LeakyReLU")
def leaky_relu(m: Layer) -> modules.LeakyReLU:
    module = modules.LeakyReLU()
    m.bind("weight", module)
    return module


@converts("fbnn.Constant")
def constant(m: Layer) -> modules.Constant:
    module = modules.Constant(torch.empty(m.shape("value")))
    m.bind("value", module)
    return module


@converts("fbnn.L2Normalize")
def l2_normalize(m: Layer) -> modules.L2Normalize:
    return modules.L2Normalize()


@converts("fbnn.ProjectiveGradientNormalization")
def projective_gradient_normalization(m: Layer) -> modules.ProjectiveGradientNormalization:
    return modules.ProjectiveGradientNormalization()


@converts("fbnn.NestedDropout")
def nested_dropout(m: Layer) -> modules.NestedDropout:
    return modules.NestedDropout(m.number("p"), m.get("logp"), m.get("log1p"))


@converts("nn.TrueNLLCriterion")
def true_nll_criterion(m: Layer) -> criterions.TrueNLLCriterion:
    return criterions.TrueNLLCriterion(m.flag("sizeAverage"))


@converts("nn.ClassNLLCriterionWithUNK")
def class_nll_criterion_with_unk(m: Layer) -> criterions.ClassNLLCriterionWithUNK:
    unknown = None if m.get("unk_index") is None else m.integer("unk_index")
    cuda = m.get("tensortype") == "torch.CudaTensor"
    return criterions.ClassNLLCriterionWithUNK(m.child("crit"), unknown, always_sum=cuda)


@converts("nn.SoftPlusLSECriterion")
def soft_plus_lse_criterion(m: Layer) -> criterions.SoftPlusLSECriterion:
    return criterions.SoftPlusLSECriterion()


@converts("nn.SoftPlusLSEMinusLSECriterion")
def soft_plus_lse_minus_lse_criterion(m: Layer) -> criterions.SoftPlusLSEMinusLSECriterion:
    return criterions.SoftPlusLSEMinusLSECriterion()


@converts("nn.ClassHierarchicalNLLCriterion")
def class_hierarchical_nll_criterion(m: Layer) -> criterions.ClassHierarchicalNLLCriterion:
    statistics = ("mapping", "startIndex", "clusterCounts")
    mapping, start, counts = (torch.empty(m.shape(name)) for name in statistics)
    inputs = m.shape("classMatrix")[1]
    module = criterions.ClassHierarchicalNLLCriterion(mapping, start, counts, inputs)
    for name in (*statistics, "clusterMatrix", "clusterBias", "classMatrix", "classBias"):
        m.bind(name, module)
    return module


@converts("nn.SequentialCriterion")
def sequential_criterion(m: Layer) -> criterions.SequentialCriterion:
    return criterions.SequentialCriterion(m.child("module"), m.child("criterion"))
