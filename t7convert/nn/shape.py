"""Changes of shape that decide at run time whether there is a batch dimension."""

from __future__ import annotations

from math import prod

from torch import Tensor, nn


class View(nn.Module):
    """View the input as ``size`` (one entry may be -1), behind a batch dimension if there is one.

    A batch dimension is there if the last ``num_input_dims`` dimensions (all, where None) hold
    more elements than ``size`` names, or if there are more dimensions than that.
    Source: torch/nn View.lua, ``batchsize``.
    """

    def __init__(self, *size: int, num_input_dims: int | None = None) -> None:
        super().__init__()
        self.size = size
        self.num_input_dims = num_input_dims
        self._elements = prod(n for n in size if n >= 0)

    def _batch(self, shape: tuple[int, ...]) -> int | None:
        dims = len(shape) if self.num_input_dims is None else self.num_input_dims
        split = len(shape) - dims
        inner = prod(shape[split:])
        if inner % self._elements:
            raise RuntimeError(f"an input of shape {shape} can't be seen as {self.size}")
        batch = 1 if -1 in self.size else inner // self._elements
        batch *= prod(shape[:split])
        alone = self.num_input_dims is None or len(shape) <= self.num_input_dims
        return None if batch == 1 and alone else batch

    def forward(self, input: Tensor) -> Tensor:
        batch = self._batch(tuple(input.shape))
        return input.view(self.size) if batch is None else input.view(batch, *self.size)

    def extra_repr(self) -> str:
        dims = "" if self.num_input_dims is None else f", num_input_dims={self.num_input_dims}"
        return ", ".join(map(str, self.size)) + dims


class Reshape(nn.Module):
    """Give the input the shape ``size``, behind its first dimension if that is the batch.

    With ``batch`` None, the first dimension is the batch unless the input has just the elements of
    ``size`` and more than one in its first dimension.
    Source: torch/nn Reshape.lua.
    """

    def __init__(self, *size: int, batch: bool | None = None) -> None:
        super().__init__()
        self.size = size
        self.batch = batch
        self._elements = prod(size)

    def forward(self, input: Tensor) -> Tensor:
        batch = self.batch
        if batch is None:
            batch = input.shape[0] == 1 or input.numel() != self._elements
        return input.reshape(input.shape[0], *self.size) if batch else input.reshape(self.size)

    def extra_repr(self) -> str:
        batch = "" if self.batch is None else f", batch={self.batch}"
        return ", ".join(map(str, self.size)) + batch
