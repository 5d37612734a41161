"""PyTorch networks of classes of one's own go back by their forward."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import t7convert
from t7convert.errors import ConversionError
from t7convert.format.objects import LuaObject
from tests.export.modern_classifiers import CifarResNet, DenseNet
from tests.export.modern_networks import NETWORKS, Generator, TwoInputs
from tests.export.torch7_there_and_back import ResNet, settled
from tests.test_nets import net
from tests.torch7_fields import objects


def there_and_back(network: nn.Module, folder: Path, **options: Any) -> nn.Module:
    """Write a network in double precision and read it again."""
    t7convert.to_torch7(network, folder / "a.t7", force=True, **options)
    return t7convert.to_module(folder / "a.t7")


def typenames(path: Path) -> list[str]:
    """Return the class of every object of a file."""
    root = t7convert.load(path)
    assert isinstance(root, LuaObject)
    return [each.typename for each in objects(root)]


def outputs(network: nn.Module, *inputs: Tensor) -> list[Tensor]:
    """Return what a network gives, as a list."""
    found = network(inputs[0]) if len(inputs) == 1 else network(*inputs)
    return [found] if isinstance(found, Tensor) else list(found)


def assert_equal(found: list[Tensor], expected: list[Tensor]) -> None:
    """Compare tensors of double precision, whatever the order of a sum."""
    assert len(found) == len(expected)
    for a, b in zip(found, expected, strict=True):
        assert a.shape == b.shape
        # Torch7 keeps the coordinates of a bilinear Upsample in float
        assert torch.allclose(a, b, rtol=1e-6, atol=1e-6)


def sample(name: str) -> tuple[nn.Module, Tensor]:
    """Return a network in double precision, and an input."""
    torch.manual_seed(0)
    kind, shape, _ = NETWORKS[name]
    x = torch.randint(0, 20, shape) if name == "charcnn" else torch.randn(shape).double()
    return settled(kind()).double(), x


@pytest.mark.parametrize("name", NETWORKS)
def test_outputs_and_gradients_agree(name: str, tmp_path: Path) -> None:
    network, x = sample(name)
    again = there_and_back(network, tmp_path)
    for module in network.modules():
        if isinstance(module, nn.Dropout2d):  # in evaluation, Lua's has no backward pass
            module.p = 0.0
    results = []
    for each, given in ((network, x), (again, x.double())):
        each.eval()
        found = outputs(each, given)
        sum(value.square().sum() for value in found).backward()  # type: ignore[union-attr]
        slopes = [p.grad for p in each.parameters() if p.grad is not None]
        results.append((found, slopes))

    assert_equal(results[1][0], results[0][0])
    mine, theirs = (sorted(float(g.square().sum()) for g in slopes) for _, slopes in results)
    assert sum(mine) == pytest.approx(sum(theirs), rel=1e-6)
    if name not in ("mobilenet", "resnext"):  # of which each group has a parameter of its own
        assert mine == pytest.approx(theirs, rel=1e-6)
    assert sum(p.numel() for p in again.parameters()) == sum(
        p.numel() for p in network.parameters()
    )


@pytest.mark.parametrize("name", NETWORKS)
def test_branches_are_containers_where_they_nest(name: str, tmp_path: Path) -> None:
    network, _ = sample(name)
    there_and_back(network, tmp_path)

    assert ("nn.gModule" in typenames(tmp_path / "a.t7")) == NETWORKS[name][2]


def test_several_inputs_are_a_table(tmp_path: Path) -> None:
    network = TwoInputs().double().eval()
    given = torch.randn(2, 5).double(), torch.randn(2, 3).double()
    again = there_and_back(network, tmp_path, input=given)

    assert torch.equal(again(list(given)), network(*given))


def test_statistics_move_as_in_pytorch(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = CifarResNet().double()
    again = there_and_back(network, tmp_path)
    x = torch.randn(4, 3, 8, 8).double()
    network.train()
    again.train()
    assert_equal([again(x)], [network(x)])
    mine, theirs = (
        [b for key, b in each.named_buffers() if "running" in key] for each in (again, network)
    )

    assert_equal(mine, theirs)


def test_wrappers_are_taken_off(tmp_path: Path) -> None:
    network = nn.DataParallel(Generator().eval())
    x = torch.randn(2, 10, 1, 1)

    assert torch.equal(there_and_back(network, tmp_path)(x), network.module(x))


def test_a_forward_that_differs_from_the_attributes_is_followed(tmp_path: Path) -> None:
    class Halved(ResNet):
        def forward(self, x: Tensor) -> Tensor:
            return super().forward(x) * 0.5

    torch.manual_seed(0)
    network, x = settled(Halved()), torch.randn(2, 3, 64, 64)

    assert torch.equal(there_and_back(network, tmp_path)(x), network(x))


def test_the_mode_of_the_network_stays(tmp_path: Path) -> None:
    network = DenseNet().train()
    network.features.eval()
    there_and_back(network, tmp_path)

    assert network.training
    assert not network.features[0].training


class Heads(nn.Module):
    """As Inception's: a head that only training uses."""

    def __init__(self) -> None:
        super().__init__()
        self.body, self.main, self.aux = nn.Linear(4, 4), nn.Linear(4, 2), nn.Linear(4, 2)

    def forward(self, x: Tensor) -> Any:
        x = F.dropout(F.relu(self.body(x)), training=self.training)
        return (self.main(x), self.aux(x)) if self.training else self.main(x)


