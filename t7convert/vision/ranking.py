"""The best classes of one picture."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from t7convert.vision.scores import probabilities
from t7convert.vision.subject import scores_of


@dataclass(frozen=True)
class Ranked:
    """A class (from 0) and its probability."""

    index: int
    probability: float


def rank(network: nn.Module, pixels: Tensor, top: int = 5) -> list[Ranked]:
    """Return the best ``top`` classes of a preprocessed picture (3, H, W), the best one first."""
    row = probabilities(scores_of(network, pixels.unsqueeze(0)))[0]
    best = row.topk(min(top, len(row)))
    return [
        Ranked(int(index), float(value))
        for value, index in zip(best.values, best.indices, strict=True)
    ]
