"""Modules around one other module, and one that only watches."""

from __future__ import annotations

import logging
from typing import Any

import torch
from torch import Tensor, nn

_log = logging.getLogger(__name__)


class Decorator(nn.Sequential):
    """Pass on to the only child.

    Stands for nn.Decorator, nn.Profile, nn.GPU, nn.DataParallelTable and nn.DataParallel.
    """

    def __init__(self, module: nn.Module) -> None:
        super().__init__(module)

    def forward(self, input: Any) -> Any:
        return self[0](input)


class Bottle(Decorator):
    """Make one dimension of the leading ones, so that ``num_input_dims`` are left, and undo it.

    Source: torch/nn Bottle.lua.
    """

    def __init__(
        self, module: nn.Module, num_input_dims: int = 2, num_output_dims: int = 2
    ) -> None:
        super().__init__(module)
        self.num_input_dims, self.num_output_dims = num_input_dims, num_output_dims

    def forward(self, input: Tensor) -> Tensor:
        extra = input.dim() - self.num_input_dims
        if extra <= 0:
            output: Tensor = self[0](input)
            return output
        output = self[0](input.flatten(0, extra))
        if output.dim() != self.num_output_dims:
            raise RuntimeError(f"got {output.dim()} dimensions, expected {self.num_output_dims}")
        unfused: Tensor = output.unflatten(0, (*input.shape[:extra], -1))
        return unfused

    def extra_repr(self) -> str:
        return f"num_input_dims={self.num_input_dims}, num_output_dims={self.num_output_dims}"


class NaN(Decorator):
    """Raise RuntimeError if the child's output holds a NaN; not looked at in an exported graph.

    Source: torch/nn NaN.lua.
    """

    def forward(self, input: Any) -> Any:
        output = self[0](input)
        if not torch.compiler.is_compiling() and _has_nan(output):
            where = "input" if _has_nan(input) else "output"
            raise RuntimeError(f"NaN found in {where} of module {self}")
        return output


def _has_nan(value: Any) -> bool:
    if isinstance(value, Tensor):
        return value.is_floating_point() and bool(value.isnan().any())
    if isinstance(value, dict):
        return any(map(_has_nan, value.values()))
    return isinstance(value, (list, tuple)) and any(map(_has_nan, value))


class PrintSize(nn.Module):
    """Log the size of the input and pass it on.

    Source: torch/nn PrintSize.lua.
    """

    def __init__(self, prefix: str = "PrintSize") -> None:
        super().__init__()
        self.prefix = prefix

    def forward(self, input: Any) -> Any:
        if not torch.compiler.is_compiling():
            size = tuple(input.shape) if isinstance(input, Tensor) else input
            _log.info("%s: input %s", self.prefix, size)
        return input

    def extra_repr(self) -> str:
        return repr(self.prefix)
