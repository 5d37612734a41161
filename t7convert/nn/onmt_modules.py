"""OpenNMT's wrappers around one network, its embeddings and its dropout."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from t7convert.nn.embedding import LookupTable
from t7convert.nn.memory import Memory


class Network(nn.Module):
    """One network under a name that says what it is for; without one the output is None.

    Source: OpenNMT onmt/modules/Network.lua, Bridge.lua.
    """

    def __init__(self, net: nn.Module | None, role: str = "") -> None:
        super().__init__()
        self.net = net
        self.role = role

    def forward(self, input: Any) -> Any:
        return None if self.net is None else self.net(input)

    def extra_repr(self) -> str:
        return self.role


class Generator(Network):
    """The distributions of the next token and its features; of a list it takes the first entry.

    Source: OpenNMT onmt/modules/Generator.lua.
    """

    def forward(self, input: Tensor | Sequence[Tensor]) -> Any:
        return super().forward(input if isinstance(input, Tensor) else input[0])


class WordEmbedding(nn.Module):
    """A table of vectors whose first ``fixed`` columns don't learn.

    The row of index 1, padding, doesn't learn if ``net.padding`` is 1.
    Source: OpenNMT onmt/modules/WordEmbedding.lua.
    """

    def __init__(self, net: LookupTable, fixed: int = 0) -> None:
        super().__init__()
        self.net = net
        self.fixed = fixed

    def forward(self, input: Tensor) -> Tensor:
        output: Tensor = self.net(input)
        if not self.fixed:
            return output
        kept, learning = output[..., : self.fixed].detach(), output[..., self.fixed :]
        return torch.cat([kept, learning], -1) if learning.shape[-1] else kept

    def extra_repr(self) -> str:
        return f"fixed={self.fixed}" if self.fixed else ""


class PositionEmbedding(LookupTable):
    """A vector for each position, of [batch x steps x features, lengths of the sequences].

    A sequence stands at the end of its row: padding has index 1, the first step 2, and so on up to
    ``last + 1``. The numbers of the first input don't matter.
    Source: OpenNMT onmt/modules/PositionEmbedding.lua.
    """

    def __init__(self, num_embeddings: int, size: int, last: int, **options: Any) -> None:
        super().__init__(num_embeddings, size, **options)
        self.last = last

    def forward(self, input: Any) -> Tensor:
        batch, lengths = input
        if batch.dim() != 3:
            raise RuntimeError(f"3 dimensions expected, the input has {batch.dim()}")
        steps = torch.arange(1, batch.shape[1] + 1, device=batch.device)
        lengths = torch.as_tensor(lengths, device=batch.device).long().unsqueeze(1)
        place = steps - (batch.shape[1] - lengths)
        return super().forward((place + 1).clamp(1, self.last + 1))

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, last={self.last}"


class JoinReplicateTable(nn.Module):
    """Join the entries along ``join``, those of size 1 along ``replicate`` repeated as needed.

    Dimensions count from 0, negative ones from the end; with ``num_input_dims``, entries with one
    dimension more have a batch in front. Source: OpenNMT onmt/modules/JoinReplicateTable.lua.
    """

    def __init__(self, replicate: int, join: int, num_input_dims: int | None = None) -> None:
        super().__init__()
        self.replicate, self.join, self.num_input_dims = replicate, join, num_input_dims

    def _axis(self, dim: int, rank: int) -> int:
        if dim < 0:
            return rank + dim
        return dim + (self.num_input_dims is not None and rank == self.num_input_dims + 1)

    def forward(self, input: Sequence[Tensor]) -> Tensor:
        rank = input[0].dim()
        replicate, join = self._axis(self.replicate, rank), self._axis(self.join, rank)
        count = max(x.shape[replicate] for x in input)
        parts = []
        for x in input:
            if x.shape[replicate] not in (1, count):
                raise RuntimeError(f"{x.shape[replicate]} slices can't be repeated to {count}")
            sizes = [-1] * x.dim()
            sizes[replicate] = count
            parts.append(x.expand(sizes))
        return torch.cat(parts, join)

    def extra_repr(self) -> str:
        return f"replicate={self.replicate}, join={self.join}"


class VariationalDropout(Memory):
    """In training, multiply by one mask for all calls until :meth:`forget`.

    A mask is 0 with probability ``p``, else 1 / (1 - p); inputs of another shape get a new one.
    Source: OpenNMT onmt/modules/VariationalDropout.lua.
    """

    def __init__(self, p: float = 0.5) -> None:
        super().__init__()
        self.p = p

    def forward(self, input: Tensor) -> Tensor:
        if self.p == 0 or not self.training:
            return input
        mask = self.memory.get("mask")
        if mask is None or mask.shape != input.shape:
            mask = torch.empty_like(input).bernoulli_(1 - self.p).div_(1 - self.p).detach()
            self.memory["mask"] = mask
        return input * mask

    def extra_repr(self) -> str:
        return f"p={self.p:g}"
