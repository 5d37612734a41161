"""A softmax over a tree of classes (lua---nnx)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd import Function

from t7convert.nn.autograd import apply


class _LogSoftMax(Function):
    """The log-softmax of the last dimension by Torch7's fast exponential; C's gradient.

    Source: torch7 lib/TH/THLogAdd.c, ``THExpMinusApprox``.
    """

    @staticmethod
    def forward(logits: Tensor) -> Tensor:
        most = logits.amax(-1, keepdim=True)
        x = most - logits
        y = 1 + x * (0.125 + x * (0.0078125 + x * (0.00032552083 + x * 1.0172526e-5)))
        powers = torch.where(x < 13, y**-8, 0)
        return logits - (most + powers.sum(-1, keepdim=True).log())

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor], output: Tensor) -> None:
        ctx.save_for_backward(output)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        (output,) = ctx.saved_tensors
        gradient: Tensor = grad - output.exp() * grad.sum(-1, keepdim=True)
        return gradient


class SoftMaxTree(nn.Module):
    """The log-probability of a node of a tree: at every parent on its path one softmax.

    Takes the pair of rows (N, inputs) and the nodes (N), whole numbers; gives (N). Its exponential
    is Torch7's fast one, which is off by up to 3e-5.
    Source: nnx SoftMaxTree.lua, generic/SoftMaxTree.c.

    Args:
        inputs: size of the rows.
        hierarchy: the children of every parent; a row of ``weight`` per child, in this order.
        root: the parent at which all paths end.
    """

    places: Tensor
    families: Tensor
    picks: Tensor

    def __init__(self, inputs: int, hierarchy: Mapping[int, Sequence[int]], root: int) -> None:
        super().__init__()
        self.root = root
        rows: dict[int, list[int]] = {}
        parents: dict[int, int] = {}
        count = 0
        for parent, children in hierarchy.items():
            rows[parent] = list(range(count, count + len(children)))
            count += len(children)
            parents.update(dict.fromkeys(children, parent))
        self.weight = nn.Parameter(torch.empty(count, inputs))
        self.bias = nn.Parameter(torch.empty(count))
        for parameter in (self.weight, self.bias):
            nn.init.uniform_(parameter, -((count * inputs) ** -0.5), (count * inputs) ** -0.5)
        paths = {node: _path(node, parents, root) for node in parents}
        whole = {node: path for node, path in paths.items() if path}
        depth = max(map(len, whole.values()), default=0)
        widest = max(map(len, rows.values()), default=0)
        families, picks = [], []
        for path in whole.values():
            lines = [rows[parents[node]] for node in path]
            families.append(
                [line + [-1] * (widest - len(line)) for line in lines]
                + [[-1] * widest] * (depth - len(path))
            )
            position = [list(hierarchy[parents[node]]).index(node) for node in path]
            picks.append(position + [0] * (depth - len(path)))
        places = [-1] * (max(parents, default=0) + 1)
        for number, node in enumerate(whole):
            places[node] = number
        self._table("places", places, (len(places),))
        self._table("families", families, (len(whole), depth, widest))
        self._table("picks", picks, (len(whole), depth))

    def _table(self, name: str, rows: object, shape: tuple[int, ...]) -> None:
        table = torch.tensor(rows, dtype=torch.long, device="cpu").reshape(shape)
        self.register_buffer(name, table, persistent=False)

    def forward(self, input: Sequence[Tensor]) -> Tensor:
        x, target = input
        if x.dim() != 2:
            raise ValueError(f"expected 2 dimensions, got {x.dim()}")
        # index_select refuses what is no node below the root
        place = self.places.index_select(0, target.long())
        families = self.families.index_select(0, place)  # (N, depth, widest)
        there = families >= 0
        rows = families.clamp(min=0)
        logits = torch.einsum("ndfi,ni->ndf", self.weight[rows], x) + self.bias[rows]
        on_path = there[..., :1]  # shorter paths end in families without children
        logits = logits.masked_fill(~there & on_path, -torch.inf).masked_fill(~on_path, 0.0)
        picked = self.picks.index_select(0, place).unsqueeze(-1)
        steps = apply(_LogSoftMax, logits).gather(-1, picked)
        return torch.where(on_path, steps, 0.0).sum((1, 2))

    def extra_repr(self) -> str:
        return f"{self.weight.shape[1]}, nodes={self.weight.shape[0]}, root={self.root}"


def _path(node: int, parents: Mapping[int, int], root: int) -> list[int]:
    """Return the nodes from ``node`` up to the child of the root; [] if the root isn't above."""
    path = [node]
    while parents[path[-1]] != root:
        above = parents[path[-1]]
        if above not in parents or above in path:
            return []
        path.append(above)
    return path
