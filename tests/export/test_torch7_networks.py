"""PyTorch networks become .t7 files: layers, structures, ties."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import t7convert
from t7convert.residual.blocks import BasicBlock, Bottleneck
from t7convert.residual.preact import PreActShaResNet
from t7convert.residual.preact_blocks import PreActBottleneck, WideBasic
from t7convert.residual.resnet import ShaResNet
from tests.export.torch7_compare import fields
from tests.export.torch7_there_and_back import ResNet, settled, there_and_back


class Vgg(nn.Module):
    """A network with the attributes of torchvision's VGG."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(True), nn.MaxPool2d(2))
        self.avgpool = nn.AdaptiveAvgPool2d((7, 7))
        self.classifier = nn.Sequential(nn.Linear(196, 9), nn.ReLU(True), nn.Dropout())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        scores: torch.Tensor = self.classifier(torch.flatten(self.avgpool(self.features(x)), 1))
        return scores


def layers() -> nn.Sequential:
    return nn.Sequential(
        nn.ReflectionPad2d((1, 2, 0, 1)),
        nn.Conv2d(3, 8, (3, 5), stride=(2, 1), padding=(0, 2)),
        nn.BatchNorm2d(8),
        nn.LeakyReLU(0.2, True),
        nn.Sequential(
            nn.Conv2d(8, 6, 3, dilation=2),
            nn.ELU(0.7),
            nn.AvgPool2d((2, 3), ceil_mode=True, padding=1, count_include_pad=False),
        ),
        nn.ConvTranspose2d(6, 5, 3, stride=2, padding=1, output_padding=1),
        nn.PReLU(5),
        nn.ReLU6(),
        nn.Upsample(scale_factor=2),
        nn.ZeroPad2d(1),
        nn.MaxPool2d((3, 2), (2, 1), 1, ceil_mode=True),
        nn.AdaptiveAvgPool2d((3, 2)),
        nn.Flatten(),
        nn.Dropout(0.3),
        nn.Linear(30, 7),
        nn.BatchNorm1d(7, affine=False),
        nn.Tanh(),
        nn.Linear(7, 6, bias=False),
        nn.Sigmoid(),
        nn.Softplus(),
        nn.Identity(),
        nn.LogSoftmax(dim=1),
    )


def series() -> nn.Sequential:
    first, second = nn.Conv1d(4, 4, 3, stride=2), nn.Conv1d(4, 4, 3, stride=1, bias=False)
    second.weight = first.weight
    return nn.Sequential(first, nn.ReLU(), second, nn.Flatten(), nn.Linear(12, 2))


def volumes() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv3d(1, 3, (1, 2, 3), padding=(0, 1, 1)),
        nn.BatchNorm3d(3),
        nn.ReLU(),
        nn.MaxPool3d(2),
    )


