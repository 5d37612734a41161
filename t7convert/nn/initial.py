"""The values that torch/nn's ``reset`` gives fresh parameters."""

from __future__ import annotations

import torch
from torch import nn


def uniform(fan: int, *shape: int) -> nn.Parameter:
    """Return a parameter drawn from -1 / sqrt(fan) to 1 / sqrt(fan).

    Source: torch/nn SpatialConvolution.lua, ``reset``, and many others.
    """
    bound = fan**-0.5
    return nn.Parameter(torch.empty(shape).uniform_(-bound, bound))
