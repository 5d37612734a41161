"""A check of networks that were taken for torchvision's by their attributes alone."""

from __future__ import annotations

import copy

import torch
from torch import nn

from t7convert.conversion.network import convert_object
from t7convert.errors import ConversionError, Problem
from t7convert.format.objects import LuaObject

#: Sides of the image that is tried; the first that the network takes counts.
_SIDES = (64, 96, 224)
#: Of the largest output: float32 sums in another order.
_RTOL = 1e-4


def check_guess(network: nn.Module, made: LuaObject) -> None:
    """Compare the network with what was written for it, on one image.

    Raises:
        ConversionError: if the two compute different things, or no image could be tried.
    """
    theirs = copy.deepcopy(network).cpu().float().eval()
    ours = convert_object(made, arch="generic").network.float()
    channels = next((m.in_channels for m in theirs.modules() if isinstance(m, nn.Conv2d)), 3)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for side in _SIDES:
            image = torch.randn(2, channels, side, side, generator=generator)
            try:
                expected = theirs(image.clone())
            except RuntimeError:
                continue  # too small for its poolings
            if not isinstance(expected, torch.Tensor):
                break
            found = ours(image)
            scale = float(expected.abs().max())
            if found.shape == expected.shape and torch.allclose(
                found, expected, rtol=0, atol=_RTOL * scale
            ):
                return
            raise _error(network, "its forward computes something else than its attributes suggest")
    raise _error(network, "its forward could not be checked on an image")


def _error(network: nn.Module, reason: str) -> ConversionError:
    kind = f"{type(network).__module__}.{type(network).__qualname__}"
    return ConversionError([Problem(kind, "", reason)])
