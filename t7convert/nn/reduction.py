"""Reductions over one dimension."""

from __future__ import annotations

from torch import Tensor

from t7convert.nn.select import AlongDimension


class Max(AlongDimension):
    """Give the greatest entry along ``dim``; the first of equal ones gets the gradient.

    A vector gives a vector of one. Source: torch/nn Max.lua.
    """

    def forward(self, input: Tensor) -> Tensor:
        return input.max(self.axis(input), keepdim=input.dim() == 1).values


class Min(AlongDimension):
    """Give the least entry along ``dim``; the first of equal ones gets the gradient.

    A vector gives a vector of one. Source: torch/nn Min.lua.
    """

    def forward(self, input: Tensor) -> Tensor:
        return input.min(self.axis(input), keepdim=input.dim() == 1).values


class Sum(AlongDimension):
    """Add along ``dim``, or take the mean with ``average``; without ``squeeze`` keep it, size 1.

    A vector gives a vector of one. Source: torch/nn Sum.lua, Mean.lua.
    """

    def __init__(
        self,
        dim: int,
        num_input_dims: int | None = None,
        *,
        average: bool = False,
        squeeze: bool = True,
    ) -> None:
        super().__init__(dim, num_input_dims)
        self.average, self.squeeze = average, squeeze

    def forward(self, input: Tensor) -> Tensor:
        axis = self.axis(input)
        keep = not self.squeeze or input.dim() == 1
        return input.mean(axis, keepdim=keep) if self.average else input.sum(axis, keepdim=keep)

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, average={self.average}, squeeze={self.squeeze}"
