"""Our modules as anyone may use them: made by hand, printed, copied, exported."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from torch import nn

from t7convert.nn import (
    distance,
    dropout,
    elementwise,
    embedding,
    gradient,
    linear,
    matrix,
    scale,
    softmax,
    sparse,
    templates,
    weightnorm,
)

X = torch.linspace(0.1, 2.4, 12).reshape(3, 4)
INDEX = torch.tensor([[1, 4, 2], [3, 3, 5]])
IMAGE = torch.linspace(-1, 1, 32).reshape(1, 2, 4, 4)
PART = torch.tensor([1, 3])

CASES: list[tuple[nn.Module, Any, str]] = [
    (elementwise.Abs(), X, "Abs()"),
    (elementwise.AddConstant(2.5), X, "AddConstant(2.5)"),
    (elementwise.AddConstant(torch.ones(4), True), X, "AddConstant((4,), inplace=True)"),
    (elementwise.ELU(0.5), X, "ELU(alpha=0.5)"),
    (elementwise.Exp(), X, "Exp()"),
    (elementwise.Log(), X, "Log()"),
    (elementwise.MulConstant(2, True), X, "MulConstant(2, inplace=True)"),
    (elementwise.Power(1.5), X, "Power(1.5)"),
    (elementwise.PReLU(4), X[0], "PReLU(num_parameters=4)"),
    (elementwise.SoftPlus(2), X, "SoftPlus(beta=2"),
    (elementwise.Sqrt(), X, "Sqrt()"),
    (elementwise.Square(), X, "Square()"),
    (distance.Normalize(2), X, "Normalize(2, eps=1e-10)"),
    (distance.PairwiseDistance(), [X, X + 1], "PairwiseDistance(2)"),
    (distance.CosineDistance(), [X, X + 1], "CosineDistance()"),
    (distance.DotProduct(), [X, X + 1], "DotProduct()"),
    (templates.Cosine(4, 2), X, "Cosine(4, 2)"),
    (templates.Euclidean(4, 2), X, "Euclidean(4, 2)"),
    (templates.WeightedEuclidean(4, 2), X[0], "WeightedEuclidean(4, 2)"),
    (templates.Kmeans(2, 4), X, "Kmeans(k=2, dim=4, step=1)"),
    (dropout.Dropout(0.25, scaled=False), X, "Dropout(p=0.25)"),
    (dropout.PlaneDropout(0.25, 2, True), IMAGE, "PlaneDropout(p=0.25, plane_dims=2, stoch"),
    (dropout.WhiteNoise(), X, "WhiteNoise(mean=0, std=0.1)"),
    (gradient.GradientReversal(2), X, "GradientReversal(strength=2)"),
    (gradient.L1Penalty(0.1), X, "L1Penalty(0.1, size_average=False, pass_gradient=True)"),
    (gradient.ZeroGrad(), X, "ZeroGrad()"),
    (linear.LinearWeightNorm(4, 2), X, "LinearWeightNorm(4, 2, bias=True)"),
    (linear.Bilinear(4, 4, 2), [X, X], "Bilinear(4, 4, 2, bias=True)"),
    (linear.PartialLinear(4, 5, partition=PART), X, "PartialLinear(4, 5, bias=True, of these 2)"),
    (linear.PartialLinear(4, 5, bias=False), X, "PartialLinear(4, 5, bias=False, of these 5)"),
    (scale.Add(4), X, "Add(4)"),
    (scale.Add(scalar=True), X, "Add(1, scalar=True)"),
    (scale.CAdd(3, 4), X, "CAdd(3, 4)"),
    (scale.CMul(1, 2, 1, 1), IMAGE, "CMul(1, 2, 1, 1)"),
    (scale.Mul(), X, "Mul()"),
    (matrix.MM(False, True), [X, X], "MM(transpose_a=False, transpose_b=True)"),
    (matrix.MV(), [X, X[0]], "MV(transpose=False)"),
    (matrix.MixtureTable(), [X[:, :2], [X, X + 1]], "MixtureTable()"),
    (matrix.MixtureTable(1), [X[:, :2], torch.stack([X, X], 1)], "MixtureTable(dim=1)"),
    (embedding.LookupTable(5, 3), INDEX, "LookupTable(5, 3)"),
    (
        embedding.LookupTable(5, 3, padding=1, max_norm=1, scale_grad_by_freq=True),
        INDEX,
        "LookupTable(5, 3, padding=1, max_norm=1, norm_type=2, scale_grad_by_freq=True)",
    ),
    (embedding.OneHot(5), INDEX, "OneHot(5)"),
    (softmax.SoftMax(), IMAGE, "SoftMax()"),
    (softmax.LogSoftMax(), X[0], "LogSoftMax()"),
    (softmax.SoftMin(), IMAGE[0], "SoftMin()"),
    (softmax.InstanceSoftMax(True), IMAGE, "InstanceSoftMax(log=True)"),
    (softmax.VolumetricSoftMax(softmax.SoftMax()), IMAGE, "VolumetricSoftMax("),
    (sparse.SparseLinear(4, 2, weight_decay=0.1), X[:, :2], "SparseLinear(4, 2)"),
    (sparse.IndexLinear(5, 2, 4), [INDEX[0], X[0, :3]], "IndexLinear(5, 2, normalize=4)"),
    (weightnorm.WeightNorm(nn.Linear(4, 3), (3, 4)), X, "WeightNorm(\n  size=(3, 4), output_dim"),
    (
        weightnorm.WeightNorm(nn.ConvTranspose2d(2, 3, 2), (2, 3, 2, 2), output_dim=1),
        IMAGE,
        "WeightNorm(\n  size=(2, 3, 2, 2), output_dim=1",
    ),
]


@pytest.mark.filterwarnings("ignore")  # of the exporter's own imports
@pytest.mark.parametrize(("module", "input", "text"), CASES, ids=lambda value: type(value).__name__)
def test_printed_copied_and_exported(module: nn.Module, input: Any, text: str) -> None:
    module.eval()
    assert repr(module).startswith(text)
    if "stochastic" in repr(module):
        return
    with torch.no_grad():
        expected = module(copy.deepcopy(input))
        assert torch.isfinite(expected).all()
        assert torch.equal(copy.deepcopy(module)(copy.deepcopy(input)), expected)
        exported = torch.export.export(module, (copy.deepcopy(input),)).module()
        assert torch.allclose(exported(copy.deepcopy(input)), expected)


def test_state_dict_names_are_luas() -> None:
    names = {
        "LinearWeightNorm": ["v", "g", "bias"],
        "WeightedEuclidean": ["weight", "diagCov"],
        "WeightNorm": ["v", "g", "0.bias"],
        "PartialLinear": ["weight", "bias"],
        "OneHot": [],
        "AddConstant": [],
    }
    seen = {type(module).__name__: list(module.state_dict()) for module, _, _ in reversed(CASES)}

    assert {name: seen[name] for name in names} == names
