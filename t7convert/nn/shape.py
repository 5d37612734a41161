"""Changes of shape; many decide at run time whether there is a batch dimension."""

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
        if split < 0:
            raise RuntimeError(f"{dims} dimensions or more expected, found {len(shape)}")
        inner = prod(shape[split:])
        if inner % self._elements:
            raise RuntimeError(f"an input of shape {shape} can't be seen as {self.size}")
        batch = 1 if -1 in self.size else inner // self._elements
        batch *= prod(shape[:split])
        alone = self.num_input_dims is None or len(shape) <= self.num_input_dims
        return None if batch == 1 and alone else batch

    def forward(self, input: Tensor) -> Tensor:
        batch = self._batch(tuple(input.shape))
        return input.reshape(self.size if batch is None else (batch, *self.size))

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


class Contiguous(nn.Module):
    """Give the input with its elements in C order.

    Source: torch/nn Contiguous.lua.
    """

    def forward(self, input: Tensor) -> Tensor:
        return input.contiguous()


class Transpose(nn.Module):
    """Swap pairs of dimensions, one after the other, and put the elements in C order.

    With ``num_input_dims``, dimensions count behind those that the input has beyond it.
    Source: torch/nn Transpose.lua.
    """

    def __init__(self, *swaps: tuple[int, int], num_input_dims: int | None = None) -> None:
        super().__init__()
        self.swaps = swaps
        self.num_input_dims = num_input_dims

    def forward(self, input: Tensor) -> Tensor:
        offset = 0 if self.num_input_dims is None else input.dim() - self.num_input_dims
        for a, b in self.swaps:
            if min(a, b) + offset < 0:
                raise IndexError(f"an input of {input.dim()} dimensions is too small")
            input = input.transpose(a + offset, b + offset)
        return input.contiguous()

    def extra_repr(self) -> str:
        dims = "" if self.num_input_dims is None else f", num_input_dims={self.num_input_dims}"
        return ", ".join(map(str, self.swaps)) + dims


class Squeeze(nn.Module):
    """Drop dimension ``dim`` if its size is 1, or all such dimensions; one dimension always stays.

    With ``num_input_dims``, an input with one dimension more has a batch, which is not dropped.
    Source: torch/nn Squeeze.lua.
    """

    def __init__(self, dim: int | None = None, num_input_dims: int | None = None) -> None:
        super().__init__()
        self.dim, self.num_input_dims = dim, num_input_dims

    def forward(self, input: Tensor) -> Tensor:
        batch = self.num_input_dims is not None and input.dim() == self.num_input_dims + 1
        if self.dim is not None:
            if self.dim + batch >= input.dim():
                raise IndexError(f"an input of {input.dim()} dimensions has no {self.dim}")
            return input.squeeze(self.dim + batch) if input.dim() > 1 else input
        output = input.squeeze()
        if batch and input.shape[0] == 1:
            return output.unsqueeze(0)
        return output if output.dim() else output.unsqueeze(0)

    def extra_repr(self) -> str:
        return f"dim={self.dim}, num_input_dims={self.num_input_dims}"


class Unsqueeze(nn.Module):
    """Insert a dimension of size 1 at ``dim``.

    With ``num_input_dims``, positions count behind the dimensions that the input has beyond it.
    Source: torch/nn Unsqueeze.lua.
    """

    def __init__(self, dim: int, num_input_dims: int | None = None) -> None:
        super().__init__()
        self.dim, self.num_input_dims = dim, num_input_dims

    def forward(self, input: Tensor) -> Tensor:
        offset = 0 if self.num_input_dims is None else input.dim() - self.num_input_dims
        if offset < 0:
            raise RuntimeError(f"got {input.dim()} dimensions, expected {self.num_input_dims}")
        if not 0 <= self.dim + offset <= input.dim():
            raise IndexError(f"{input.dim()} dimensions have no place {self.dim + offset} between")
        return input.unsqueeze(self.dim + offset)

    def extra_repr(self) -> str:
        return f"dim={self.dim}, num_input_dims={self.num_input_dims}"


class Collapse(nn.Module):
    """Make one dimension of all but the batch, which is there beyond ``num_input_dims`` dimensions.

    Source: torch/nn Collapse.lua.
    """

    def __init__(self, num_input_dims: int) -> None:
        super().__init__()
        self.num_input_dims = num_input_dims

    def forward(self, input: Tensor) -> Tensor:
        return input.flatten(1 if input.dim() > self.num_input_dims else 0)

    def extra_repr(self) -> str:
        return f"num_input_dims={self.num_input_dims}"


class Replicate(nn.Module):
    """Insert a dimension in which the input repeats ``count`` times, as a view.

    With ``num_input_dims``, an input with more dimensions has a batch dimension in front.
    Source: torch/nn Replicate.lua.
    """

    def __init__(self, count: int, dim: int = 0, num_input_dims: int | None = None) -> None:
        super().__init__()
        self.count, self.dim, self.num_input_dims = count, dim, num_input_dims

    def forward(self, input: Tensor) -> Tensor:
        batch = self.num_input_dims is not None and input.dim() > self.num_input_dims
        output = input.unsqueeze(self.dim + batch)
        shape = [-1] * output.dim()
        shape[self.dim + batch] = self.count
        return output.expand(shape)

    def extra_repr(self) -> str:
        return f"{self.count}, dim={self.dim}, num_input_dims={self.num_input_dims}"
