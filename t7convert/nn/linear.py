"""Linear maps of torch/nn that torch.nn lacks."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def _uniform(size: int, *shape: int) -> nn.Parameter:
    bound = size**-0.5
    return nn.Parameter(torch.empty(shape).uniform_(-bound, bound))


class LinearWeightNorm(nn.Module):
    """A linear map with weight ``g * v / ||v||``, norms taken per row.

    ``v`` is (out_features, in_features), ``g`` (out_features, 1); norms are at least ``eps``.
    Source: torch/nn LinearWeightNorm.lua.
    """

    def __init__(
        self, in_features: int, out_features: int, bias: bool = True, eps: float = 1e-16
    ) -> None:
        super().__init__()
        self.eps = eps
        self.v = _uniform(in_features, out_features, in_features)
        norm = torch.linalg.vector_norm(self.v.detach(), dim=1, keepdim=True)
        self.g = nn.Parameter(norm.clamp(min=eps))
        self.bias = _uniform(in_features, out_features) if bias else None

    def weight(self) -> Tensor:
        """Return the weight that ``v`` and ``g`` stand for."""
        norm: Tensor = torch.linalg.vector_norm(self.v, dim=1, keepdim=True).clamp(min=self.eps)
        return self.v * (self.g / norm)

    def forward(self, input: Tensor) -> Tensor:
        return F.linear(input, self.weight(), self.bias)

    def extra_repr(self) -> str:
        return f"{self.v.shape[1]}, {self.v.shape[0]}, bias={self.bias is not None}"


class Bilinear(nn.Module):
    """torch.nn.Bilinear whose two inputs, both matrices, come as a list.

    Source: torch/nn Bilinear.lua.
    """

    def __init__(
        self, in1_features: int, in2_features: int, out_features: int, bias: bool = True
    ) -> None:
        super().__init__()
        self.weight = _uniform(in1_features, out_features, in1_features, in2_features)
        self.bias = _uniform(in1_features, out_features) if bias else None

    def forward(self, input: Sequence[Tensor]) -> Tensor:
        first, second = input
        if first.dim() != 2 or second.dim() != 2:
            raise RuntimeError(f"2 dimensions expected, found {first.dim()} and {second.dim()}")
        return F.bilinear(first, second, self.weight, self.bias)

    def extra_repr(self) -> str:
        outputs, first, second = self.weight.shape
        return f"{first}, {second}, {outputs}, bias={self.bias is not None}"


class PartialLinear(nn.Module):
    """A linear map of which only some outputs are computed.

    Input (N, in_features), output (N, len(partition)); the weight is (out_features, in_features),
    the bias (1, out_features). Source: torch/nn PartialLinear.lua.
    """

    partition: Tensor

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        partition: Tensor | None = None,
    ) -> None:
        super().__init__()
        self.weight = _uniform(in_features, out_features, in_features)
        self.bias = nn.Parameter(torch.zeros(1, out_features)) if bias else None
        every = torch.arange(out_features, device="cpu") if partition is None else partition
        self.register_buffer("partition", every, persistent=False)

    def set_partition(self, partition: Tensor | None) -> None:
        """Compute these outputs (0-based) from now on; None for all."""
        if partition is None:
            partition = torch.arange(self.weight.shape[0])
        self.partition = partition.to(self.weight.device)

    def forward(self, input: Tensor) -> Tensor:
        if input.dim() != 2:
            raise RuntimeError(f"2 dimensions expected, the input has {input.dim()}")
        output = input @ self.weight[self.partition].t()
        return output if self.bias is None else output + self.bias[:, self.partition]

    def extra_repr(self) -> str:
        outputs, inputs = self.weight.shape
        return f"{inputs}, {outputs}, bias={self.bias is not None}, of these {len(self.partition)}"
