"""Poolings whose divisor or windows ONNX doesn't know are exported all the same."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest
import torch
from torch import nn

from t7convert.export.graphs import write_onnx
from t7convert.nn.adaptive_pooling import AdaptiveMaxPool
from t7convert.nn.convolution_map import SubSample2d

onnxruntime = pytest.importorskip("onnxruntime")


@pytest.mark.parametrize(
    "network", [SubSample2d(3, (2, 3), (2, 2)), AdaptiveMaxPool((3, 2)), AdaptiveMaxPool((1, 1))]
)
def test_poolings_that_onnx_has_not_are_exported(network: nn.Module, tmp_path: Path) -> None:
    network.eval()
    given, target = torch.randn(2, 3, 8, 9), tmp_path / "m.onnx"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        write_onnx(network, given, target)
    session = onnxruntime.InferenceSession(str(target))
    (found,) = session.run(None, {session.get_inputs()[0].name: given.numpy()})

    assert torch.allclose(torch.from_numpy(found), network(given), rtol=1e-5, atol=1e-6)
