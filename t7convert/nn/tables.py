"""Arithmetic over the tensors of a list."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


def like(x: Tensor, model: Tensor) -> Tensor:
    """Return ``x`` in the shape of ``model``.

    Lua Torch's arithmetic asked for as many elements, whatever the shape, and never broadcast.
    """
    return x if x.shape == model.shape else x.reshape(model.shape)


class CAddTable(nn.Module):
    """Add the tensors of a list.

    Source: torch/nn CAddTable.lua.
    """

    def forward(self, input: Sequence[Tensor]) -> Tensor:
        total, *others = input
        for other in others:
            total = total + like(other, total)
        return total if others else total.clone()


class CSubTable(nn.Module):
    """Subtract the second tensor of a list from the first.

    Source: torch/nn CSubTable.lua.
    """

    def forward(self, input: Sequence[Tensor]) -> Tensor:
        return input[0] - like(input[1], input[0])


class CMulTable(nn.Module):
    """Multiply the tensors of a list.

    Source: torch/nn CMulTable.lua.
    """

    def forward(self, input: Sequence[Tensor]) -> Tensor:
        product, *others = input
        for other in others:
            product = product * like(other, product)
        return product if others else product.clone()


class CDivTable(nn.Module):
    """Divide the first tensor of a list by the second.

    Source: torch/nn CDivTable.lua.
    """

    def forward(self, input: Sequence[Tensor]) -> Tensor:
        return input[0] / like(input[1], input[0])


class CMaxTable(nn.Module):
    """Take the greatest of each element; of equal ones the first tensor's.

    Source: torch/nn CMaxTable.lua.
    """

    def forward(self, input: Sequence[Tensor]) -> Tensor:
        best, *others = input
        for candidate in others:
            other = like(candidate, best)
            best = torch.where(other > best, other, best)
        return best if others else best.clone()


class CMinTable(nn.Module):
    """Take the least of each element; of equal ones the first tensor's.

    Source: torch/nn CMinTable.lua.
    """

    def forward(self, input: Sequence[Tensor]) -> Tensor:
        best, *others = input
        for candidate in others:
            other = like(candidate, best)
            best = torch.where(other < best, other, best)
        return best if others else best.clone()


class CAddTensorTable(nn.Module):
    """Add a tensor to every tensor of a list: ``[v, [a, b]]`` gives ``[a + v, b + v]``.

    Source: torch/nn CAddTensorTable.lua.
    """

    def forward(self, input: tuple[Tensor, Sequence[Tensor]]) -> list[Tensor]:
        vector, table = input
        return [like(item, vector) + vector for item in table]
