"""Linear maps, look-ups and sparse maps of Facebook's fbnn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from t7convert.nn import sparse
from t7convert.nn.autograd import apply
from t7convert.nn.gradient import ZeroGrad


class UnfoldedTemporalConvolution(nn.Module):
    """Convolution over time with zeros around, ``(T, in)`` or ``(N, T, in)``.

    The weight is ``(out, kernel * in)``. Source: fbnn UnfoldedTemporalConvolution.lua.
    """

    def __init__(
        self, in_features: int, out_features: int, kernel: int, padding: int = 0, bias: bool = True
    ) -> None:
        super().__init__()
        self.kernel, self.padding = kernel, padding
        linear = nn.Linear(kernel * in_features, out_features, bias)
        self.weight, self.bias = linear.weight, linear.bias

    def forward(self, input: Tensor) -> Tensor:
        padded = F.pad(input, (0, 0, self.padding, self.padding))
        windows = padded.unfold(-2, self.kernel, 1).transpose(-1, -2)
        return F.linear(windows.flatten(-2), self.weight, self.bias)

    def extra_repr(self) -> str:
        return f"kernel={self.kernel}, padding={self.padding}"


class LinearNoBackprop(nn.Linear):
    """A linear map that gives its input a gradient of zero. Source: fbnn LinearNoBackprop.lua."""

    def __init__(self, in_features: int, out_features: int, bias: bool = True) -> None:
        super().__init__(in_features, out_features, bias)
        self._stop = ZeroGrad()

    def forward(self, input: Tensor) -> Tensor:
        return super().forward(self._stop(input))


class NormalizedLinearNoBias(nn.Linear):
    """A linear map whose weight is rescaled to the norm ``sqrt(out)`` before each use in training.

    The weight itself changes, and its gradient is that of a plain linear map. The bias is added but
    never gets a gradient. Source: fbnn NormalizedLinearNoBias.lua.
    """

    def forward(self, input: Tensor) -> Tensor:
        if self.training:
            with torch.no_grad():
                self.weight.mul_(self.out_features**0.5 / self.weight.norm())
        return F.linear(input, self.weight, None if self.bias is None else self.bias.detach())


class FasterLookup(nn.Embedding):
    """Rows of the weight by indices from 1, ``(T,)`` or ``(N, T)``.

    Source: fbnn FasterLookup.lua, src/FasterLookup.c.
    """

    def forward(self, input: Tensor) -> Tensor:
        return super().forward(input.long() - 1)


class SparseThreshold(nn.Module):
    """Apply ``module`` (a Threshold) to the values of ``(..., 2)`` pairs of index and value.

    Source: fbnn SparseThreshold.lua.
    """

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, input: Tensor) -> Tensor:
        return torch.stack((input[..., 0], self.module(input[..., 1])), -1)


class SparseLinear(sparse.SparseLinear):
    """A linear map of ``[keys, values]``, ``(pairs,)`` or ``(N, pairs)`` each, keys from 1.

    A batch of one gives ``(out,)``. A single tensor is taken as nn.SparseLinear takes it.
    Source: fbnn SparseLinear.lua, src/SparseLinear.c.
    """

    def forward(self, input: Tensor | Sequence[Tensor]) -> Tensor:
        if isinstance(input, Tensor):
            return super().forward(input)
        keys, values = input
        values = values.detach()
        decay = self.weight_decay
        weight = apply(sparse._Decay, self.weight, decay) if decay else self.weight
        index = torch.where(values == 0, 1, keys.long()) - 1
        output = (weight.t()[index] * values.unsqueeze(-1)).sum(-2) + self.bias
        return output[0] if output.dim() == 2 and len(output) == 1 else output


class SegSparseLinear(nn.Module):
    """A linear map of ``[segments, keys, values]``: 1-D tensors with one entry per feature.

    ``segments`` says which sample of the batch (from 1), ``keys`` which row of the weight (from 1),
    which is ``(in, out)``. The batch has as many samples as the greatest segment; a fourth entry of
    the list, or ``"batch_size"`` of a dict with keys 1, 2 and 3, gives another number.
    Source: fbnn SegSparseLinear.lua.
    """

    def __init__(self, in_features: int, out_features: int) -> None:
        super().__init__()
        bound = in_features**-0.5
        self.weight = nn.Parameter(torch.empty(in_features, out_features).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(out_features).uniform_(-bound, bound) * 1e-6)

    def forward(self, input: Sequence[Any] | Mapping[Any, Any]) -> Tensor:
        if isinstance(input, Mapping):
            entries = [input[1], input[2], input[3], input.get("batch_size")]
        else:
            entries = [*input, None]
        segments, keys, values, size = entries[:4]
        segments = segments.long() - 1
        size = int(segments.max()) + 1 if size is None else int(size)
        rows: Tensor = self.weight[keys.long() - 1] * values.detach()[:, None]
        return rows.new_zeros(size, rows.shape[1]).index_add(0, segments, rows) + self.bias

    def extra_repr(self) -> str:
        return f"{self.weight.shape[0]}, {self.weight.shape[1]}"
