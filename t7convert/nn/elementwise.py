"""Element-wise functions of torch/nn that torch.nn lacks, or whose gradient differs there."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd import Function
from torch.nn import functional as F

from t7convert.nn.autograd import apply


class _Abs(Function):
    @staticmethod
    def forward(input: Tensor) -> Tensor:
        return input.abs()

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor], output: Tensor) -> None:
        ctx.save_for_backward(*inputs)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        (input,) = ctx.saved_tensors
        return torch.where(input >= 0, grad, -grad)


class Abs(nn.Module):
    """The absolute value, with gradient 1 at 0 (torch.abs has 0 there).

    Source: torch/nn lib/THNN/generic/Abs.c.
    """

    def forward(self, input: Tensor) -> Tensor:
        return apply(_Abs, input)


class _Sqrt(Function):
    @staticmethod
    def forward(input: Tensor) -> Tensor:
        return input.sqrt()

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor], output: Tensor) -> None:
        ctx.save_for_backward(output)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        (output,) = ctx.saved_tensors
        return torch.where(output == 0, 0, 0.5 * (grad / output))


class Sqrt(nn.Module):
    """The square root, with gradient 0 at 0 (torch.sqrt has infinity there).

    Source: torch/nn lib/THNN/generic/Sqrt.c.
    """

    def forward(self, input: Tensor) -> Tensor:
        return apply(_Sqrt, input)


class _ELU(Function):
    @staticmethod
    def forward(input: Tensor, alpha: float) -> Tensor:
        return F.elu(input, alpha)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, float], output: Tensor) -> None:
        ctx.alpha = inputs[1]
        ctx.save_for_backward(output)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        (output,) = ctx.saved_tensors
        return torch.where(output <= 0, grad * (output + ctx.alpha), grad), None


class ELU(nn.ELU):
    """torch.nn.ELU, whose gradient is told from the output: another one where alpha is negative.

    Source: torch/nn lib/THNN/generic/ELU.c.
    """

    def forward(self, input: Tensor) -> Tensor:
        return super().forward(input) if self.inplace else apply(_ELU, input, self.alpha)


class _SoftPlus(Function):
    @staticmethod
    def forward(input: Tensor, beta: float, threshold: float) -> Tensor:
        return F.softplus(input, beta, threshold)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, float, float], output: Tensor) -> None:
        _, ctx.beta, ctx.threshold = inputs
        ctx.save_for_backward(output)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        (output,) = ctx.saved_tensors
        scaled = output * ctx.beta
        slope = torch.where(scaled > ctx.threshold, 1, -torch.expm1(-scaled))
        return grad * slope, None, None


class SoftPlus(nn.Softplus):
    """torch.nn.Softplus, whose gradient compares the output, not the input, with the threshold.

    Source: torch/nn lib/THNN/generic/SoftPlus.c.
    """

    def forward(self, input: Tensor) -> Tensor:
        return apply(_SoftPlus, input, self.beta, self.threshold)


class Exp(nn.Module):
    """The exponential function. Source: torch/nn Exp.lua."""

    def forward(self, input: Tensor) -> Tensor:
        return input.exp()


class Log(nn.Module):
    """The natural logarithm. Source: torch/nn Log.lua."""

    def forward(self, input: Tensor) -> Tensor:
        return input.log()


class Square(nn.Module):
    """The square. Source: torch/nn Square.lua."""

    def forward(self, input: Tensor) -> Tensor:
        return input * input


class Power(nn.Module):
    """The input to the power ``exponent``. Source: torch/nn Power.lua."""

    def __init__(self, exponent: float) -> None:
        super().__init__()
        self.exponent = exponent

    def forward(self, input: Tensor) -> Tensor:
        return input.pow(self.exponent)

    def extra_repr(self) -> str:
        return f"{self.exponent:g}"


class AddConstant(nn.Module):
    """Add a number, or a vector to the last dimension of a vector or matrix.

    Source: torch/nn AddConstant.lua.
    """

    constant: Tensor | float

    def __init__(self, constant: float | Tensor, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace
        if isinstance(constant, Tensor):
            self.register_buffer("constant", constant, persistent=False)
        else:
            self.constant = constant

    def forward(self, input: Tensor) -> Tensor:
        if isinstance(self.constant, Tensor) and (
            input.dim() > 2 or input.shape[-1] != len(self.constant)
        ):
            raise RuntimeError(f"rows of {len(self.constant)} expected, found {tuple(input.shape)}")
        return input.add_(self.constant) if self.inplace else input + self.constant

    def extra_repr(self) -> str:
        constant = self.constant
        shown = tuple(constant.shape) if isinstance(constant, Tensor) else f"{constant:g}"
        return f"{shown}, inplace=True" if self.inplace else f"{shown}"


class MulConstant(nn.Module):
    """Multiply by a number. Source: torch/nn MulConstant.lua."""

    def __init__(self, constant: float, inplace: bool = False) -> None:
        super().__init__()
        self.constant, self.inplace = constant, inplace

    def forward(self, input: Tensor) -> Tensor:
        return input.mul_(self.constant) if self.inplace else input * self.constant

    def extra_repr(self) -> str:
        return f"{self.constant:g}" + (", inplace=True" if self.inplace else "")


class PReLU(nn.PReLU):
    """torch.nn.PReLU that takes a single vector too, one slope per element.

    Source: torch/nn lib/THNN/generic/PReLU.c.
    """

    def forward(self, input: Tensor) -> Tensor:
        if input.dim() == 1:
            return F.prelu(input[None], self.weight)[0]
        return super().forward(input)


class CReLU(nn.Sequential):
    """Concatenate relu(x) and relu(-x) along the planes.

    The children (a table of x and -x, their concatenation, a rectifier) work on the input
    flattened to ``batch x elements``; ``num_input_dims`` is the rank of an input without a batch
    dimension. Source: torch/nn CReLU.lua.
    """

    def __init__(self, *children: nn.Module, num_input_dims: int) -> None:
        super().__init__(*children)
        self.num_input_dims = num_input_dims

    def forward(self, input: Tensor) -> Tensor:
        batched = input.dim() == self.num_input_dims + 1
        flat = input.reshape(input.shape[0], -1) if batched else input.reshape(1, -1)
        shape = list(input.shape)
        shape[1 if batched else 0] *= 2
        output = flat
        for child in self:
            output = child(output)
        return output.reshape(shape)


class SigmoidInplace(nn.Module):
    """The logistic function, written over the input. Source: cudnn.torch Pointwise.lua."""

    def forward(self, input: Tensor) -> Tensor:
        return input.sigmoid_()


class TanhInplace(nn.Module):
    """The hyperbolic tangent, written over the input. Source: cudnn.torch Pointwise.lua."""

    def forward(self, input: Tensor) -> Tensor:
        return input.tanh_()
