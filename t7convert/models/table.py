"""The paper's table of parameters, with numbers that are counted here beside those published."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch

from t7convert.models import builders
from t7convert.residual.network import StagedNetwork


@dataclass(frozen=True)
class Count:
    """Parameters and tensors of a network, shared ones counted once and every time.

    ``shared_convolutions`` has, for each stage, how many convolutions hold its shared weight.
    """

    parameters: int
    parameters_every_time: int
    tensors: int
    tensors_every_time: int
    shared_convolutions: tuple[int, ...]


@dataclass(frozen=True)
class Published:
    """What the paper's table says: millions of parameters, and the reduction in percent."""

    original: str
    shared: str
    reduction: int


@dataclass(frozen=True)
class Entry:
    """A network of the table: its name, how it is built, and the published numbers if any."""

    name: str
    dataset: str
    num_classes: int
    build: Callable[..., StagedNetwork]
    published: Published | None = None


@dataclass(frozen=True)
class Row:
    """An entry with the numbers counted."""

    entry: Entry
    original: Count
    shared: Count

    @property
    def reduction(self) -> float:
        """The part of the parameters that sharing saves, in percent."""
        return 100 * (1 - self.shared.parameters / self.original.parameters)


# The numbers of the table in aboulch/sharesnet's README; rows without them are not in it.
ENTRIES: tuple[Entry, ...] = (
    Entry("ShaResNet-164", "CIFAR-10", 10, builders.sharesnet164, Published("1.70", "0.93", 45)),
    Entry("ShaResNet-164", "CIFAR-100", 100, builders.sharesnet164),
    Entry(
        "Wide ShaResNet-40-4",
        "CIFAR-10",
        10,
        builders.wide_sharesnet40_4,
        Published("8.95", "5.85", 35),
    ),
    Entry("Wide ShaResNet-40-4", "CIFAR-100", 100, builders.wide_sharesnet40_4),
    Entry("Wide ShaResNet-28-10", "CIFAR-10", 10, builders.wide_sharesnet28_10),
    Entry(
        "Wide ShaResNet-28-10",
        "CIFAR-100",
        100,
        builders.wide_sharesnet28_10,
        Published("36.54", "26.86", 26),
    ),
    Entry("ShaResNet-18", "ImageNet", 1000, builders.sharesnet18),
    Entry("ShaResNet-34", "ImageNet", 1000, builders.sharesnet34, Published("21.8", "13.6", 37)),
    Entry("ShaResNet-50", "ImageNet", 1000, builders.sharesnet50, Published("25.6", "20.5", 20)),
    Entry("ShaResNet-101", "ImageNet", 1000, builders.sharesnet101, Published("44.5", "29.4", 33)),
    Entry("ShaResNet-152", "ImageNet", 1000, builders.sharesnet152, Published("60.2", "36.8", 39)),
)


def count(network: StagedNetwork) -> Count:
    """Count the parameters of ``network`` from its tensors; any device will do, meta too."""
    once = list(network.parameters())
    every = [value for _, value in network.named_parameters(remove_duplicate=False)]
    return Count(
        parameters=sum(value.numel() for value in once),
        parameters_every_time=sum(value.numel() for value in every),
        tensors=len(once),
        tensors_every_time=len(every),
        shared_convolutions=tuple(len(stage.tied()) for stage in network.stages),
    )


def table() -> list[Row]:
    """Build every network of the table on the meta device and count its parameters."""
    rows = []
    with torch.device("meta"):
        for entry in ENTRIES:
            original = count(entry.build(num_classes=entry.num_classes, shared=False))
            shared = count(entry.build(num_classes=entry.num_classes))
            rows.append(Row(entry, original, shared))
    return rows
