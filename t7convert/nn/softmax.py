"""Softmax functions that choose what they normalise by the rank of the input."""

from __future__ import annotations

from torch import Tensor, nn


def plane_dim(input: Tensor) -> int:
    """Return the dimension of the planes: 0 without a batch (1-D, 3-D), 1 with one (2-D, 4-D).

    Raises:
        RuntimeError: for other ranks.
    """
    if not 1 <= input.dim() <= 4:
        raise RuntimeError(f"1 to 4 dimensions expected, the input has {input.dim()}")
    return 0 if input.dim() in (1, 3) else 1


class SoftMax(nn.Module):
    """Normalise exp(x) over the planes. Source: torch/nn lib/THNN/generic/SoftMax.c."""

    def forward(self, input: Tensor) -> Tensor:
        return input.softmax(plane_dim(input))


class LogSoftMax(nn.Module):
    """The logarithm of SoftMax. Source: torch/nn lib/THNN/generic/LogSoftMax.c."""

    def forward(self, input: Tensor) -> Tensor:
        return input.log_softmax(plane_dim(input))


class SoftMin(nn.Module):
    """SoftMax of -x. Source: torch/nn SoftMin.lua."""

    def forward(self, input: Tensor) -> Tensor:
        return (-input).softmax(plane_dim(input))


class InstanceSoftMax(nn.Module):
    """Normalise all planes, rows and columns of one sample together, or their logarithm.

    1-D and 3-D inputs are one sample, 2-D and 4-D ones a batch.
    Source: cudnn.torch SpatialSoftMax.lua, ``CUDNN_SOFTMAX_MODE_INSTANCE``.
    """

    def __init__(self, log: bool = False) -> None:
        super().__init__()
        self.log = log

    def forward(self, input: Tensor) -> Tensor:
        flat = input.flatten(plane_dim(input))
        output = flat.log_softmax(-1) if self.log else flat.softmax(-1)
        return output.view(input.shape)

    def extra_repr(self) -> str:
        return f"log={self.log}"


class VolumetricSoftMax(nn.Module):
    """Apply ``module`` to volumes (4-D, or 5-D with a batch), time and rows seen as one dimension.

    Source: cudnn.torch VolumetricSoftMax.lua.
    """

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, input: Tensor) -> Tensor:
        if input.dim() not in (4, 5):
            raise RuntimeError(f"4 or 5 dimensions expected, the input has {input.dim()}")
        output: Tensor = self.module(input.flatten(-3, -2))
        return output.view(input.shape)
