"""Error rates over a data set, by one process or several: the counts add up to the same."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from operator import add

import torch
from torch import nn

from t7convert.vision.datasets import Pictures, batches
from t7convert.vision.folders import DataError
from t7convert.vision.processes import Place
from t7convert.vision.scores import Tally, error_interval, tally
from t7convert.vision.subject import scores_of

Progress = Callable[[int, int, Tally], None]


@dataclass(frozen=True)
class Evaluation:
    """What was counted.

    Attributes:
        dataset: its name for people.
        tally: errors over all readable images.
        unreadable: files that could not be read, with the reasons; they are in no rate.
        seconds: from the first image to the last.
    """

    dataset: str
    tally: Tally
    unreadable: tuple[tuple[str, str], ...]
    seconds: float

    @property
    def top1_error(self) -> float:
        """The share of images whose best class is wrong, in percent."""
        return 100 * self.tally.top1_wrong / self.tally.images

    @property
    def top5_error(self) -> float:
        """The share of images whose class is not among the best five, in percent."""
        return 100 * self.tally.top5_wrong / self.tally.images

    @property
    def top1_interval(self) -> tuple[float, float]:
        """The interval of 95 % of the top-1 error."""
        return error_interval(self.tally.top1_wrong, self.tally.images)

    @property
    def top5_interval(self) -> tuple[float, float]:
        """The interval of 95 % of the top-5 error."""
        return error_interval(self.tally.top5_wrong, self.tally.images)


def evaluate_network(
    network: nn.Module,
    pictures: Pictures,
    place: Place,
    *,
    batch_size: int = 64,
    workers: int = 0,
    progress: Progress | None = None,
) -> Evaluation:
    """Count the network's errors; every process returns the sum over all.

    With ten crops, the scores of an image's crops are added, as fb.resnet.torch does.

    Raises:
        DataError: if no image can be read.
    """
    indices = place.share(len(pictures))
    start, seen = time.monotonic(), 0
    counts = Tally()
    unreadable: list[tuple[str, str]] = []
    for batch in batches(pictures, indices, batch_size=batch_size, workers=workers):
        seen += batch.images
        unreadable += batch.unreadable
        for pixels, targets in batch.groups:
            counts += tally(_scores(network, pixels), targets)
        if progress is not None:
            progress(seen, len(indices), counts)
    gathered = place.gather((counts, tuple(unreadable)))
    total = reduce(add, (each for each, _ in gathered))
    missing = sorted(item for _, items in gathered for item in items)
    if total.images == 0:
        first = f": {missing[0][1]}" if missing else ""
        raise DataError(f"{pictures.name}: none of {len(missing)} images can be read{first}")
    return Evaluation(pictures.name, total, tuple(missing), time.monotonic() - start)


def _scores(network: nn.Module, pixels: torch.Tensor) -> torch.Tensor:
    if pixels.ndim == 4:
        return scores_of(network, pixels)
    images, crops = pixels.shape[:2]
    scores = scores_of(network, pixels.flatten(0, 1))
    return scores.reshape(images, crops, -1).sum(dim=1)
