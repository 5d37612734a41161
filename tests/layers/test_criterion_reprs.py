"""What the modules of these families print of themselves, and what their references refuse."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from t7convert.errors import ConversionError
from t7convert.lua.tree import build
from t7convert.nn.dpnn_reinforce import ReinforceNormal
from t7convert.reference import Executor
from tests.layers.criterion_compare import linear, lua_object, network_of

ONE, IMAGE = np.ones(1), {"nInputPlane": 1, "nOutputPlane": 1, "kW": 1, "kH": 1}
MSE = lua_object("nn.MSECriterion")
POOL = lua_object("nn.SpatialAveragePooling", kW=2, kH=2, dW=2, dH=2)
FILTERS = lua_object("nn.Identity")
REPRS: list[tuple[str, dict[str, Any], str]] = [
    ("nn.MultiCriterion", {"criterions": [MSE], "weights": [2]}, "weights=[2.0]"),
    (
        "nn.ParallelCriterion",
        {"criterions": [MSE], "weights": [1], "repeatTarget": True},
        "repeat_target=True",
    ),
    ("nn.MarginCriterion", {"margin": 0.5}, "margin=0.5"),
    ("nn.HingeEmbeddingCriterion", {}, "margin=1"),
    ("nn.L1HingeEmbeddingCriterion", {}, "margin=1"),
    ("nn.CosineEmbeddingCriterion", {}, "margin=0"),
    ("nn.MarginRankingCriterion", {"sizeAverage": False}, "margin=1, size_average=False"),
    ("nn.MultiMarginCriterion", {"p": 2}, "p=2, margin=1"),
    ("nn.ClassNLLCriterion", {"ignoreIndex": 3}, "ignore_index=3"),
    ("nn.SpatialGlimpse", {"module": POOL, "height": 2, "width": 3}, "size=(2, 3), depth=3"),
    ("nn.Clip", {"minval": -1, "maxval": 0.5}, "-1, 0.5"),
    ("nn.ArgMax", {"dim": 2}, "dim=2"),
    ("nn.CategoricalEntropy", {"minEntropy": 2.0}, "min_entropy=2.0"),
    ("nn.SpatialBinaryConvolution", {"weight": np.ones((1, 1, 1, 1)), **IMAGE}, "1, 1, (1, 1)"),
    (
        "nn.NCEModule",
        {"weight": np.ones((3, 2)), "bias": np.ones(3), "unigrams": ONE, "Z": ONE, "k": 4},
        "2, 3, samples=4",
    ),
    ("nn.TotalDropout", {"p": 0.25}, "p=0.25"),
    ("nn.SpatialRegionDropout", {}, "p=0.2"),
    ("nn.PCAColorTransform", {"eigenVectors": np.eye(2), "eigenValues": np.ones(2)}, "channels=2"),
    (
        "nn.SpatialUniformCrop",
        {"oheight": 2, "owidth": 3, "scale": [0.5, 2], "scaler": FILTERS},
        "size=(2, 3), scale=(0.5, 2.0)",
    ),
    ("nn.ReinforceBernoulli", {"stochastic": True}, "stochastic=True"),
    ("nn.VRClassReward", {"module": linear(2, 2), "criterion": MSE, "scale": 3}, "scale=3"),
    ("nn.ClassNLLCriterionWithUNK", {"crit": MSE, "unk_index": 7}, "unknown=7"),
    (
        "nn.UnfoldedTemporalConvolution",
        {"weight": np.ones((1, 2)), "inputFrameSize": 1, "outputFrameSize": 1, "kW": 2},
        "kernel=2, padding=0",
    ),
    ("fbnn.SegSparseLinear", {"weight": np.ones((3, 2)), "bias": np.ones(2)}, "3, 2"),
    ("nn.Upsample", {"factor": 3}, "factor=3"),
    (
        "nn.DifferenceOfGaussian",
        {"filter": np.ones((3, 1, 1)), "nScalesPerOctave": 2, "padW": 0, "padH": 0, **IMAGE},
        "octaves=3, scales=2",
    ),
    ("fbnn.Constant", {"value": np.ones((1, 3))}, "shape=(1, 3)"),
    ("fbnn.NestedDropout", {"p": 0.3}, "p=0.3"),
    ("w2nn.ClippedWeightedHuberCriterion", {"weight": ONE, "clip": [0, 1]}, "clip=(0.0, 1.0)"),
    (
        "w2nn.LBPCriterion",
        {"filter1": FILTERS, "filter2": FILTERS, "ch": 3, "n": 5},
        "channels=3, filters=5, gamma=0.1",
    ),
    ("w2nn.AuxiliaryLossTable", {"i": 2}, "index=1"),
    ("w2nn.GradWeight", {"constant_scalar": 2}, "factor=2"),
]


@pytest.mark.parametrize(("typename", "fields", "text"), REPRS)
def test_repr(typename: str, fields: dict[str, Any], text: str) -> None:
    assert text in repr(network_of(lua_object(typename, **fields)))


REFUSED: list[tuple[str, dict[str, Any], Any, str]] = [
    ("nn.ClassNLLCriterion", {}, [np.zeros((2, 3)), np.ones(1)], "1 targets for 2 samples"),
    ("nn.MultiMarginCriterion", {}, [np.zeros((2, 3)), np.array([1, 4])], "don't fit"),
    (
        "nn.SpatialAutoCropMSECriterion",
        {},
        [np.zeros((1, 4, 4)), np.zeros((1, 3, 4))],
        "doesn't fit into",
    ),
    ("fbnn.L2Normalize", {}, np.zeros((1, 2, 3)), "expected 1 or 2"),
    (
        "nn.SpatialGlimpse",
        {"module": POOL, "height": 2, "width": 2, "scale": 3},
        [np.zeros((1, 1, 8, 8)), np.zeros((1, 2))],
        "can't be halved",
    ),
    ("nn.CategoricalEntropy", {}, np.zeros(3), "batch of vectors"),
]


@pytest.mark.parametrize(("typename", "fields", "given", "reason"), REFUSED)
def test_the_reference_refuses(typename: str, fields: Any, given: Any, reason: str) -> None:
    with pytest.raises(ConversionError, match=reason):
        Executor().call(build(lua_object(typename, **fields)), given)


def test_patches_that_cannot_be_halved() -> None:
    obj = lua_object("nn.SpatialGlimpse", module=POOL, height=2, width=2, scale=3)
    with pytest.raises(ValueError, match="can't be halved"):
        network_of(obj)([torch.zeros(1, 1, 8, 8), torch.zeros(1, 2)])


def test_one_sample_without_a_batch_takes_one_reward() -> None:
    module = ReinforceNormal(0.5).train()
    mean = torch.zeros(3, requires_grad=True)
    torch.manual_seed(0)
    y = module(mean)
    module.reinforce(torch.tensor([2.0]))
    y.sum().backward()

    assert mean.grad is not None
    assert torch.allclose(mean.grad, -y.detach() / 0.25 * 2)
