"""The data that an evaluation runs over, found by its layout, and how it is loaded in batches."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from t7convert.vision.cifar import Cifar, read_cifar
from t7convert.vision.folders import Sample, read_image_folder
from t7convert.vision.images import ImageError
from t7convert.vision.labels import Labels
from t7convert.vision.transforms import Transform


@dataclass(frozen=True)
class Item:
    """One image: its input, or why there is none."""

    name: str
    target: int
    pixels: Tensor | None
    problem: str = ""


@dataclass(frozen=True)
class Batch:
    """Images and those that could not be read.

    ``groups`` are inputs of one size each, which go through the network together, with targets.
    """

    groups: tuple[tuple[Tensor, Tensor], ...]
    unreadable: tuple[tuple[str, str], ...]

    @property
    def images(self) -> int:
        """How many, unreadable ones among them."""
        return sum(len(targets) for _, targets in self.groups) + len(self.unreadable)


class Pictures(Dataset[Item]):
    """Images on disk or in memory; ``name`` is the data set's for people."""

    def __init__(self, name: str, images: Sequence[Sample] | Cifar, transform: Transform) -> None:
        self.name, self.images, self.transform = name, images, transform

    def __len__(self) -> int:
        return len(self.images.targets if isinstance(self.images, Cifar) else self.images)

    def __getitem__(self, index: int) -> Item:
        if isinstance(self.images, Cifar):
            target = int(self.images.targets[index])
            return Item(str(index), target, self.transform(self.images.pixels[index]))
        sample = self.images[index]
        try:
            return Item(str(sample.path), sample.target, self.transform(sample.path))
        except ImageError as error:
            return Item(str(sample.path), sample.target, None, str(error))


def open_data(
    root: str | os.PathLike[str], outputs: int, transform: Transform, labels: Labels | None = None
) -> Pictures:
    """Return CIFAR's test images if ``root`` holds them, else a folder of pictures by class.

    Raises:
        DataError: if ``root`` holds neither, or does not fit the network.
    """
    if outputs in {10, 100}:
        cifar = read_cifar(root, outputs)
        if cifar is not None:
            return Pictures(cifar.name, cifar, transform)
    name = "ImageNet" if outputs == 1000 else Path(root).resolve().name
    return Pictures(name, read_image_folder(root, outputs, labels), transform)


def batches(
    pictures: Pictures, indices: Sequence[int], *, batch_size: int, workers: int
) -> Iterator[Batch]:
    """Yield the images at ``indices`` in batches, read by so many processes (0: this one)."""
    loader: DataLoader[Item] = DataLoader(
        torch.utils.data.Subset(pictures, indices),
        batch_size=batch_size,
        num_workers=workers,
        collate_fn=_collate,
    )
    yield from loader


def _collate(items: list[Item]) -> Batch:
    groups: dict[torch.Size, tuple[list[Tensor], list[int]]] = {}
    for item in items:
        if item.pixels is not None:
            pixels, targets = groups.setdefault(item.pixels.shape, ([], []))
            pixels.append(item.pixels)
            targets.append(item.target)
    return Batch(
        tuple((torch.stack(pixels), torch.tensor(targets)) for pixels, targets in groups.values()),
        tuple((item.name, item.problem) for item in items if item.pixels is None),
    )
