"""Modules that slide over sequences of frames: (T, F) or (N, T, F), time before features."""

from __future__ import annotations

from math import ceil

import torch.nn.functional as F
from torch import Tensor, nn

from t7convert.nn.distance import require_features
from t7convert.nn.initial import uniform


class TemporalConv(nn.Module):
    """A convolution along time; a row of ``weight`` holds frame after frame of the window.

    ``weight`` is (outputs, kernel * inputs): Lua's order of the elements, which ``torch.nn.Conv1d``
    (outputs, inputs, kernel) would change, and with it every flat vector of parameters.

    Source: torch/nn TemporalConvolution.lua, cudnn.torch TemporalConvolution.lua (``padding``).
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel_size: int,
        stride: int = 1,
        padding: int = 0,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.stride = stride
        self.padding = padding
        self.inputs, self.outputs, self.kernel_size = inputs, outputs, kernel_size
        self.weight = uniform(kernel_size * inputs, outputs, kernel_size * inputs)
        self.bias = uniform(kernel_size * inputs, outputs) if bias else None

    def forward(self, input: Tensor) -> Tensor:
        features = input.transpose(-1, -2)
        weight = self.weight.view(self.outputs, self.kernel_size, self.inputs).transpose(1, 2)
        output = F.conv1d(features, weight, self.bias, self.stride, self.padding)
        return output.transpose(-1, -2)

    def extra_repr(self) -> str:
        return (
            f"{self.inputs}, {self.outputs}, kernel_size={self.kernel_size}, "
            f"stride={self.stride}, "
            f"padding={self.padding}, bias={self.bias is not None}"
        )


class TemporalRowConv(nn.Module):
    """A convolution along time of every feature by itself; ``weight`` is (features, 1, kernel).

    With ``features_first`` sequences are (F, T) or (N, F, T).
    Source: torch/nn TemporalRowConvolution.lua.
    """

    def __init__(
        self,
        features: int,
        kernel_size: int,
        stride: int = 1,
        *,
        features_first: bool = False,
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.stride = stride
        self.features_first = features_first
        self.weight = uniform(kernel_size * features, features, 1, kernel_size)
        self.bias = uniform(kernel_size * features, features) if bias else None

    def forward(self, input: Tensor) -> Tensor:
        rows = input if self.features_first else input.transpose(-1, -2)
        groups = self.weight.shape[0]
        output = F.conv1d(rows, self.weight, self.bias, self.stride, groups=groups)
        return output if self.features_first else output.transpose(-1, -2)

    def extra_repr(self) -> str:
        features, _, kernel = self.weight.shape
        return (
            f"{features}, kernel_size={kernel}, stride={self.stride}, "
            f"features_first={self.features_first}, bias={self.bias is not None}"
        )


class TemporalSubSample(nn.Module):
    """The sum of ``kernel_size`` frames, times a weight and plus a bias per feature.

    Source: torch/nn TemporalSubSampling.lua.
    """

    def __init__(self, features: int, kernel_size: int, stride: int = 1) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = stride
        self.weight = uniform(kernel_size, features)
        self.bias = uniform(kernel_size, features)

    def forward(self, input: Tensor) -> Tensor:
        require_features(input, len(self.weight))
        sums = input.unfold(-2, self.kernel_size, self.stride).sum(-1)
        return sums * self.weight + self.bias

    def extra_repr(self) -> str:
        return f"{len(self.weight)}, kernel_size={self.kernel_size}, stride={self.stride}"


class TemporalMaxPool(nn.Module):
    """The maximum of ``kernel_size`` frames, per feature.

    Source: torch/nn TemporalMaxPooling.lua.
    """

    def __init__(self, kernel_size: int, stride: int) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = stride

    def forward(self, input: Tensor) -> Tensor:
        output = F.max_pool1d(input.transpose(-1, -2), self.kernel_size, self.stride)
        return output.transpose(-1, -2)

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}"


class TemporalKMaxPool(nn.Module):
    """The k greatest values of every feature, in their order in time.

    k is ``factor`` times the number of frames, rounded up, but at least ``minimum``.
    Source: torch/nn TemporalDynamicKMaxPooling.lua.
    """

    def __init__(self, minimum: int, factor: float = 0.0) -> None:
        super().__init__()
        self.minimum = minimum
        self.factor = factor

    def forward(self, input: Tensor) -> Tensor:
        k = max(self.minimum, ceil(self.factor * input.shape[-2]))
        order = input.sort(dim=-2, descending=True, stable=True).indices
        kept = order.narrow(-2, 0, k).sort(-2).values
        return input.gather(-2, kept)

    def extra_repr(self) -> str:
        return f"{self.minimum}, factor={self.factor}"