NETWORKS = {
    "layers": (layers, (2, 3, 20, 18)),
    "series": (series, (2, 4, 12)),
    "volumes": (volumes, (2, 1, 4, 6, 8)),
    "resnet": (ResNet, (2, 3, 64, 64)),
    "vgg": (Vgg, (2, 3, 30, 30)),
    "basic": (lambda: ShaResNet(BasicBlock, [2, 2], widths=(4, 8), pool=8), (2, 3, 64, 64)),
    "bottleneck": (lambda: ShaResNet(Bottleneck, [3, 2], widths=(4, 8), pool=8), (2, 3, 64, 64)),
    "original": (
        lambda: ShaResNet(BasicBlock, [2, 2], widths=(4, 8), pool=8, shared=False),
        (2, 3, 64, 64),
    ),
    "cifar": (
        lambda: ShaResNet(
            BasicBlock, [2, 2], widths=(4, 8), stem="cifar", pool=8, shortcut_type="A"
        ),
        (2, 3, 16, 16),
    ),
    "preact": (
        lambda: PreActShaResNet(PreActBottleneck, [3, 3], widths=(16, 32), stem_width=8),
        (2, 3, 16, 16),
    ),
    "wide": (
        lambda: PreActShaResNet(WideBasic, [3, 3], widths=(8, 16), stem_width=8, dropout=0.3),
        (2, 3, 16, 16),
    ),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_outputs_and_parameters_agree(name: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    make, size = NETWORKS[name]
    network = settled(make())
    again = there_and_back(network, tmp_path)
    x = torch.randn(size)
    with torch.no_grad():
        assert torch.equal(again(x), network(x))
    assert [p.numel() for p in again.parameters()] == [p.numel() for p in network.parameters()]
    if name != "series":  # the series are images one pixel high
        assert [p.shape for p in again.parameters()] == [p.shape for p in network.parameters()]


def test_a_fine_tuned_sharesnet_goes_back(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = NETWORKS["basic"][0]()
    network.train()
    optimiser = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9)
    network(torch.randn(4, 3, 64, 64)).square().mean().backward()
    optimiser.step()
    network.eval()
    again = there_and_back(network, tmp_path)

    assert isinstance(again, ShaResNet)
    assert isinstance(network, ShaResNet)
    assert again.ties() == network.ties() != ()
    mine, theirs = network.state_dict(), again.state_dict()
    for key in mine:
        assert key.endswith("num_batches_tracked") or torch.equal(mine[key], theirs[key]), key
    written = t7convert.load(tmp_path / "a.t7")
    shared = [row for row in fields(written) if "shared" in row[2]]
    assert {row[0] for row in shared} == {"nn.SpatialConvolution"}


def test_channels_last_keeps_ties(tmp_path: Path) -> None:
    network: Any = NETWORKS["basic"][0]()
    network.to(memory_format=torch.channels_last)
    again = there_and_back(network.eval(), tmp_path)

    assert isinstance(again, ShaResNet)
    assert again.ties() == network.ties() != ()


def test_transposed_ties_and_second_uses_are_shares(tmp_path: Path) -> None:
    first, last = nn.Linear(6, 4), nn.Linear(4, 6)
    last.weight = nn.Parameter(first.weight.detach().t())
    network = nn.Sequential(first, nn.Sigmoid(), last)
    x = torch.randn(3, 6)
    again = there_and_back(network, tmp_path)

    assert torch.equal(again(x), network(x))
    assert sum(p.numel() for p in again.parameters()) == 24 + 4 + 6

    same = nn.Linear(5, 5)
    twice = nn.Sequential(same, nn.Tanh(), same)
    again = there_and_back(twice, tmp_path)

    assert torch.equal(again(torch.ones(2, 5)), twice(torch.ones(2, 5)))
    assert len(list(again.parameters())) == 2


@pytest.mark.parametrize(
    "layer",
    [
        nn.Conv2d(4, 6, 3, groups=2),
        nn.Conv2d(4, 8, (3, 2), padding=(0, 1), groups=4, bias=False),
        nn.Conv2d(4, 4, 3, dilation=2, groups=2),
        nn.ConvTranspose2d(4, 6, 3, 2, 1, 1, groups=2),
    ],
)
def test_groups_are_convolutions_of_parts_or_cudnns(layer: nn.Module, tmp_path: Path) -> None:
    network = nn.Sequential(layer, nn.ReLU()).double()
    x = torch.randn(2, 4, 6, 5).double()
    again = there_and_back(network, tmp_path)
    found, expected = again(x), network(x)
    found.square().sum().backward()
    expected.square().sum().backward()
    mine, theirs = (
        sum(float(p.grad.square().sum()) for p in each.parameters() if p.grad is not None)
        for each in (again, network)
    )

    assert torch.allclose(found, expected, rtol=1e-12, atol=1e-12)
    assert mine == pytest.approx(theirs, rel=1e-12)
    assert sum(p.numel() for p in again.parameters()) == sum(
        p.numel() for p in network.parameters()
    )
    # a single module where the package has one
    kinds = {row[0] for row in fields(t7convert.load(tmp_path / "a.t7"))}
    assert not any(kind.startswith("cudnn") for kind in kinds)
    if isinstance(layer, nn.Conv2d) and layer.dilation == (1, 1):
        assert torch.equal(there_and_back(network, tmp_path, backend="cudnn")(x), network(x))
        kinds = {row[0] for row in fields(t7convert.load(tmp_path / "a.t7"))}
        assert kinds == {"nn.Sequential", "cudnn.SpatialConvolution", "cudnn.ReLU"}


def test_double_and_half_precision(tmp_path: Path) -> None:
    network = nn.Sequential(nn.Linear(3, 2)).double()
    again = there_and_back(network, tmp_path)

    assert next(again.parameters()).dtype == torch.float64
    assert next(there_and_back(network.half(), tmp_path).parameters()).dtype == torch.float32