def test_what_the_file_lacks_is_told(tmp_path: Path) -> None:
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        there_and_back(Heads(), tmp_path)
    first, second = (str(each.message) for each in told)

    assert "other things in training" in first
    assert "2 parameters have no part" in second
    assert "aux.weight" in second
    assert "nn.Dropout" in typenames(tmp_path / "a.t7")


class Always(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(3, 3)

    def forward(self, x: Tensor) -> Tensor:
        return F.dropout(F.dropout(self.fc(x), 0.0), 0.5, training=False)


def test_dropouts_that_work_always_and_never(tmp_path: Path) -> None:
    there_and_back(Always(), tmp_path)
    root: Any = t7convert.load(tmp_path / "a.t7")
    modules = root["modules"].list()

    assert [m.typename for m in modules] == ["nn.Linear", "nn.Dropout", "nn.Identity"]
    assert modules[1]["stochastic_inference"] is True


def test_an_input_is_asked_for_where_nothing_tells_it(tmp_path: Path) -> None:
    class Flat(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc = nn.Linear(12, 3)

        def forward(self, x: Tensor) -> Tensor:
            scores: Tensor = self.fc(torch.flatten(x, 1))
            return scores

    network, x = Flat(), torch.randn(3, 3, 2, 2)
    with pytest.raises(ConversionError, match="input="):
        there_and_back(network, tmp_path)

    assert torch.equal(there_and_back(network, tmp_path, input=(1, 3, 2, 2))(x), network(x))


def test_layers_inside_classes_are_listed(tmp_path: Path) -> None:
    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.norm, self.act, self.gate = nn.GroupNorm(2, 4), nn.GELU(), nn.Linear(4, 4)
            self.gate.register_forward_hook(lambda *_: None)

        def forward(self, x: Tensor) -> Tensor:
            out: Tensor = self.act(self.norm(x))
            return out

    network = nn.Sequential(nn.Conv2d(3, 4, 1), Block())
    with pytest.raises(ConversionError) as caught:
        there_and_back(network, tmp_path)

    assert [problem.path for problem in caught.value.problems] == ["1.norm", "1.act"]
    with pytest.raises(ConversionError, match=r"0\.gate: .*Linear: .*hooks"):
        there_and_back(nn.Sequential(Gate()), tmp_path)


class Gate(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.gate = nn.Linear(4, 4)
        self.gate.register_forward_hook(lambda *_: None)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.gate(x)
        return out


def test_modules_that_came_from_a_t7_ask_for_their_file(tmp_path: Path) -> None:
    t7convert.convert(net("nngraph-unet")[0], tmp_path / "a.pt", verify=False)
    with pytest.raises(ConversionError, match=r"<root>: t7convert\.nn.*like="):
        there_and_back(t7convert.load_model(tmp_path / "a.pt"), tmp_path)
