"""Element types and layouts."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from t7convert.nn.decorators import Decorator


def cast(value: Any, dtype: torch.dtype) -> Any:
    """Return ``value`` (a tensor, or lists of tensors) in ``dtype``."""
    if isinstance(value, Tensor):
        return value.to(dtype)
    return [cast(item, dtype) for item in value]


class _Typed(nn.Module):
    """Knows an element type that follows the network's ``float()``, ``double()`` and ``half()``."""

    element: Tensor

    def __init__(self, dtype: torch.dtype) -> None:
        super().__init__()
        self.register_buffer("element", torch.empty(0, dtype=dtype, device="cpu"), persistent=False)


class Copy(_Typed):
    """Give the input in another element type.

    Source: torch/nn Copy.lua.
    """

    def forward(self, input: Tensor) -> Tensor:
        return input.to(self.element.dtype)

    def extra_repr(self) -> str:
        return str(self.element.dtype)


def _for_rank(order: list[int], rank: int) -> list[int]:
    """Return an order of dimensions for this rank: Lua swaps those that are named, no others."""
    rest = list(range(len(order)))[rank:]
    kept = order[:rank] if order[rank:] == rest else order
    return [*kept, *range(len(kept), rank)]


class Convert(_Typed):
    """Turn one layout into another, both named letter by letter: ``bchw`` into ``bhwc`` or ``bf``.

    An input with fewer dimensions than ``input_shape`` has letters lacks the batch, b.
    Source: torch/nn Convert.lua.
    """

    def __init__(self, input_shape: str, output_shape: str, dtype: torch.dtype) -> None:
        super().__init__(dtype)
        self.input_shape, self.output_shape = input_shape, output_shape

    def forward(self, input: Tensor) -> Tensor:
        value = input.to(self.element.dtype)
        if self.input_shape == "b*":
            return value
        alone = value.dim() < len(self.input_shape)
        if alone:
            value = value.unsqueeze(self.input_shape.index("b"))
        output = self._converted(value)
        return output.squeeze(self.output_shape.index("b")) if alone else output

    def _converted(self, value: Tensor) -> Tensor:
        source, target = self.input_shape, self.output_shape
        if sorted(source) == sorted(target):
            order = [source.index(letter) for letter in target]
            return value.permute(_for_rank(order, value.dim())).contiguous()
        if target == "b":
            other = 1 - source.index("b")
            if "f" in source and value.shape[other] > 1:
                raise RuntimeError(f"{source} can't become b with {value.shape[other]} features")
            return value.select(other, 0)
        first = value.transpose(0, source.index("b"))
        return first.flatten(1) if first.dim() > 1 else first.unsqueeze(1)

    def extra_repr(self) -> str:
        return f"{self.input_shape} to {self.output_shape}"


class DontCast(Decorator):
    """Cast the input to the child's kind of element, and its output to the caller's.

    Only between floating and whole numbers: among floating types the network's precision rules.
    Source: torch/nn DontCast.lua.
    """

    inner: Tensor
    outer: Tensor

    def __init__(
        self, module: nn.Module, inner: torch.dtype | None, outer: torch.dtype | None
    ) -> None:
        super().__init__(module)
        for name, dtype in (("inner", inner), ("outer", outer)):
            element = None if dtype is None else torch.empty(0, dtype=dtype, device="cpu")
            self.register_buffer(name, element, persistent=False)

    def forward(self, input: Any) -> Any:
        given = input if self.inner is None else cast(input, self.inner.dtype)
        output = self[0](given)
        return output if self.outer is None else cast(output, self.outer.dtype)
