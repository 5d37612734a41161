"""The text of the source, in shapes that the golden networks don't have, and its check."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrize

from t7convert.errors import ConversionError
from t7convert.export.source.check import built, compare, run_both
from t7convert.export.source.text import NAME, source_text
from t7convert.nn.containers import Concat
from t7convert.nn.graph import GraphModule, Node
from t7convert.nn.tables import CAddTable
from t7convert.nn.ties import SlicedView
from tests.export.test_source import assert_formatted


def branch() -> nn.Module:
    """Return a structure whose constructor fills more than a line."""
    return nn.Sequential(
        nn.Conv2d(
            123456, 1, (3, 5), stride=(2, 1), padding=(1, 2), groups=1, padding_mode="reflect"
        ),
        nn.ReLU(),
    )


def long_graph(inputs: int) -> GraphModule:
    """Return a graph with more inputs, and more sums of them, than fit in a line."""
    nodes = [Node("input_of_all", None, ())]
    nodes += [Node(f"entry_{i}", None, (0,), i) for i in range(inputs)]
    every = tuple(range(1, inputs + 1))
    nodes.append(Node("sum_of_all", CAddTable(), every))
    nodes.append(Node("class", nn.ReLU(), (inputs + 1,)))
    nodes.append(Node("both", None, (inputs + 1, inputs + 2)))
    return GraphModule(nodes, input=0, output=inputs + 3, num_inputs=inputs)


def tied_slices() -> nn.Module:
    """Return two layers that see parts of one parameter that nobody sees whole."""
    network = nn.Sequential(nn.Linear(2, 2, bias=False), nn.Linear(2, 2, bias=False))
    base = nn.Parameter(torch.arange(6.0))
    for layer, start in zip(network, (0, 2), strict=True):
        layer._parameters["weight"] = base
        parametrize.register_parametrization(
            layer, "weight", SlicedView(start, (2, 2)), unsafe=True
        )
    return network


NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "wide": lambda: nn.Sequential(*(branch() for _ in range(4))),
    "loop": lambda: nn.Sequential(*(nn.ReLU() for _ in range(5))),
    "slices": tied_slices,
    "alone": lambda: nn.Linear(3, 2),
    "nested graphs": lambda: nn.Sequential(small_graph(), small_graph(), nn.ReLU()),
    "infinite": lambda: nn.Sequential(nn.Hardtanh(-1.0, float("inf")), Concat(1, nn.ReLU())),
}


def small_graph() -> GraphModule:
    """Return a graph of two nodes."""
    nodes = [Node("a", None, ()), Node("b", nn.ReLU(), (0,)), Node("c", CAddTable(), (0, 1))]
    return GraphModule(nodes, input=0, output=2, num_inputs=1)


@pytest.mark.parametrize("name", NETWORKS)
def test_other_shapes_of_networks(name: str, tmp_path: Path) -> None:
    network = NETWORKS[name]().eval()
    text = source_text(network, "net.weights.pt")
    (tmp_path / "net.py").write_text(text)
    compare(network, built(text, NAME, network.state_dict(), None), compact=False)

    assert_formatted(tmp_path)


def test_the_same_graph_twice_is_one_class() -> None:
    text = source_text(NETWORKS["nested graphs"](), "net.weights.pt")

    assert text.count("class Graph") == 1
    assert "super().__init__(Graph(), Graph(), nn.ReLU())" in text


def test_graphs_of_many_inputs(tmp_path: Path) -> None:
    network = long_graph(12)
    with pytest.raises(ConversionError, match="'class' is no attribute's name"):
        source_text(network, "net.weights.pt")


def test_lines_of_graphs_are_broken(tmp_path: Path) -> None:
    network = long_graph(12)
    network._wiring = [("relu" if n == "class" else n, i, s) for n, i, s in network._wiring]
    network._labels = ["relu" if label == "class" else label for label in network._labels]
    network.add_module("relu", network._modules.pop("class"))
    text = source_text(network, "net.weights.pt")
    (tmp_path / "net.py").write_text(text)
    made = built(text, NAME, {}, None)
    given = [torch.full((2,), float(i)) for i in range(12)]

    assert run_both(network, made, given) == ""
    assert_formatted(tmp_path)


def test_a_difference_is_seen() -> None:
    tied = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    tied[1].weight = tied[0].weight
    loose = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    pairs = {
        "would tie other tensors": (tied, loose),
        "other state_dict keys": (tied, nn.Sequential(nn.Linear(2, 2))),
        "0.weight: Tensor: the source's state_dict": (loose, nn.Sequential(*map(fresh, "ab"))),
        "0: ReLU: the source would make a Tanh": (
            nn.Sequential(nn.ReLU()),
            nn.Sequential(nn.Tanh()),
        ),
        "its negative_slope was set": (nn.LeakyReLU(0.1), nn.LeakyReLU(0.2)),
        "0: ReLU: the source would lack it": (nn.Sequential(nn.ReLU()), nn.Sequential()),
    }
    for message, (network, made) in pairs.items():
        with pytest.raises(ConversionError, match=message):
            compare(network, made, compact=False)


def fresh(_: str) -> nn.Module:
    """Return a layer with weights of its own."""
    return nn.Linear(2, 2)


def test_other_outputs_are_seen() -> None:
    given = torch.linspace(-1, 1, 5)

    assert run_both(nn.ReLU(), nn.ReLU(), given) == ""
    assert "the network fails with RuntimeError" in run_both(nn.Linear(2, 2), nn.ReLU(), given)
    with pytest.raises(ConversionError, match="computes something else"):
        run_both(nn.ReLU(), nn.Tanh(), given)
    with pytest.raises(ConversionError, match="would fail with RuntimeError"):
        run_both(nn.ReLU(), nn.Linear(2, 2), given)


def test_source_that_does_not_run_is_refused() -> None:
    with pytest.raises(ConversionError, match="would fail with ZeroDivisionError"):
        built("1 / 0", NAME, {}, None)
    with pytest.raises(ConversionError, match="would not take the weights"):
        built("from torch.nn import ReLU as Network", NAME, {"x": torch.ones(1)}, None)
