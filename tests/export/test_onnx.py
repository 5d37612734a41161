"""What ONNX or its exporter lacks is written all the same, or refused by name."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest
import torch
from torch import nn

from t7convert.errors import ConversionError
from t7convert.export.graphs import write_onnx
from t7convert.nn.adaptive_pooling import AdaptiveMaxPool
from t7convert.nn.convolution_map import SubSample2d
from t7convert.nn.stn_modules import BilinearSamplerBHWD

onnxruntime = pytest.importorskip("onnxruntime")


class Lgamma(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.lgamma(x)


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


def test_a_sampler_and_random_slopes_are_exported(tmp_path: Path) -> None:
    """The optimiser of ONNX graphs breaks the one, the exporter doesn't know the other."""
    sampler = [torch.randn(2, 5, 6, 3), torch.rand(2, 4, 3, 2) * 2 - 1]
    slopes = nn.Sequential(nn.Identity(), nn.RReLU(0.1, 0.3, inplace=True)).eval()
    cases: list[tuple[nn.Module, object]] = [
        (BilinearSamplerBHWD(), sampler),
        (slopes, torch.randn(2, 3)),
    ]
    for number, (network, given) in enumerate(cases):  # what is written was run beside PyTorch's
        remark = write_onnx(network, given, tmp_path / f"{number}.onnx")
        assert "checked with ONNX Runtime" in remark


def test_an_operator_that_onnx_lacks_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConversionError, match=r"it has no operator for \w+\.lgamma"):
        write_onnx(Lgamma(), torch.rand(2, 3), tmp_path / "m.onnx")


def test_a_graph_that_the_runtime_refuses_is_not_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise RuntimeError("invalid model")

    monkeypatch.setattr(onnxruntime, "InferenceSession", refuse)
    with pytest.raises(ConversionError, match="ONNX Runtime doesn't take it: invalid model"):
        write_onnx(nn.ReLU(), torch.rand(2, 3), tmp_path / "m.onnx")

    assert not list(tmp_path.iterdir())


def test_an_input_that_can_only_be_traced_as_it_is(tmp_path: Path) -> None:
    """A lone image's first dimension is no batch."""
    with pytest.raises(ConversionError, match="--fixed traces the input as it is"):
        write_onnx(nn.Conv2d(1, 2, 3), torch.rand(1, 6, 8), tmp_path / "m.onnx")
