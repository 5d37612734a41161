"""Products and mixtures of several inputs."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


def _require_rank(input: Tensor, *ranks: int) -> None:
    if input.dim() not in ranks:
        expected = " or ".join(map(str, ranks))
        raise RuntimeError(f"{expected} dimensions expected, the input has {input.dim()}")


class MM(nn.Module):
    """The product of two matrices, or of two batches of them, given as a list.

    Source: torch/nn MM.lua.
    """

    def __init__(self, transpose_a: bool = False, transpose_b: bool = False) -> None:
        super().__init__()
        self.transpose_a, self.transpose_b = transpose_a, transpose_b

    def forward(self, input: Sequence[Tensor]) -> Tensor:
        a, b = input
        _require_rank(a, 2, 3)
        _require_rank(b, a.dim())
        return (a.mT if self.transpose_a else a) @ (b.mT if self.transpose_b else b)

    def extra_repr(self) -> str:
        return f"transpose_a={self.transpose_a}, transpose_b={self.transpose_b}"


class MV(nn.Module):
    """The product of a matrix and a vector, or of two batches of them, given as a list.

    Source: torch/nn MV.lua.
    """

    def __init__(self, transpose: bool = False) -> None:
        super().__init__()
        self.transpose = transpose

    def forward(self, input: Sequence[Tensor]) -> Tensor:
        matrix, vector = input
        _require_rank(matrix, 2, 3)
        _require_rank(vector, matrix.dim() - 1)
        return ((matrix.mT if self.transpose else matrix) @ vector.unsqueeze(-1)).squeeze(-1)

    def extra_repr(self) -> str:
        return f"transpose={self.transpose}"


class MixtureTable(nn.Module):
    """The sum of the experts' outputs, weighted by the gater's.

    The input is ``[gater, experts]``: the gater (N, experts), or (experts) without a batch; the
    experts a list of tensors of equal shape, or one tensor whose dimension ``dim`` (0-based; None:
    the first behind the batch) counts them. Source: torch/nn MixtureTable.lua.
    """

    def __init__(self, dim: int | None = None) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, input: tuple[Tensor, Tensor | Sequence[Tensor]]) -> Tensor:
        gater, experts = input
        batched = gater.dim() > 1
        if isinstance(experts, Tensor):
            dim = int(batched) if self.dim is None else self.dim
        else:
            if gater.shape[-1] != len(experts):
                raise RuntimeError(f"{gater.shape[-1]} gates for {len(experts)} experts")
            dim = int(batched)
            experts = torch.stack(tuple(experts), dim)
        shape = [1] * experts.dim()
        shape[dim] = gater.shape[-1]
        if batched:
            shape[0] = gater.shape[0]
        return (gater.reshape(shape) * experts).sum(dim)

    def extra_repr(self) -> str:
        return "" if self.dim is None else f"dim={self.dim}"
