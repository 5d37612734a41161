"""The one typed door to ``torch.autograd.Function.apply``, which torch leaves without types."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor
from torch.autograd import Function


def apply(function: type[Function], *args: object) -> Tensor:
    """Return ``function.apply(*args)``, for functions with one output."""
    call: Callable[..., Tensor] = function.apply
    return call(*args)
