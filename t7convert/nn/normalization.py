"""Batch normalisation that decides about a missing batch dimension as Lua did.

Source: torch/nn BatchNormalization.lua and its two subclasses.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class _LuaBatchNorm(nn.modules.batchnorm._BatchNorm):
    """Batch normalisation of (N, C, ...), and in evaluation of (C, ...), which becomes (1, C, ...).

    Lua's ``makeBatch`` adds the batch dimension to the input itself and never takes it away.
    Training on a batch of one uses the running statistics and leaves them alone.
    """

    dims: int

    def _check_input_dim(self, input: Tensor) -> None:
        """Refuse other ranks.

        Raises:
            ValueError: if the rank is wrong, in training also where the batch is missing.
        """
        if input.dim() != self.dims and (self.training or input.dim() != self.dims - 1):
            raise ValueError(f"expected {self.dims} dimensions (got {input.dim()})")

    def _learns_from(self, input: Tensor) -> bool:
        return self.training and input.shape[0] > 1

    def forward(self, input: Tensor) -> Tensor:
        self._check_input_dim(input)
        learning = self._learns_from(input)
        if learning and self.num_batches_tracked is not None:
            self.num_batches_tracked.add_(1)
        batch = input if input.dim() == self.dims else input.unsqueeze(0)
        return F.batch_norm(
            batch,
            self.running_mean,
            self.running_var,
            self.weight,
            self.bias,
            training=learning,
            momentum=0.0 if self.momentum is None else self.momentum,
            eps=self.eps,
        )


class BatchNorm1d(_LuaBatchNorm, nn.BatchNorm1d):
    """Batch normalisation of (N, C), and in evaluation of (C), as a batch."""

    dims = 2


class BatchNorm2d(_LuaBatchNorm, nn.BatchNorm2d):
    """Batch normalisation of (N, C, H, W), and in evaluation of (C, H, W), as a batch."""

    dims = 4


class BatchNorm3d(_LuaBatchNorm, nn.BatchNorm3d):
    """Batch normalisation of (N, C, T, H, W), and in evaluation of (C, T, H, W), as a batch."""

    dims = 5


class CudnnBatchNorm1d(BatchNorm1d):
    """As BatchNorm1d, but a batch of one counts as a batch in training (cudnn.torch)."""

    def _learns_from(self, input: Tensor) -> bool:
        return self.training


class CudnnBatchNorm2d(BatchNorm2d):
    """As BatchNorm2d, but a batch of one counts as a batch in training (cudnn.torch)."""

    def _learns_from(self, input: Tensor) -> bool:
        return self.training


class CudnnBatchNorm3d(BatchNorm3d):
    """As BatchNorm3d, but a batch of one counts as a batch in training (cudnn.torch)."""

    def _learns_from(self, input: Tensor) -> bool:
        return self.training


class InverseStdBatchNorm(nn.Module):
    """Batch normalisation of (N, C, ...) that keeps 1 / standard deviation, not the variance.

    Training averages the batches' own 1 / sqrt(variance + eps), of the biased variance.
    Source: fbcunn BatchNormalization.lua, SpatialBatchNormalization.lua and their .cu files.
    """

    running_mean: Tensor
    running_std: Tensor

    def __init__(
        self,
        features: int,
        dims: int,
        eps: float = 1e-5,
        momentum: float = 0.1,
        *,
        affine: bool = True,
    ) -> None:
        super().__init__()
        self.dims = dims
        self.eps = eps
        self.momentum = momentum
        self.weight = nn.Parameter(torch.ones(features)) if affine else None
        self.bias = nn.Parameter(torch.zeros(features)) if affine else None
        self.register_buffer("running_mean", torch.zeros(features))
        self.register_buffer("running_std", torch.ones(features))

    def forward(self, input: Tensor) -> Tensor:
        if input.dim() != self.dims:
            raise ValueError(f"expected {self.dims} dimensions (got {input.dim()})")
        mean, inverse = self.running_mean, self.running_std
        if self.training:
            rest = [dim for dim in range(input.dim()) if dim != 1]
            variance, mean = torch.var_mean(input, rest, correction=0)
            inverse = (variance + self.eps).rsqrt()
            with torch.no_grad():
                self.running_mean.lerp_(mean, self.momentum)
                self.running_std.lerp_(inverse, self.momentum)
        shape = (-1, *(1,) * (self.dims - 2))
        output = (input - mean.reshape(shape)) * inverse.reshape(shape)
        if self.weight is not None:
            output = output * self.weight.reshape(shape)
        return output if self.bias is None else output + self.bias.reshape(shape)

    def extra_repr(self) -> str:
        return (
            f"{len(self.running_mean)}, dims={self.dims}, eps={self.eps}, "
            f"momentum={self.momentum}, affine={self.weight is not None}"
        )
