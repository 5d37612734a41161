"""Containers of torch/nn that torch.nn lacks: modules that take or give lists of tensors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn


class ConcatTable(nn.Sequential):
    """Give each child the same input; the output is the list of theirs.

    Source: torch/nn ConcatTable.lua.
    """

    def forward(self, input: Any) -> list[Any]:
        return [child(input) for child in self]


class CAddTable(nn.Module):
    """Add the tensors of a list; ``inplace`` adds into the first one, as Lua did.

    Source: torch/nn CAddTable.lua.
    """

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace

    def forward(self, input: Sequence[Tensor]) -> Tensor:
        first, *others = input
        total = first
        for position, other in enumerate(others):
            total = total.add_(other) if self.inplace or position else total + other
        return total

    def extra_repr(self) -> str:
        return "inplace=True" if self.inplace else ""
