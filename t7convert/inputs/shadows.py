"""Copies of a network that compute shapes only.

PyTorch runs modules on tensors without memory, but nearly everything then imports its compiler,
symbolic mathematics included: a second that a check has no use for. Where all the work is in
ordinary layers, they alone are replaced, and the rest runs on zeros.
"""

from __future__ import annotations

import copy
from typing import TypeAlias

import torch
from torch import Tensor, nn

_Convolution: TypeAlias = nn.Conv1d | nn.Conv2d | nn.Conv3d
_CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
_NORMALISATIONS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)
#: Layers whose parameters make no shadow without memory necessary.
_ORDINARY = (*_CONVOLUTIONS, *_NORMALISATIONS, nn.Linear)


def shadow_of(network: nn.Module) -> nn.Module:
    """Return a copy of the network that computes shapes only."""
    light = all(_is_light(module) for module in network.modules())
    tensors = [*network.parameters(), *network.buffers()]
    memo = {id(t): t if light else torch.empty_like(t, device="meta") for t in tensors}
    for parameter in () if light else network.parameters():
        memo[id(parameter)] = nn.Parameter(memo[id(parameter)], requires_grad=False)
    shadow: nn.Module = copy.deepcopy(network, memo)
    for module in list(shadow.modules()):
        for name, child in module.named_children():
            if isinstance(child, _NORMALISATIONS):  # they keep the shape
                setattr(module, name, nn.Identity())
            elif light and isinstance(child, _CONVOLUTIONS):
                setattr(module, name, ConvolutionShape(child))
    return shadow


def _is_light(module: nn.Module) -> bool:
    if not module._parameters:
        return True
    if isinstance(module, _CONVOLUTIONS) and isinstance(module.padding, str):
        return False
    return type(module) in _ORDINARY


class ConvolutionShape(nn.Module):
    """A convolution's output without its numbers: zeros."""

    def __init__(self, convolution: _Convolution) -> None:
        super().__init__()
        self.weight = convolution.weight
        self._channels = convolution.in_channels
        sizes = zip(
            convolution.kernel_size,
            convolution.stride,
            (int(n) for n in convolution.padding),
            convolution.dilation,
            strict=True,
        )
        self._sizes = [tuple(size) for size in sizes]

    def forward(self, input: Tensor) -> Tensor:
        """Return zeros of the output's shape.

        Raises:
            RuntimeError: where the convolution refuses the input.
        """
        rank = len(self._sizes)
        lead, dims = input.shape[: input.dim() - rank], input.shape[input.dim() - rank :]
        if len(lead) not in (1, 2) or lead[-1] != self._channels:
            raise RuntimeError(f"an input of shape {tuple(input.shape)} does not fit")
        if input.dtype != self.weight.dtype:
            raise RuntimeError(f"an input of {input.dtype} does not fit")
        out = [
            (n + 2 * pad - dilation * (kernel - 1) - 1) // stride + 1
            for n, (kernel, stride, pad, dilation) in zip(dims, self._sizes, strict=True)
        ]
        if min(out) < 1:
            raise RuntimeError(f"an input of shape {tuple(input.shape)} is smaller than the kernel")
        shape = (*lead[:-1], self.weight.shape[0], *out)
        return torch.zeros(shape, dtype=self.weight.dtype, device=self.weight.device)
