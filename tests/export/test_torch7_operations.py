"""Functions and methods in a forward go back as torch/nn's modules, or are refused by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import t7convert
from t7convert.errors import ConversionError
from tests.export.test_torch7_forward import assert_equal, there_and_back
from tests.export.torch7_there_and_back import settled


class Of(nn.Module):
    """A layer, and what a function makes of its output."""

    def __init__(self, function: Any) -> None:
        super().__init__()
        self.layer = nn.Conv2d(2, 4, 3)
        self.function = function
        self.register_buffer("mean", torch.ones(4, 1, 1))

    def forward(self, x: Tensor) -> Any:
        return self.function(self, self.layer(x))


EQUAL: dict[str, Any] = {
    "parts": lambda m, x: x[:, 1:3, :, 2:] - x[:, -2:, :, :-2],
    "select": lambda m, x: x[..., 0] + x[:, :, :, -1] * 0.5,
    "one": lambda m, x: x[:, 2],
    "split": lambda m, x: torch.cat([x.split([1, 3], dim=1)[i] for i in (1, 0)], dim=1),
    "unbind": lambda m, x: x.unbind(1)[2],
    "flat2": lambda m, x: x.flatten(2).transpose(1, 2),
    "bmm": lambda m, x: torch.bmm(x.flatten(2), x.flatten(2).transpose(1, 2)),
    "learnt": lambda m, x: x[:, :2] * m.wide + m.wide,
    "reversed": lambda m, x: 2 / (x.exp() + 1) - (1 - x),
    "pad": lambda m, x: F.pad(F.pad(x, (1, 0, 2, 1)), (1, 1, 1, 1), mode="reflect"),
    "sized": lambda m, x: F.interpolate(x, (12, 12), mode="bilinear", align_corners=True),
    "as_large": lambda m, x: F.interpolate(F.max_pool2d(x[:, :, :8, :8], 2), size=(8, 8)),
    "max": lambda m, x: x.max(dim=1, keepdim=True)[0],
    "squeeze": lambda m, x: x.mean([2, 3], keepdim=True).squeeze(3).squeeze(-1),
    "power": lambda m, x: (x**2 + 1).sqrt().log().abs().clamp(min=0.1),
    "changed": lambda m, x: (x.add_(1), x.relu_(), x * 2)[2] + x,
    "global": lambda m, x: F.avg_pool2d(x, x.size()[2:]) + F.max_pool2d(x, x.shape[2:]),
    "stack": lambda m, x: torch.stack((x, F.mish(x) * 2), dim=2) - torch.stack((x, x), -3),
    "alone": lambda m, x: (x * 2,),
    "twice": lambda m, x: (x, x * x, x),
    "same": lambda m, x: (x - x.relu(), x * x, x + x),
    "lrn": lambda m, x: F.local_response_norm(x, 3, 0.1, 0.5, 2.0),
}


@pytest.mark.parametrize("name", list(EQUAL))
def test_operations_agree(name: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = Of(EQUAL[name]).double().eval()
    if name == "learnt":
        network.wide = nn.Parameter(torch.tensor([0.5, 2.0]).view(2, 1, 1).double())
    x = torch.randn(2, 2, 11, 12).double()
    again = there_and_back(network, tmp_path, input=x)

    found, expected = again(x), network(x)
    if isinstance(expected, tuple):
        assert_equal(list(found), list(expected))
    else:
        assert_equal([found], [expected])


REFUSED: dict[str, tuple[Any, str]] = {
    "buffer": (lambda m, x: x - m.mean, "operator.sub.*no tensor"),
    "buffers": (lambda m, x: x * m.mean, "operator.mul.*buffer"),
    "shapes": (lambda m, x: x * x.mean((2, 3), keepdim=True), "operator.mul.*equal shapes"),
    "batch": (lambda m, x: x - x.mean(0, keepdim=True), "Tensor.mean.*batch"),
    "all": (lambda m, x: x.mean(), "Tensor.mean.*not a batch"),
    "first": (lambda m, x: x[0], "getitem.*batch"),
    "mixed": (lambda m, x: x.view(-1, 2), "Tensor.view.*batch"),
    "einsum": (lambda m, x: torch.einsum("bchw->bc", x), "einsum.*no module"),
    "gelu": (lambda m, x: F.gelu(x), "gelu.*no module"),
    "norm": (lambda m, x: F.layer_norm(x, x.shape[1:]), "layer_norm.*no module"),
    "set": (lambda m, x: (x.__setitem__((slice(None), 0), 0.0), x)[1], "setitem"),
    "sizes": (lambda m, x: x.view(x.size(0), 2, 2, x.size(2), x.size(3)), "several of its sizes"),
    "branch": (lambda m, x: x if x.sum() > 0 else -x, "<root>.*Of.*can't be followed"),
    "text": (lambda m, x: {"x": x}, "something else than tensors"),
    "window": (lambda m, x: F.avg_pool2d(x, x.size(2) // 2), "avg_pool2d.*adaptive"),
    "padding": (lambda m, x: F.pad(x, (1, 1, 1, 1), value=2.0), "pad.*zeros only"),
    "resize": (lambda m, x: F.interpolate(x, size=x.shape[2] + 1), "interpolate.*multiple"),
    "computed": (lambda m, x: F.conv2d(x, m.layer.weight[:, :1].repeat(1, 4, 1, 1)), "computed"),
    "pieces": (lambda m, x: x.chunk(2, 1), "no tensor"),
    "constant": (lambda m, x: m.mean * 2, "depend on its input"),
    "detach": (lambda m, x: x.detach(), "detach.*no module"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_has_no_equal_is_named(name: str, tmp_path: Path) -> None:
    function, reason = REFUSED[name]
    with pytest.raises(ConversionError, match=f"(?s){reason}"):
        there_and_back(Of(function), tmp_path)
    assert not (tmp_path / "a.t7").exists()


class Optional(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(3, 3)

    def forward(
        self, x: Tensor, mask: Tensor | None = None, scale: float = 2.0, *, turned: bool = False
    ) -> Tensor:
        x = self.layer(x)
        if mask is not None:
            x = x * mask
        return -x if turned else x * scale


def test_other_arguments_have_their_defaults(tmp_path: Path) -> None:
    network, x = Optional().eval(), torch.randn(2, 3)

    assert torch.equal(there_and_back(network, tmp_path)(x), network(x))
    both = torch.randn(2, 3), torch.randn(2, 3)
    again = there_and_back(network, tmp_path, input=both)
    assert torch.equal(again(list(both)), network(*both))


def test_what_lua_would_take_for_a_lone_image(tmp_path: Path) -> None:
    """Of three dimensions, the first is the batch in PyTorch and the planes in torch/nn."""
    series = nn.Sequential(nn.Conv1d(3, 2, 1), nn.PReLU(2), nn.BatchNorm1d(2), nn.MaxPool1d(2))
    x = torch.randn(2, 3, 6)
    again = there_and_back(settled(series), tmp_path)

    assert torch.equal(again(x), series(x))
    for layer in (nn.Upsample(scale_factor=2), nn.LocalResponseNorm(3), nn.Softmax(1)):
        with pytest.raises(ConversionError, match=r"1: .*(images|dim=1)"):
            there_and_back(nn.Sequential(nn.Conv1d(3, 4, 1), layer), tmp_path)
    for unknown in (nn.Softmax(1), nn.LocalResponseNorm(3), nn.Embedding(3, 2)):
        with pytest.raises(ConversionError, match=r"0: "):
            there_and_back(nn.Sequential(unknown), tmp_path)
    with pytest.raises(ConversionError, match=r"0: .*Upsample.*images"):
        there_and_back(nn.Sequential(nn.Upsample(scale_factor=2), nn.Conv1d(3, 2, 1)), tmp_path)


def test_the_first_layer_that_tells_the_rank_tells_it_to_those_before(tmp_path: Path) -> None:
    torch.manual_seed(0)
    series = nn.Sequential(nn.ReLU(), nn.BatchNorm1d(3), nn.Conv1d(3, 2, 1))
    images = nn.Sequential(nn.LocalResponseNorm(3), nn.Softmax(1), nn.Conv2d(3, 2, 1))
    for network, x in ((series, torch.randn(2, 3, 6)), (images, torch.rand(2, 3, 6, 5))):
        again = there_and_back(settled(network).double(), tmp_path)
        assert_equal([again(x.double())], [network(x.double())])
    kinds = {type(module).__name__ for module in there_and_back(series, tmp_path).modules()}
    assert "BatchNorm2d" in kinds


def test_nothing_is_written_over_what_lua_reads_in_its_backward_pass(tmp_path: Path) -> None:
    """Lua's ELU and SoftPlus read their output there, PyTorch's their input."""
    for layer in (nn.ELU(), nn.Softplus()):
        inner = nn.Sequential(nn.Linear(3, 3), layer)
        network = nn.Sequential(inner, nn.Dropout(0.5, inplace=True), nn.ReLU(inplace=True))
        there_and_back(network, tmp_path)
        root: Any = t7convert.load(tmp_path / "a.t7")
        dropout, relu = root["modules"].list()[1:]

        assert not dropout.fields.get("inplace")
        assert relu["inplace"] is True
