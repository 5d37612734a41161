"""A check of what was written for a network's forward: both are run, and must agree."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from t7convert.conversion.network import convert_object
from t7convert.errors import ConversionError, Problem
from t7convert.export.torch7.running import plain_copy
from t7convert.format.objects import LuaObject

#: Sides of the image that is tried; the first that the network takes counts.
_SIDES = (64, 96, 224)
#: Of the largest output: float32 sums in another order.
_RTOL = 1e-4


@dataclass(frozen=True)
class Check:
    """What a network gave for an input; nothing if it was known by its attributes alone."""

    inputs: Sequence[Tensor] = ()
    expected: Any = None

    def run(self, network: nn.Module, made: LuaObject) -> None:
        """Compare the network with what was written for it.

        Raises:
            ConversionError: if the two compute different things, or no image could be tried.
        """
        theirs = plain_copy(network)
        ours = convert_object(made, arch="generic").network.float()
        given, expected = self.inputs, self.expected
        with torch.no_grad():
            if expected is None:
                given, expected = _guessed(theirs)
            values = [v if v.is_floating_point() else v.float() for v in given]
            found = ours(values[0].clone() if len(values) == 1 else values)
        if not _agree(found, expected):
            raise _error(network, "its forward computes something else than what would be written")


def _guessed(network: nn.Module) -> tuple[Sequence[Tensor], Tensor]:
    """Return an image that the network takes, and what it gives."""
    channels = next((m.in_channels for m in network.modules() if isinstance(m, nn.Conv2d)), 3)
    generator = torch.Generator().manual_seed(0)
    for side in _SIDES:
        image = torch.randn(2, channels, side, side, generator=generator)
        try:
            expected = network(image.clone())
        except RuntimeError:
            continue  # too small for its poolings
        if isinstance(expected, Tensor):
            return [image], expected
        break
    raise _error(network, "its forward could not be checked on an image")


def _agree(found: Any, expected: Any) -> bool:
    pairs = list(zip(_tensors(found), _tensors(expected), strict=False))
    whole = len(list(_tensors(found))) == len(list(_tensors(expected)))
    return whole and all(_close(a, b) for a, b in pairs)


def _close(found: Tensor, expected: Tensor) -> bool:
    if found.shape != expected.shape:
        return False
    scale = float(expected.abs().max()) if expected.numel() else 0.0
    return torch.allclose(found, expected, rtol=0, atol=_RTOL * scale, equal_nan=True)


def _tensors(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _tensors(item)


def _error(network: nn.Module, reason: str) -> ConversionError:
    kind = f"{type(network).__module__}.{type(network).__qualname__}"
    return ConversionError([Problem(kind, "", reason)])
