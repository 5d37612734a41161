"""Linear maps whose input names the features that are not zero."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd import Function

from t7convert.nn.autograd import apply


class _Decay(Function):
    """The identity, whose gradient gains ``factor`` times the input."""

    @staticmethod
    def forward(input: Tensor, factor: float) -> Tensor:
        return input.view_as(input)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, float], output: Tensor) -> None:
        ctx.factor = inputs[1]
        ctx.save_for_backward(inputs[0])

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        (input,) = ctx.saved_tensors
        return grad + ctx.factor * input, None


class SparseLinear(nn.Module):
    """A linear map of features given as pairs (index from 1, value).

    The input is one sample of shape (pairs, 2), which gives (out_features); a list of such; or one
    tensor (N, pairs, 2), where a value of 0 ends nothing and counts nothing, whatever its index.
    The weight is (out_features, in_features). The input gets a gradient (at the values of the
    pairs) with ``input_gradient`` only. ``weight_decay`` times the weight is added to the weight's
    gradient. Source: torch/nn SparseLinear.lua, lib/THNN/generic/SparseLinear.c.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        weight_decay: float = 0.0,
        input_gradient: bool = False,
    ) -> None:
        super().__init__()
        self.weight_decay, self.input_gradient = weight_decay, input_gradient
        bound = in_features**-0.5
        self.weight = nn.Parameter(torch.empty(out_features, in_features).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(out_features).uniform_(-bound, bound) * 1e-6)

    def forward(self, input: Tensor | Sequence[Tensor]) -> Tensor:
        weight: Tensor = self.weight
        if self.weight_decay:
            weight = apply(_Decay, weight, self.weight_decay)
        if not isinstance(input, Tensor):
            return torch.stack([self._sample(pairs, weight) for pairs in input])
        return self._sample(input, weight)

    def _sample(self, pairs: Tensor, weight: Tensor) -> Tensor:
        if not self.input_gradient:
            pairs = pairs.detach()
        if pairs.dim() not in (2, 3) or pairs.shape[-1] != 2:
            raise RuntimeError(f"pairs of index and value expected, found {tuple(pairs.shape)}")
        value = pairs[..., 1]
        index = torch.where(value == 0, 1, pairs[..., 0]).long() - 1
        return (weight.t()[index] * value.unsqueeze(-1)).sum(-2) + self.bias

    def extra_repr(self) -> str:
        outputs, inputs = self.weight.shape
        return f"{inputs}, {outputs}"


class IndexLinear(nn.Module):
    """A linear map of features given as a list of keys and a list of values.

    The input is ``[keys, values]`` of one sample (tensors), which gives (out_features);
    ``[[keys, ...], [values, ...]]`` of a batch; or ``[keys, values, sizes]`` of a batch, all keys
    behind each other. ``key + offset`` is the row of the weight. With ``normalize`` (4, else 0)
    the first four columns of the weight are, per feature, the greatest absolute value seen in
    training, its inverse, a mark, and a bias of the normalised value. The values get a gradient
    with ``input_gradient`` only. Source: torch/nn IndexLinear.lua, lib/THNN/generic/IndexLinear.c.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        normalize: int = 0,
        offset: int = -1,
        input_gradient: bool = False,
    ) -> None:
        super().__init__()
        self.normalize, self.offset, self.input_gradient = normalize, offset, input_gradient
        self.weight = nn.Parameter(torch.zeros(in_features, out_features + normalize))
        self.bias = nn.Parameter(torch.zeros(out_features))

    def forward(self, input: Sequence[Any]) -> Tensor:
        keys, values, sample, count = self._flat(input)
        index = keys.long() + self.offset
        if not self.input_gradient:
            values = values.detach()
        if self.normalize and self.training:
            values = self._widened(index, values.detach())
        elif self.normalize:
            values = self._normalised(index, values)
        rows = self.weight.index_select(0, index)[:, self.normalize :] * values.unsqueeze(1)
        output = rows.new_zeros(count, len(self.bias)).index_add(0, sample, rows) + self.bias
        single = len(input) == 2 and isinstance(input[0], Tensor)
        return output[0] if single else output

    @staticmethod
    def _flat(input: Sequence[Any]) -> tuple[Tensor, Tensor, Tensor, int]:
        """Return all keys, all values, which sample each belongs to, and how many samples."""
        if len(input) == 3:
            keys, values, sizes = input
            sizes = torch.as_tensor(sizes, device=keys.device).long().reshape(-1)
            numbers = torch.arange(len(sizes), device=keys.device)
            return keys, values, numbers.repeat_interleave(sizes), len(sizes)
        keys, values = input
        if isinstance(keys, Tensor):
            keys, values = [keys], [values]
        sample = [torch.full_like(k, i, dtype=torch.long) for i, k in enumerate(keys)]
        return torch.cat(tuple(keys)), torch.cat(tuple(values)), torch.cat(sample), len(keys)

    def _normalised(self, index: Tensor, values: Tensor) -> Tensor:
        greatest, inverse = self.weight.detach().index_select(0, index)[:, :2].unbind(1)
        inside = torch.where(values.abs() > greatest, values.sign(), values * inverse)
        return inside + self.weight[index, 3]

    def _widened(self, index: Tensor, values: Tensor) -> Tensor:
        """Let the table see the values one after another; return them normalised on the way."""
        sizes = values.abs()
        seen = torch.maximum(_running_maximum(index, sizes), self.weight.detach()[index, 0])
        stored = self.weight.detach()[index, :2]
        inverse = torch.where(seen > stored[:, 0], 1 / seen, stored[:, 1])
        with torch.no_grad():
            before = self.weight[:, 0].clone()
            greatest = before.scatter_reduce(0, index, sizes, "amax")
            wider = greatest > before
            self.weight[:, 0] = greatest
            self.weight[:, 1] = torch.where(wider, 1 / greatest, self.weight[:, 1])
            self.weight[index, 2] = 1.0
        return values * inverse + self.weight[index, 3]

    def extra_repr(self) -> str:
        return f"{self.weight.shape[0]}, {len(self.bias)}, normalize={self.normalize}"


def _running_maximum(keys: Tensor, values: Tensor) -> Tensor:
    """Return, per position, the greatest value with the same key up to there."""
    ascending = values.sort().values
    rank = torch.searchsorted(ascending, values)
    order = keys.argsort(stable=True)
    group = keys[order] * len(keys)  # higher than any rank, so that groups don't see each other
    greatest = (rank[order] + group).cummax(0).values - group
    return torch.empty_like(values).scatter(0, order, ascending[greatest])
