"""Modules of dpnn, fbnn and w2nn verify with inputs drawn from their geometry."""

from __future__ import annotations

from pathlib import Path

import pytest

from t7convert.format import save
from t7convert.parity.verifying import verify
from tests import golden

DRAWN = """dpnn.SpatialBinaryConvolution w2nn.RandomBinaryConvolution w2nn.EdgeFilter
dpnn.SpatialFeatNormalization fbnn.DifferenceOfGaussian dpnn.SpatialUniformCrop fbnn.Upsample
fbnn.LinearNB fbnn.LinearNoBackprop fbnn.NormalizedLinearNoBias fbnn.L2Normalize
dpnn.CategoricalEntropy fbnn.UnfoldedTemporalConvolution fbnn.FasterLookup dpnn.NCEModule
fbnn.SparseLinear fbnn.SegSparseLinear dpnn.SpatialGlimpse w2nn.ScaleTable w2nn.ShakeShakeTable
w2nn.AuxiliaryLossTable dpnn.ReverseTable fbnn.SparseThreshold"""


@pytest.mark.parametrize("name", DRAWN.split())
def test_drawn_inputs(shared: Path, tmp_path: Path, name: str) -> None:
    cases = golden.cases(shared / "golden" / "community" / f"{name}.t7")
    _, case = next(iter(cases))
    save(case["module"], tmp_path / "module.t7")
    report = verify(tmp_path / "module.t7", seed=3)

    assert report.ok, report.failures
    assert report.compared


def test_a_threshold_of_pairs_has_its_gradient(shared: Path, tmp_path: Path) -> None:
    cases = golden.cases(shared / "golden" / "community" / "fbnn.SparseThreshold.t7")
    _, case = next(iter(cases))
    save(case["module"], tmp_path / "module.t7")

    assert verify(tmp_path / "module.t7", gradients=True).ok
