"""How far the input is from each of some stored vectors."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd import Function

from t7convert.nn.autograd import apply
from t7convert.nn.distance import require_features, rows


class _Distances(Function):
    """||scale_j * (w_j - x)|| for every column j of the weight; ``anew``: in backward, too.

    Otherwise backward reads the output, which modules in place may have overwritten.
    """

    @staticmethod
    def forward(input: Tensor, weight: Tensor, scale: Tensor, anew: bool) -> Tensor:
        return _distances(input.unsqueeze(2) - weight, scale)

    @staticmethod
    def setup_context(
        ctx: Any, inputs: tuple[Tensor, Tensor, Tensor, bool], output: Tensor
    ) -> None:
        input, weight, scale, ctx.anew = inputs
        kept = input if ctx.anew else input.clone()  # Lua keeps the differences
        ctx.save_for_backward(kept, weight, scale, output)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        input, weight, scale, output = ctx.saved_tensors
        difference = input.unsqueeze(2) - weight
        distances = _distances(difference, scale) if ctx.anew else output
        quotient = (grad / (distances + 1e-7)).unsqueeze(1)
        pull = difference * scale * quotient
        slope = pull * scale
        return slope.sum(2), -slope.sum(0), (pull * difference).sum(0), None


def _distances(difference: Tensor, scale: Tensor) -> Tensor:
    output: Tensor = torch.linalg.vector_norm(difference * scale, dim=1)
    return output


class WeightedEuclidean(nn.Module):
    """The distance of the input to each column of ``weight``, coordinates scaled by ``diagCov``.

    Input (in_features) or (N, in_features), output (out_features) or (N, out_features); both
    parameters are (in_features, out_features). The gradient adds 1e-7 to the distances, as Lua's.
    Source: torch/nn WeightedEuclidean.lua.
    """

    def __init__(self, in_features: int, out_features: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(in_features, out_features))
        self.diagCov = nn.Parameter(torch.ones(in_features, out_features))
        nn.init.uniform_(self.weight, -(in_features**-0.5), in_features**-0.5)

    def forward(self, input: Tensor) -> Tensor:
        require_features(input, len(self.weight))
        output = apply(_Distances, rows(input), self.weight, self.diagCov, True)
        return output.view(*input.shape[:-1], -1)

    def extra_repr(self) -> str:
        return ", ".join(map(str, self.weight.shape))


class Euclidean(nn.Module):
    """The distance of the input to each column of ``weight``; shapes as WeightedEuclidean.

    Source: torch/nn Euclidean.lua.
    """

    def __init__(self, in_features: int, out_features: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(in_features, out_features))
        nn.init.uniform_(self.weight, -(in_features**-0.5), in_features**-0.5)

    def forward(self, input: Tensor) -> Tensor:
        require_features(input, len(self.weight))
        one = self.weight.new_ones(())
        output = apply(_Distances, rows(input), self.weight, one.expand_as(self.weight), False)
        return output.view(*input.shape[:-1], -1)

    def extra_repr(self) -> str:
        return ", ".join(map(str, self.weight.shape))


class _Cosines(Function):
    @staticmethod
    def forward(input: Tensor, weight: Tensor) -> Tensor:
        return input @ weight.t() / _length(weight).t() / _length(input)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor], output: Tensor) -> None:
        input, weight = inputs
        ctx.save_for_backward(input, _length(input), weight, output)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor]:
        input, length, weight, output = ctx.saved_tensors
        weight_length = _length(weight)
        unit, along = input / length, grad * output
        slope = (grad / weight_length.t()) @ weight - unit * along.sum(1, keepdim=True)
        pull = weight * (along.sum(0).unsqueeze(1) / weight_length)
        return slope / length, (grad.t() @ unit - pull) / weight_length


def _length(vectors: Tensor) -> Tensor:
    length: Tensor = torch.linalg.vector_norm(vectors, dim=1, keepdim=True) + 1e-12
    return length


class Cosine(nn.Module):
    """The cosine of the angle between the input and each row of ``weight``.

    Input (in_features) or (N, in_features); the weight is (out_features, in_features). 1e-12 is
    added to the lengths, and the gradient is Lua's. Source: torch/nn Cosine.lua.
    """

    def __init__(self, in_features: int, out_features: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(out_features, in_features))
        nn.init.uniform_(self.weight, -(out_features**-0.5), out_features**-0.5)

    def forward(self, input: Tensor) -> Tensor:
        output = apply(_Cosines, rows(input), self.weight)
        return output.view(*input.shape[:-1], -1)

    def extra_repr(self) -> str:
        return ", ".join(map(str, reversed(self.weight.shape)))


class _Nearest(Function):
    @staticmethod
    def forward(input: Tensor, weight: Tensor, step: float) -> Tensor:
        return (_nearest(input, weight) + 1).to(input.dtype)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor, float], output: Tensor) -> None:
        ctx.step = inputs[2]
        ctx.save_for_backward(inputs[0], inputs[1])

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, None]:
        input, weight = ctx.saved_tensors
        index = _nearest(input, weight)
        pull = torch.zeros_like(weight).index_add(0, index, (weight[index] - input) * ctx.step)
        counts = torch.bincount(index, minlength=weight.shape[0]).to(weight.dtype)
        return torch.zeros_like(input), pull / (counts + 1e-7).unsqueeze(1), None


def _nearest(input: Tensor, weight: Tensor) -> Tensor:
    return (input - weight.unsqueeze(1)).pow(2).sum(2).argmin(0)


class Kmeans(nn.Module):
    """The number (from 1) of the centre, a row of ``weight``, nearest to each row of the input.

    The gradient of the centres is the k-means step times ``step``, whatever the output's gradient;
    the input's is zero. Source: torch/nn Kmeans.lua.
    """

    def __init__(self, k: int, dim: int, step: float = 1.0) -> None:
        super().__init__()
        self.step = step
        self.weight = nn.Parameter(torch.empty(k, dim))
        nn.init.uniform_(self.weight, -1, 1)

    def forward(self, input: Tensor) -> Tensor:
        if input.dim() != 2:
            raise RuntimeError(f"2 dimensions expected, the input has {input.dim()}")
        return apply(_Nearest, input, self.weight, self.step)

    def loss(self, input: Tensor) -> Tensor:
        """Return the sum of the squared distances to the nearest centres, Lua's field ``loss``."""
        return (input - self.weight.unsqueeze(1)).pow(2).sum(2).amin(0).sum()

    def extra_repr(self) -> str:
        return f"k={self.weight.shape[0]}, dim={self.weight.shape[1]}, step={self.step:g}"
