"""Modules of nnx, imagine-nn, spatial transformers and neural style verify with drawn inputs."""

from __future__ import annotations

from pathlib import Path

import pytest

from t7convert.format import save
from t7convert.parity.verifying import verify
from tests import golden
from tests.build import linear, obj, sequential

DRAWN = """nnx.SpatialLinear nnx.SpatialNormalization nnx.SpatialFovea nnx.SpatialPyramid
nnx.SpatialColorTransform nnx.SpatialClassifier nnx.SpatialGraph nnx.SpatialDownSampling
nnx.SpatialMaxSampling nnx.SpatialMatching nnx.PixelSort nnx.SoftMaxTree nnx.PushTable nnx.Balance
nnx.QDRiemaNNLinear inn.ConstAffine inn.MeanSubtraction inn.SpatialPyramidPooling
stn.AffineTransformMatrixGenerator stn.AffineGridGeneratorBHWD stn.BilinearSamplerBHWD
fns.InstanceNormalization fns.ContentLoss fns.StyleLoss fns.TotalVariation
adain.InstanceNormalization adain.AdaptiveInstanceNormalization adain.ContentLossModule
adain.StyleINLossModule adain.TVLossModule"""


@pytest.mark.parametrize("name", DRAWN.split())
def test_drawn_inputs(tmp_path: Path, name: str) -> None:
    _, case = next(iter(golden.cases(golden.golden_path("community", name))))
    save(case["module"], tmp_path / "module.t7")
    report = verify(tmp_path / "module.t7", seed=3)

    assert report.ok, report.failures
    assert report.compared


@pytest.mark.parametrize("name", ["face-detector/face.net.ascii@8907ed57", "tracker/random.net"])
def test_networks_of_2011(shared: Path, name: str) -> None:
    report = verify(shared / "zoo" / "torch+demos" / name)

    assert report.ok, report.failures


def test_joined_entries_share_what_a_weight_takes(tmp_path: Path) -> None:
    joined = sequential(obj("nn.JoinTable", dimension=1, nInputDims=1), linear(6, 6))  # 3 and 3
    save(joined, tmp_path / "joined.t7")
    report = verify(tmp_path / "joined.t7")

    assert report.ok, report.failures
