"""Tables of vectors and one-hot vectors, with indices that count from 1."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class LookupTable(nn.Module):
    """The row of ``weight`` for each index (from 1) of the input, of any shape and number type.

    Args:
        num_embeddings: the number of rows.
        size: the shape of a row, normally one number.
        padding: the index whose row gets no gradient; 0 for none.
        max_norm: rows that are used and longer than this are shortened, in the weight itself.
        norm_type: the p of that norm.
        scale_grad_by_freq: divide the gradient of a row by how often the input names it.

    Source: torch/nn LookupTable.lua, lib/THNN/generic/LookupTable.c.
    """

    def __init__(
        self,
        num_embeddings: int,
        *size: int,
        padding: int = 0,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
    ) -> None:
        super().__init__()
        weight = torch.empty(num_embeddings, *size)
        # Drawing meta tensors changes nothing, and the first time imports PyTorch's compiler.
        self.weight = nn.Parameter(weight if weight.is_meta else weight.normal_())
        self.padding, self.max_norm, self.norm_type = padding, max_norm, norm_type
        self.scale_grad_by_freq = scale_grad_by_freq

    def forward(self, input: Tensor) -> Tensor:
        inside = 1 <= self.padding <= self.weight.shape[0]
        output = F.embedding(
            input.long() - 1,
            self.weight.flatten(1),
            self.padding - 1 if inside else None,
            self.max_norm,
            self.norm_type,
            self.scale_grad_by_freq,
        )
        return output.view(*input.shape, *self.weight.shape[1:])

    def extra_repr(self) -> str:
        parts = list(map(str, self.weight.shape))
        if self.padding:
            parts.append(f"padding={self.padding}")
        if self.max_norm is not None:
            parts.append(f"max_norm={self.max_norm:g}, norm_type={self.norm_type:g}")
        if self.scale_grad_by_freq:
            parts.append("scale_grad_by_freq=True")
        return ", ".join(parts)


class OneHot(nn.Module):
    """A vector with a single 1 for each index (from 1) of the input, in a new last dimension.

    The input is a tensor of any shape and number type, or a number. The output has the dtype that
    the module was moved to (``double()``, ``half()``). Source: torch/nn OneHot.lua.
    """

    one: Tensor

    def __init__(self, size: int, dtype: torch.dtype | None = None) -> None:
        super().__init__()
        self.size = size
        one = torch.ones((), dtype=dtype, device="cpu")
        self.register_buffer("one", one, persistent=False)

    def forward(self, input: Tensor | float) -> Tensor:
        index = torch.as_tensor(input, device=self.one.device).long().unsqueeze(-1) - 1
        output = self.one.new_zeros(*index.shape[:-1], self.size)
        return output.scatter(-1, index, 1)

    def extra_repr(self) -> str:
        return str(self.size)
