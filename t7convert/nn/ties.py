"""Parametrisations that show one base Parameter under other shapes, so that ties stay ties.

None has a ``right_inverse``: assigning through a view would corrupt the shared base.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn


class PermutedView(nn.Module):
    """The base with its dimensions reordered, e.g. the transposed weight of a tied decoder."""

    def __init__(self, dims: Sequence[int]) -> None:
        super().__init__()
        self.dims = tuple(dims)

    def forward(self, base: Tensor) -> Tensor:
        return base.permute(self.dims)

    def extra_repr(self) -> str:
        return f"dims={self.dims}"


class SlicedView(nn.Module):
    """A run of the base's elements, in C order, under a shape of its own."""

    def __init__(self, start: int, shape: Sequence[int]) -> None:
        super().__init__()
        self.start, self.shape = start, tuple(shape)

    def forward(self, base: Tensor) -> Tensor:
        stop = self.start + torch.Size(self.shape).numel()
        return base.reshape(-1)[self.start : stop].view(self.shape)

    def extra_repr(self) -> str:
        return f"start={self.start}, shape={self.shape}"


class IndexedView(nn.Module):
    """Any elements of the base, by their positions in C order."""

    positions: Tensor

    def __init__(self, positions: Tensor) -> None:
        super().__init__()
        self.register_buffer("positions", positions, persistent=False)

    def forward(self, base: Tensor) -> Tensor:
        return base.reshape(-1)[self.positions]

    def extra_repr(self) -> str:
        return f"shape={tuple(self.positions.shape)}"


class SharedBuffers:
    """A module's ``_apply`` that keeps the buffers which it shares with modules before it.

    Casting and moving a network gives every module buffers of its own (nn.Module._apply);
    parameters stay one. Shared statistics would part then, as they never do in Lua.
    """

    def __init__(self, module: nn.Module) -> None:
        self.module = module
        self.shared: dict[str, tuple[nn.Module, str]] = {}

    @classmethod
    def keep(cls, module: nn.Module, name: str, first: nn.Module, own: str) -> None:
        """Make ``module.name`` and ``first.own``, one buffer now, stay one."""
        apply = vars(module).get("_apply")
        if not isinstance(apply, cls):
            apply = cls(module)
            vars(module)["_apply"] = apply
        apply.shared[name] = (first, own)

    def __call__(self, change: Callable[[Tensor], Tensor], recurse: bool = True) -> nn.Module:
        type(self.module)._apply(self.module, change, recurse)
        for name, (first, own) in self.shared.items():
            mine, theirs = self.module._buffers[name], first._buffers[own]
            if mine is not None and theirs is not None and _alike(mine, theirs):
                self.module._buffers[name] = theirs
        return self.module


def _alike(a: Tensor, b: Tensor) -> bool:
    return (a.shape, a.dtype, a.device) == (b.shape, b.dtype, b.device)
