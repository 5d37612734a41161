"""Weight normalisation as torch/nn defined it."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

#: A tensor method and its arguments: ("reshape", (4, 3, 5, 5)).
ViewStep = tuple[str, tuple[int, ...]]


class WeightNorm(nn.Module):
    """Run ``module`` with the weight ``g * v / sqrt(||v||^2 + 1e-4)``, norms taken per output.

    Args:
        module: what is run; its parameter ``name`` is taken away.
        size: the shape of the weight as torch/nn has it.
        output_dim: the dimension of the outputs in ``size`` (0-based).
        g_shape: the shape of ``g``, one number per output.
        views: how the module sees that weight, where its own differs.
        name: the parameter's name in ``module``.

    ``v`` is (outputs, all others). Source: torch/nn WeightNorm.lua.
    """

    def __init__(
        self,
        module: nn.Module,
        size: Sequence[int],
        output_dim: int = 0,
        g_shape: Sequence[int] | None = None,
        views: Sequence[ViewStep] = (),
        name: str = "weight",
    ) -> None:
        super().__init__()
        self.size, self.output_dim = tuple(size), output_dim
        self.views, self.name = tuple(views), name
        outputs = self.size[output_dim]
        v = torch.empty(outputs, prod(self.size) // outputs)
        self.v = nn.Parameter(v if v.is_meta else v.normal_())  # drawing meta costs seconds
        self.g = nn.Parameter(torch.ones(tuple(g_shape or (outputs,))))
        self.add_module("0", module)
        owner, _, leaf = name.rpartition(".")
        module.get_submodule(owner).register_parameter(leaf, None)

    def weight(self) -> Tensor:
        """Return the weight in the shape that torch/nn has it."""
        norm = (self.v.pow(2).sum(1, keepdim=True) + 1e-4).sqrt()
        weight = self.v * (self.g.reshape(-1, 1) / norm)
        others = [n for d, n in enumerate(self.size) if d != self.output_dim]
        return weight.view(-1, *others).movedim(0, self.output_dim)

    def forward(self, input: Any) -> Any:
        weight = self.weight()
        for step, args in self.views:
            weight = getattr(weight, step)(*args)
        return functional_call(self.get_submodule("0"), {self.name: weight}, (input,))

    def extra_repr(self) -> str:
        return f"size={self.size}, output_dim={self.output_dim}"
