"""Pictures of one grey each, and a network whose answers about them are known."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tiny_networks import CLASSES, GREYS, write_network


@pytest.fixture
def grey_picture() -> Callable[..., Path]:
    """Return a function that writes a picture of one grey."""

    def write(path: Path, grey: int, size: tuple[int, int] = (300, 260)) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.full((*size, 3), grey, np.uint8)
        Image.fromarray(pixels).save(path, "PNG")
        return path

    return write


@pytest.fixture(scope="session")
def imagenet_like(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A .t7 of six classes for pictures of 224x224, preprocessed as ImageNet's."""
    return write_network(tmp_path_factory.mktemp("net") / "greys.t7", 224, "imagenet", CLASSES)


@pytest.fixture(scope="session")
def cifar_like(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A .t7 of ten classes for pictures of 32x32, preprocessed as CIFAR-10's."""
    return write_network(tmp_path_factory.mktemp("net") / "cifar.t7", 32, "cifar10", 10)


@pytest.fixture
def folder(tmp_path: Path, grey_picture: Callable[..., Path]) -> Path:
    """``val`` with 6 classes of 4 pictures: 5 of 24 are wrong in top-1, 2 of them in top-5.

    A picture of grey k is nearest to class k; the sixth nearest is the farthest class.
    """
    wrong = {(0, 0): 1, (1, 0): 2, (2, 0): 3, (0, 1): 5, (5, 0): 0}
    for label in range(CLASSES):
        for number in range(4):
            grey = GREYS[wrong.get((label, number), label)]
            grey_picture(tmp_path / f"data/val/class_{label}/{number}.JPEG", grey)
    return tmp_path / "data"
