"""Containers of torch/nn that torch.nn lacks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional


class ConcatTable(nn.Sequential):
    """Give each child the same input; the output is the list of theirs.

    Source: torch/nn ConcatTable.lua.
    """

    def forward(self, input: Any) -> list[Any]:
        return [child(input) for child in self]


class ParallelTable(nn.Sequential):
    """Give child ``i`` the entry ``i`` of the input list; the output is the list of theirs.

    Source: torch/nn ParallelTable.lua.
    """

    def forward(self, input: Sequence[Any]) -> list[Any]:
        if len(input) < len(self):
            raise RuntimeError(f"got {len(input)} inputs for {len(self)} modules")
        return [child(item) for child, item in zip(self, input, strict=False)]


class MapTable(nn.Sequential):
    """Give entry ``i`` of the input list to child ``i``, or to the first child if there is none.

    Source: torch/nn MapTable.lua.
    """

    def forward(self, input: Sequence[Any]) -> list[Any]:
        children = list(self)
        children += children[:1] * (len(input) - len(children))
        return [child(item) for child, item in zip(children, input, strict=False)]


class Concat(nn.Sequential):
    """Give each child the same input and join their outputs along ``dim``.

    Source: torch/nn Concat.lua.
    """

    def __init__(self, dim: int, *children: nn.Module) -> None:
        super().__init__(*children)
        self.dim = dim

    def forward(self, input: Any) -> Tensor:
        return torch.cat([child(input) for child in self], self.dim)

    def extra_repr(self) -> str:
        return f"dim={self.dim}"


class DepthConcat(Concat):
    """As :class:`Concat`, outputs that are smaller in another dimension stand in a frame of zeros.

    They stand in the middle; where that isn't even, one nearer to the start.
    Source: torch/nn DepthConcat.lua, ``windowNarrow``.
    """

    def forward(self, input: Any) -> Tensor:
        outputs = [child(input) for child in self]
        whole = [max(sizes) for sizes in zip(*(y.shape for y in outputs), strict=True)]
        return torch.cat([self._framed(y, whole) for y in outputs], self.dim)

    def _framed(self, output: Tensor, whole: Sequence[int]) -> Tensor:
        pads: list[int] = []
        for axis in reversed(range(output.dim())):
            missing = 0 if axis == self.dim else whole[axis] - output.shape[axis]
            pads += [missing // 2, missing - missing // 2]
        return functional.pad(output, pads) if any(pads) else output


class Parallel(nn.Sequential):
    """Give child ``i`` the slice ``i`` of the input along ``input_dim``; join the outputs.

    Source: torch/nn Parallel.lua.
    """

    def __init__(self, input_dim: int, output_dim: int, *children: nn.Module) -> None:
        super().__init__(*children)
        self.input_dim, self.output_dim = input_dim, output_dim

    def forward(self, input: Tensor) -> Tensor:
        slices = input.unbind(self.input_dim)
        if len(slices) > len(self):
            raise RuntimeError(f"got {len(slices)} slices for {len(self)} modules")
        outputs = [child(item) for child, item in zip(self, slices, strict=False)]
        return torch.cat(outputs, self.output_dim)

    def extra_repr(self) -> str:
        return f"input_dim={self.input_dim}, output_dim={self.output_dim}"


class Branch(nn.Module):
    """One child of a container that had several, under the name it had there.

    ``entry`` picks an entry of the input list first; with ``dim``, a slice along that dimension.
    """

    def __init__(
        self, name: str, module: nn.Module, entry: int | None = None, dim: int | None = None
    ) -> None:
        super().__init__()
        self.name, self.entry, self.dim = name, entry, dim
        self.add_module(name, module)

    def forward(self, input: Any) -> Any:
        if self.entry is not None:
            input = input[self.entry] if self.dim is None else input.select(self.dim, self.entry)
        return self.get_submodule(self.name)(input)

    def extra_repr(self) -> str:
        entry = "" if self.entry is None else f"entry={self.entry}"
        return entry if self.dim is None else f"{entry}, dim={self.dim}"
