"""Poolings whose divisor ONNX doesn't know are exported as sums all the same."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest
import torch

from t7convert.export.graphs import write_onnx
from t7convert.nn.convolution_map import SubSample2d

onnxruntime = pytest.importorskip("onnxruntime")


def test_subsampling_is_a_sum(tmp_path: Path) -> None:
    network = SubSample2d(3, (2, 3), (2, 2)).eval()
    given, target = torch.randn(2, 3, 8, 9), tmp_path / "m.onnx"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        write_onnx(network, given, target)
    session = onnxruntime.InferenceSession(str(target))
    (found,) = session.run(None, {session.get_inputs()[0].name: given.numpy()})

    assert torch.allclose(torch.from_numpy(found), network(given), rtol=1e-5, atol=1e-6)
