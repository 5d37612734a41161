"""From scores to probabilities, ranks and error rates."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

_Z95 = 1.959963984540054  # of the normal distribution, for an interval of 95 %


def probabilities(scores: Tensor) -> Tensor:
    """Return the softmax of scores (N, classes) in float64.

    Networks that end with SoftMax or LogSoftMax have done a part of it: rows that are probabilities
    already, or their logarithms, are recognised by their sum.
    """
    values = scores.detach().double().cpu()
    if bool((values >= 0).all()) and _sums_to_one(values):
        return values
    if bool((values <= 0).all()) and _sums_to_one(values.exp()):
        return values.exp()
    return torch.softmax(values, dim=1)


def _sums_to_one(values: Tensor) -> bool:
    return bool(((values.sum(dim=1) - 1).abs() < 1e-4).all())


@dataclass(frozen=True)
class Tally:
    """Counts that add up over batches and processes."""

    images: int = 0
    top1_wrong: int = 0
    top5_wrong: int = 0
    not_finite: int = 0

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.images + other.images,
            self.top1_wrong + other.top1_wrong,
            self.top5_wrong + other.top5_wrong,
            self.not_finite + other.not_finite,
        )


def tally(scores: Tensor, targets: Tensor) -> Tally:
    """Count errors of scores (N, classes) against targets (N,), classes from 0.

    An image whose scores are not finite counts as wrong. With fewer than 5 classes, top-5 looks at
    all of them, as ``Trainer:computeScore`` of fb.resnet.torch does.
    """
    values, targets = scores.detach().float().cpu(), targets.cpu()
    finite = torch.isfinite(values).all(dim=1)
    best = values.nan_to_num().topk(min(5, values.shape[1]), dim=1).indices
    hits = (best == targets[:, None]) & finite[:, None]
    return Tally(
        len(values),
        int((~hits[:, 0]).sum()),
        int((~hits.any(dim=1)).sum()),
        int((~finite).sum()),
    )


def error_interval(wrong: int, images: int) -> tuple[float, float]:
    """Return Wilson's interval of 95 % for an error rate, in percent.

    Raises:
        ValueError: if there are no images.
    """
    if images < 1 or not 0 <= wrong <= images:
        raise ValueError(f"{wrong} wrong of {images} images")
    share, z2 = wrong / images, _Z95**2
    middle = (share + z2 / (2 * images)) / (1 + z2 / images)
    half = _Z95 * math.sqrt(share * (1 - share) / images + z2 / (4 * images**2))
    half /= 1 + z2 / images
    low = 0.0 if wrong == 0 else max(0.0, middle - half)
    high = 1.0 if wrong == images else min(1.0, middle + half)
    return 100 * low, 100 * high
