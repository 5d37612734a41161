"""What of a PyTorch network has no equal in Torch7 is named, all of it at once."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from t7convert.errors import ConversionError
from tests.export.torch7_there_and_back import ResNet, there_and_back


class Doubled(ResNet):
    """What only looks like that network, and can't be followed."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(x) * (2 if bool(x.abs().sum() > 0) else 1)


@pytest.mark.parametrize(
    "layer",
    [
        nn.MaxPool2d(3, 2, 1, ceil_mode=True),
        nn.AvgPool2d(3, 2, ceil_mode=True),
        nn.AvgPool2d(3, 2, 1, count_include_pad=False),
    ],
)
def test_poolings_that_cudnn_computes_otherwise_are_named(layer: nn.Module, tmp_path: Path) -> None:
    with pytest.raises(ConversionError, match=r"0: nn\.Spatial.*last windows"):
        there_and_back(nn.Sequential(layer), tmp_path, backend="cudnn")


def hooked() -> nn.Module:
    module = nn.Linear(2, 2)
    module.register_forward_hook(lambda *_: None)
    return nn.Sequential(module)


@pytest.mark.parametrize(
    ("network", "name", "reason"),
    [
        (nn.Sequential(nn.Linear(2, 2), nn.GELU()), "1: .*GELU", "no class"),
        (nn.Sequential(nn.Sequential(nn.AlphaDropout())), r"0\.0: .*AlphaDropout", "no class"),
        (nn.Sequential(nn.Flatten()), "0: .*Flatten", "rank"),
        (nn.Sequential(nn.Conv2d(1, 1, 4, padding="same")), "0: .*Conv2d", "padding='same'"),
        (nn.Sequential(nn.Conv2d(1, 1, 3, padding_mode="circular", padding=1)), "0", "circular"),
        (nn.Sequential(nn.BatchNorm2d(2, track_running_stats=False)), "0", "statistics"),
        (nn.Sequential(nn.Conv2d(1, 2, 1), nn.Softmax(dim=2)), "1: .*Softmax", "dim=2"),
        (nn.Sequential(nn.Conv2d(1, 2, 1), nn.Linear(2, 2)), "1: .*Linear", "row"),
        (nn.Sequential(nn.Upsample(scale_factor=1.5)), "0: .*Upsample", "1.5"),
        (hooked(), "0: .*Linear", "hooks"),
        (Doubled(), "<root>: .*Doubled", "something else"),
        (nn.LSTM(2, 2), "<root>: .*LSTM", "no class"),
    ],
)
def test_what_has_no_equal_is_named(
    network: nn.Module, name: str, reason: str, tmp_path: Path
) -> None:
    with pytest.raises(ConversionError, match=f"(?s){name}.*{reason}"):
        there_and_back(network, tmp_path)
    assert not (tmp_path / "a.t7").exists()


def test_all_obstacles_are_listed(tmp_path: Path) -> None:
    with pytest.raises(ConversionError) as caught:
        there_and_back(nn.Sequential(nn.GELU(), nn.GroupNorm(1, 2), nn.ReLU()), tmp_path)

    assert len(caught.value.problems) == 2
